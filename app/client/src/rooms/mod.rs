//! Rooms: which there are, the one that is open, and the socket over which they are live.
//!
//! `room` and `state` are what is known, and pure; `calls` asks the server; `socket` keeps the connection up in one tab
//! of the browser; `tabs` is what the tabs tell each other. Nothing outlives the session, to which it is attached as
//! `session_part` has it. Nothing else of the client points here: all of this is in the file that who opens rooms
//! fetches.

pub mod ports;

mod calls;
mod room;
mod socket;
mod state;
mod tabs;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::future::{join3, select};

use self::ports::Sockets;
pub use self::room::{OpenRoom, RoomStatus, TYPING_MS, WhyNotIn};
pub use self::state::Connection;
use self::state::State;
use crate::core::Client;
use crate::failure::Failure;
use crate::notify::Notify;
use crate::session_part::SessionPart;
use types::api::{RoomEvent, RoomId, RoomSummary, SocketRequest};
use types::domain::UserId;

/// How often, in milliseconds, it is said that the user writes, while they do: it holds for [`TYPING_MS`].
const SAY_TYPING_MS: f64 = 3_000.0;

/// What changed. It is read from [`Rooms`] by whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomsChange {
    /// Which rooms there are.
    List,
    /// The room that is open.
    Room,
    /// Who writes in it.
    Typing,
    /// How the connection is.
    Connection,
    /// The session is over: nothing is known any more.
    Forgotten,
}

type Listener = Rc<dyn Fn(RoomsChange)>;

/// The rooms of one tab. Cheap to clone: all clones are the same.
#[derive(Clone)]
pub struct Rooms {
    inner: Rc<Inner>,
}

struct Inner {
    client: Client,
    sockets: Rc<dyn Sockets>,
    /// The number of this tab among those of the session.
    tab: u64,
    listener: RefCell<Option<Listener>>,
    state: RefCell<State>,
    /// Counts ends of sessions: an answer to something asked before the last of them is dropped.
    epoch: Cell<u64>,
    /// Notified when the state changes.
    changed: Notify,
}

impl SessionPart for Inner {
    fn receive(&self, text: &str) {
        self.receive_from_tab(text);
    }

    fn reset(&self) {
        self.epoch.set(self.epoch() + 1);
        // Also what was typed and not sent: whoever comes next at this browser finds nothing.
        *self.state.borrow_mut() = State::default();
        self.notify(RoomsChange::Forgotten);
        self.changed.notify_all();
    }
}

impl Rooms {
    /// Those of a tab, attached to its session. They do nothing until [`Self::run`] is polled. One for each client.
    pub fn of(client: Client, sockets: Rc<dyn Sockets>) -> Self {
        let tab = client.now_ms().to_bits() ^ client.inner.ports.clock.random().to_bits().rotate_left(21);
        let inner = Rc::new(Inner {
            client,
            sockets,
            tab,
            listener: RefCell::new(None),
            state: RefCell::default(),
            epoch: Cell::new(0),
            changed: Notify::default(),
        });
        inner.client.attach(inner.clone());
        Self { inner }
    }

    /// Notifies `listener` of every change from now on.
    pub fn listen(&self, listener: impl Fn(RoomsChange) + 'static) {
        *self.inner.listener.borrow_mut() = Some(Rc::new(listener));
    }

    /// Loads what is due, and keeps the connection up, for as long as it is polled, which is as long as the tab lives.
    pub async fn run(&self) {
        let loads = Box::pin(self.inner.run_loads());
        let socket = Box::pin(self.inner.run_socket());
        let clock = Box::pin(async {
            futures::future::join(self.inner.run_typing(), self.inner.run_announcements()).await;
        });
        join3(loads, socket, clock).await;
    }

    /// All rooms, those where something was said last first; nothing until they are known.
    pub fn list(&self) -> Option<Vec<RoomSummary>> {
        self.inner.state.borrow().list.clone()
    }

