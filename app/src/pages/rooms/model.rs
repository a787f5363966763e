//! What is known of rooms, as signals; and what is asked of them.

use std::cell::Cell;

use leptos::prelude::*;

use crate::browser;
use crate::reactive::{effect, memo};
use crate::state::{Auth, Failure, Toasts};
use client::rooms::{Connection, OpenRoom, RoomStatus, Rooms, RoomsChange};
use types::api::{RoomId, RoomSummary};
use types::domain::UserId;

thread_local! {
    /// How many pages of rooms have been made.
    static PAGES: Cell<u64> = const { Cell::new(0) };
}

/// Why this browser does not learn what happens in rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutOff {
    /// It is offline. Its connection may not know that yet.
    Offline,
    /// The connection is lost, and is being opened again.
    Lost,
    /// An operator has disconnected the session.
    Disconnected,
    /// The server does not understand this version of the program.
    Outdated,
}

impl CutOff {
    /// `None` where it does learn it, or has just begun to.
    pub const fn of(is_online: bool, connection: Connection) -> Option<Self> {
        match (is_online, connection) {
            (false, _) => Some(Self::Offline),
            (true, Connection::Lost) => Some(Self::Lost),
            (true, Connection::Disconnected) => Some(Self::Disconnected),
            (true, Connection::Outdated) => Some(Self::Outdated),
            (true, Connection::Connecting | Connection::Open) => None,
        }
    }
}

/// What is known of rooms. A context of these pages.
#[derive(Clone, Copy)]
pub(super) struct Model {
    auth: Auth,
    toasts: Toasts,
    list: RwSignal<Option<Vec<RoomSummary>>>,
    list_failure: RwSignal<Option<Failure>>,
    room: RwSignal<Option<OpenRoom>>,
    connection: RwSignal<Connection>,
}

impl Model {
    /// Provides the context, and follows what changes. Called once, by what holds the pages.
    pub fn provide() -> Self {
        let model = Self {
            auth: expect_context(),
            toasts: expect_context(),
            list: RwSignal::new(None),
            list_failure: RwSignal::new(None),
            room: RwSignal::new(None),
            connection: RwSignal::new(Connection::default()),
        };
        provide_context(model);
        if let Some(rooms) = browser::rooms() {
            rooms.listen(move |change| model.apply(change));
            model.apply(RoomsChange::Forgotten);
        }
        model
    }

    /// Reads what has changed. The pages may be gone: what is known stays for the next.
    fn apply(self, change: RoomsChange) {
        let Some(rooms) = browser::rooms() else { return };
        let all = change == RoomsChange::Forgotten;
        if all || change == RoomsChange::List {
            self.list.try_set(rooms.list());
            self.list_failure.try_set(rooms.list_failure());
        }
        if all || matches!(change, RoomsChange::Room | RoomsChange::Typing) {
            self.room.try_set(rooms.room());
        }
        if all || change == RoomsChange::Connection {
            self.connection.try_set(rooms.connection());
        }
    }

    /// The rooms themselves, for what changes them.
    pub fn rooms() -> Result<Rooms, Failure> {
        browser::rooms().ok_or(Failure::Unreachable)
    }

    pub const fn list(self) -> RwSignal<Option<Vec<RoomSummary>>> {
        self.list
    }

    pub const fn list_failure(self) -> RwSignal<Option<Failure>> {
        self.list_failure
    }

    pub const fn connection(self) -> RwSignal<Connection> {
        self.connection
    }

    /// Why this browser does not learn what happens, if it does not.
    pub fn cut_off(self) -> Memo<Option<CutOff>> {
        let online = self.auth.online();
        memo(move |_| CutOff::of(online.get(), self.connection.get()))
    }

    pub const fn auth(self) -> Auth {
        self.auth
    }

    pub const fn toasts(self) -> Toasts {
        self.toasts
    }

    /// The id of this user.
    pub fn own(self) -> Memo<Option<UserId>> {
        let user = self.auth.user();
        memo(move |_| user.with(|user| user.as_ref().map(|user| user.id)))
    }

    /// Whether whoever is here is the user: who acts for another only looks on.
    pub fn in_person(self) -> Memo<bool> {
        self.auth.in_person()
    }

    /// A part of the open room, which tells its readers only where it is another.
    pub fn part<T>(self, of: impl Fn(&OpenRoom) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: Default + PartialEq + Send + Sync + 'static,
    {
        memo(move |_| self.room.with(|room| room.as_ref().map(&of).unwrap_or_default()))
    }

    /// Whether the open room can be shown.
    pub fn status(self) -> Memo<RoomStatus> {
        self.part(|room| room.status.clone())
    }

    /// A room as the list has it.
    pub fn listed(self, id: RoomId) -> Memo<Option<RoomSummary>> {
        memo(move |_| self.list.with(|list| list.iter().flatten().find(|room| room.room_id == id).cloned()))
    }

    /// Loads the list whenever it may be old. Call it from the component that shows it.
    pub fn follow_list(self) {
        self.follow(|rooms| rooms.load_list());
    }

    /// Opens a room for as long as the component that calls this is there.
    ///
    /// A page may be made anew before the one in its place is gone: the room stays open for the later one.
    pub fn follow_room(self, id: RoomId) {
        let number = PAGES.get() + 1;
        PAGES.set(number);
        self.follow(move |rooms| rooms.open(id));
        on_cleanup(move || {
            if let Some(rooms) = browser::rooms().filter(|_| PAGES.get() == number) {
                rooms.close(id);
            }
        });
    }

    /// Does something once somebody is signed in, and again whenever what is shown may be old.
    fn follow(self, act: impl Fn(Rooms) + 'static) {
        let (session, fetches) = (self.auth.session_id(), self.auth.fetches());
        effect(move |_| {
            fetches.track();
            if session.get().is_some()
                && let Some(rooms) = browser::rooms()
            {
                act(rooms);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_offline_is_cut_off_whatever_the_connection_believes() {
        for connection in [Connection::Connecting, Connection::Open, Connection::Lost, Connection::Disconnected] {
            assert_eq!(CutOff::of(false, connection), Some(CutOff::Offline), "{connection:?}");
        }
        assert_eq!(CutOff::of(true, Connection::Lost), Some(CutOff::Lost));
        assert_eq!(CutOff::of(true, Connection::Connecting), None);
        assert_eq!(CutOff::of(true, Connection::Open), None);
    }
}