    /// Why the rooms could not be loaded, where nothing of them is here.
    pub fn list_failure(&self) -> Option<Failure> {
        self.inner.state.borrow().list_failure.clone()
    }

    /// The room that is open in this tab.
    pub fn room(&self) -> Option<OpenRoom> {
        self.inner.state.borrow().room.clone()
    }

    /// How the connection is.
    pub fn connection(&self) -> Connection {
        self.inner.state.borrow().connection
    }

    /// Loads the list of rooms, again if it is here already.
    pub fn load_list(&self) {
        let failure = self.inner.state.borrow_mut().list_failure.take();
        if failure.is_some() {
            self.inner.notify(RoomsChange::List);
        }
        self.inner.load_soon(true, false, 0.0);
    }

    /// Opens a room in this tab, in place of the one that is open.
    pub fn open(&self, id: RoomId) {
        let is_open = {
            let mut state = self.inner.state.borrow_mut();
            let is_open = state.room.as_ref().is_some_and(|room| room.id == id);
            if !is_open {
                state.room = Some(OpenRoom::new(id));
            }
            is_open
        };
        if !is_open {
            self.inner.notify(RoomsChange::Room);
        }
        // Which others the user is in is needed to stay present in them.
        let list_is_unknown = self.inner.state.borrow().list.is_none();
        self.inner.load_soon(list_is_unknown, true, 0.0);
    }

    /// Closes the room that is open, if it is this one. The user stays in it.
    pub fn close(&self, id: RoomId) {
        self.stop_typing();
        {
            let mut state = self.inner.state.borrow_mut();
            if state.room.as_ref().is_none_or(|room| room.id != id) {
                return;
            }
            state.room = None;
        }
        self.inner.notify(RoomsChange::Room);
        self.inner.attendance_changed();
    }

    /// Loads the open room again: after a failure, or because it may be old.
    pub fn load_room(&self) {
        let has_failed = {
            let mut state = self.inner.state.borrow_mut();
            match &mut state.room {
                Some(room) if matches!(room.status, RoomStatus::Failed(_)) => {
                    room.status = RoomStatus::Loading;
                    true
                }
                _ => false,
            }
        };
        if has_failed {
            self.inner.notify(RoomsChange::Room);
        }
        self.inner.load_soon(false, true, 0.0);
    }

    /// Opens the connection again that an operator closed.
    pub fn reconnect(&self) {
        self.inner.set_connection(Connection::Connecting);
        self.inner.post_to_tabs(&tabs::TabMessage::Reconnect);
    }

    /// What was typed into a room and not sent.
    pub fn draft(&self, id: RoomId) -> String {
        self.inner.state.borrow().drafts.get(&id).cloned().unwrap_or_default()
    }

    /// Keeps what is typed, in memory only, and lets the others know that the user writes.
    pub fn write(&self, id: RoomId, text: &str) {
        if self.inner.client.credentials().is_none() {
            return;
        }
        {
            let mut state = self.inner.state.borrow_mut();
            if text.is_empty() {
                state.drafts.remove(&id);
            } else {
                state.drafts.insert(id, text.to_owned());
            }
        }
        if text.trim().is_empty() { self.stop_typing() } else { self.start_typing(id) }
    }

    fn start_typing(&self, id: RoomId) {
        let now_ms = self.inner.client.now_ms();
        {
            let mut state = self.inner.state.borrow_mut();
            let is_announced =
                state.announced_typing.is_some_and(|(room, at_ms)| room == id && now_ms - at_ms < SAY_TYPING_MS);
            if is_announced {
                return;
            }
            state.announced_typing = Some((id, now_ms));
        }
        self.inner.send_typing(id, true);
    }

    /// Lets the others know that the user does not write any more, where they were notified that they do.
    fn stop_typing(&self) {
        let announced = self.inner.state.borrow_mut().announced_typing.take();
        if let Some((id, _)) = announced {
            self.inner.send_typing(id, false);
        }
    }
}

impl Inner {
    /// Notifies the listener. Never call it while the state is borrowed: the listener reads it.
    fn notify(&self, change: RoomsChange) {
        let listener = self.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(change);
        }
    }

    fn epoch(&self) -> u64 {
        self.epoch.get()
    }

    /// The user of this session.
    fn own(&self) -> Option<UserId> {
        self.client.inner.state.borrow().status.user().map(|user| user.id)
    }

    fn is_looked_at(&self) -> bool {
        let state = self.client.inner.state.borrow();
        state.visible && !state.asleep
    }

    /// Whether there is a session of one's own that rooms may use: whoever acts for another user is in none.
    fn is_in_person(&self) -> bool {
        let state = self.client.inner.state.borrow();
        state.credentials.is_some() && state.acting.is_none()
    }

    /// Has something loaded after a while.
    fn load_soon(&self, list: bool, room: bool, wait_ms: f64) {
        let at_ms = self.client.now_ms() + wait_ms;
        {
            let mut state = self.state.borrow_mut();
            state.load_by(at_ms);
            let has_room = state.room.is_some();
            state.is_list_due |= list;
            state.is_room_due |= room && has_room;
        }
        self.changed.notify_all();
    }

    fn set_connection(&self, connection: Connection) {
        let forgotten = {
            let mut state = self.state.borrow_mut();
            if state.connection == connection {
                return;
            }
            state.connection = connection;
            // Who stopped writing meanwhile cannot be known.
            connection != Connection::Open && state.room.as_mut().is_some_and(OpenRoom::forget_typing)
        };
        self.notify(RoomsChange::Connection);
        if forgotten {
            self.notify(RoomsChange::Typing);
        }
        self.changed.notify_all();
    }

    /// Applies what happened in a room.
    fn apply(&self, event: &RoomEvent) {
        let (own, now_ms) = (self.own(), self.client.now_ms());
        let (list_changed, outcome) = {
            let mut state = self.state.borrow_mut();
            let list_changed = state.apply_to_list(event, own);
            let room = state.room.as_mut().filter(|room| room.id == event.room_id());
            (list_changed, room.map_or(room::Outcome::Nothing, |room| room.apply(event, own, now_ms)))
        };
        if list_changed {
            self.notify(RoomsChange::List);
        }
        let is_typing = matches!(event, RoomEvent::Typing(_));
        match outcome {
            room::Outcome::Nothing => {}
            room::Outcome::Changed if is_typing => self.notify(RoomsChange::Typing),
            room::Outcome::Changed => self.notify(RoomsChange::Room),
            room::Outcome::Stale => {
                self.notify(RoomsChange::Room);
                self.load_soon(false, true, calls::RELOAD_DELAY_MS);
            }
        }
        let leaves = match event {
            RoomEvent::Left(left) => Some(left.user_id) == own,
            RoomEvent::Closed(_) => true,
            _ => false,
        };
        if leaves {
            self.attendance_changed();
        }
        self.changed.notify_all();
    }

    fn send_typing(&self, room_id: RoomId, typing: bool) {
        let leads = self.state.borrow().leads;
        if leads {
            self.state.borrow_mut().outbox.push(SocketRequest::Typing { room_id, typing });
            self.changed.notify_all();
        } else {
            self.post_to_tabs(&tabs::TabMessage::Typing { room: room_id, typing });
        }
    }

    /// Forgets marks of typing whose time is over.
    async fn run_typing(&self) {
        loop {
            let notified = self.changed.notified();
            let next_ms = self.state.borrow().room.as_ref().and_then(OpenRoom::next_typing_end_ms);
            let now_ms = self.client.now_ms();
            match next_ms {
                None => notified.await,
                Some(at_ms) if at_ms > now_ms => {
                    select(notified, self.client.inner.ports.clock.sleep(at_ms - now_ms)).await;
                }
                Some(_) => {
                    let expired = self.state.borrow_mut().room.as_mut().is_some_and(|room| room.expire_typing(now_ms));
                    if expired {
                        self.notify(RoomsChange::Typing);
                    }
                }
            }
        }
    }
}
