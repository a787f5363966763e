//! The list of devices as the page holds it: fetched, kept live by events, and changed at once by what the user does.

use std::collections::{HashMap, HashSet};
use types::words::ProblemCode;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::arrange::{Arranged, Showing, apply, arrange};
use super::loading::{Loaded, load};
use super::pointer_and_focus::PointerAndFocus;
use crate::pages::load::{Load, Loader};
use crate::pages::stored_view::{Place, StoredReceipt, StoredView};
use crate::reactive::{effect, memo};
use crate::state::{Alerts, Auth, AuthStatus, Events, Failure, Now, Toasts};
use crate::ui::{MisclickGuard, after, focus_heading_if_lost};
use types::api::{Receipt, ServerEvent, Session};
use types::domain::SessionId;

/// How long a row takes to fold away; `--fold` in `style/tokens.css`.
const FOLD_MS: f64 = 180.0;
/// How long a device that has just signed in is highlighted.
const FRESH_MS: f64 = 4_000.0;
/// The most devices that one call signs out.
const MOST_AT_ONCE: usize = 100;

/// How far the row of a device that was signed out has left the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignedOutRow {
    /// It is signed out; its row stays where it is until nobody is at the list any more.
    Stays,
    /// Its row folds.
    Folds,
    /// Its row is gone; the server has not answered yet.
    Gone,
}

/// The devices and what is happening to them.
#[derive(Clone, Copy)]
pub(super) struct Devices {
    pub(super) auth: Auth,
    pub(super) toasts: Toasts,
    misclicks: MisclickGuard,
    now: Signal<types::domain::Timestamp>,
    list: Loader<Loaded>,
    signed_out_rows: RwSignal<HashMap<SessionId, SignedOutRow>>,
    fresh: RwSignal<HashSet<SessionId>>,
    pub(super) alerts: Alerts,
    stored_view: StoredView,
    /// Where to scroll to once the rows are there.
    place: StoredValue<Option<Place>>,
    /// Who is at the list.
    pub pointer_and_focus: PointerAndFocus,
    /// Words that must be there.
    pub filter: RwSignal<String>,
    /// Those that are picked, while some are being picked.
    pub picked: RwSignal<Option<HashSet<SessionId>>>,
    /// Those that are to be signed out together, while that is asked.
    pub asked: RwSignal<Vec<SessionId>>,
    /// The receipt of the last time several were signed out.
    pub receipt: RwSignal<Option<Receipt>>,
}

impl Devices {
    /// Fetches the list once somebody is signed in, and follows events.
    pub(super) fn follow() -> Self {
        let devices = Self {
            auth: expect_context(),
            toasts: expect_context(),
            misclicks: expect_context(),
            now: expect_context::<Now>().now(),
            list: Loader::new(),
            signed_out_rows: RwSignal::default(),
            fresh: RwSignal::default(),
            alerts: expect_context(),
            stored_view: expect_context(),
            place: StoredValue::new(None),
            pointer_and_focus: PointerAndFocus::new(),
            filter: RwSignal::default(),
            picked: RwSignal::default(),
            asked: RwSignal::default(),
            receipt: RwSignal::new(None),
        };
        let (session, fetches) = (devices.auth.session_id(), devices.auth.fetches());
        effect(move |_| {
            if let Some(session) = session.get()
                && fetches.get() > 0
            {
                devices.restore(session);
                devices.fetch();
            }
        });
        devices.list.retry(move || devices.fetch());
        expect_context::<Events>().subscribe(move |event| devices.receive(event));
        devices.follow_changes();
        devices
    }

    /// Stores the list for when the user comes back, and reports when rows change places.
    fn follow_changes(self) {
        let (state, mine) = (self.list.state(), self.auth.session_id());
        effect(move |_| {
            if let (Load::Ready(loaded), Some(session)) = (state.get(), mine.get()) {
                self.stored_view.store(session, loaded);
            }
        });
        let arranged = self.arranged();
        let has_rows = memo(move |_| arranged.with(Option::is_some));
        effect(move |_| {
            if has_rows.get()
                && let Some(place) = self.place.try_update_value(Option::take).flatten()
            {
                place.scroll_back();
            }
        });
        // Elements that appear or disappear above the list move all of it.
        let alerts = self.alerts.open();
        let has_alert = move || alerts.with(|open| open.as_ref().is_some_and(|open| !open.alerts.is_empty()));
        let receipt = self.receipt;
        self.misclicks.shifts_with(memo(move |_| (arranged.get(), has_alert(), receipt.with(Option::is_some))));
        self.pointer_and_focus.on_leave(move || self.fold_those_that_stay());
    }

    /// Begins with what was shown when the user left for the page of a device.
    fn restore(self, session: SessionId) {
        let is_empty = self.list.state().with_untracked(|state| !matches!(state, Load::Ready(_)));
        if is_empty && let Some((place, list)) = self.stored_view.take(session) {
            self.filter.set(place.filter.clone());
            self.place.set_value(Some(place));
            if let Some(list) = list {
                self.list.state().set(Load::Ready(list));
            }
        }
        if let Some(receipt) = StoredReceipt::of_this_page() {
            let auth = self.auth;
            spawn_local(async move {
                if let Ok(receipt) = auth.receipt(receipt).await {
                    self.receipt.try_set(Some(receipt));
                }
            });
        }
    }

    fn fetch(self) {
        let (auth, state) = (self.auth, self.list.state());
        // As much as was there before.
        let before = self.place.with_value(|place| place.as_ref().map_or(1, |place| place.loaded));
        let enough =
            state.with_untracked(|state| if let Load::Ready(loaded) = state { loaded.sessions.len() } else { before });
        self.list.fetch(async move { load(auth, None, enough).await });
    }

    /// Stores this place before the user goes to the page of a device.
    pub(super) fn leave_for_device(self) {
        if let Some(session) = self.auth.status().with_untracked(AuthStatus::session_id) {
            self.stored_view.store_place(session, self.filter.get_untracked());
        }
    }

    /// Fetches the next page, where there is one.
    pub(super) async fn fetch_more(self) {
        let Some(cursor) = self.next_page().get_untracked() else { return };
        match load(self.auth, Some(cursor.clone()), 1).await {
            Ok(more) => self.list.change(|loaded| loaded.append(&cursor, more)),
            Err(Failure::SignedOut) => {}
            Err(failure) => self.toasts.error(format!("More devices could not be loaded. {}", failure.message())),
        }
    }

    /// Where the next page begins, if there is one.
    pub(super) fn next_page(self) -> Memo<Option<String>> {
        let state = self.list.state();
        memo(move |_| state.with(|state| if let Load::Ready(loaded) = state { loaded.next.clone() } else { None }))
    }

    /// Tries again after a failure.
    pub(super) fn try_again(self) {
        self.list.reset();
        self.fetch();
    }

    /// Why the list could not be loaded; `None` while it is there or is being loaded.
    pub(super) fn failure(self) -> Memo<Option<Failure>> {
        let state = self.list.state();
        memo(move |_| state.with(|state| if let Load::Failed(failure) = state { Some(failure.clone()) } else { None }))
    }

    /// The devices in their order; `None` while they or their alerts are being loaded.
    pub(super) fn arranged(self) -> Memo<Option<Arranged>> {
        let (state, alerts) = (self.list.state(), self.alerts.open());
        memo(move |_| {
            let asked_about = alerts.with(|open| {
                Some(open.as_ref()?.alerts.iter().map(|alert| alert.session_id).collect::<HashSet<_>>())
            })?;
            let hidden = self
                .signed_out_rows
                .with(|rows| rows.iter().filter(|(_, row)| **row == SignedOutRow::Gone).map(|(id, _)| *id).collect());
            let showing = Showing { hidden, asked_about, filter: self.filter.get() };
            state.with(|state| {
                let Load::Ready(loaded) = state else { return None };
                Some(arrange(&loaded.sessions, &showing, self.now.get()))
            })
        })
    }

    /// The devices that stay signed in, as far as they are loaded.
    pub(super) fn staying(self) -> Memo<Vec<Session>> {
        let state = self.list.state();
        memo(move |_| {
            state.with(|state| {
                let Load::Ready(loaded) = state else { return Vec::new() };
                let stays =
                    |session: &&Session| self.signed_out_rows.with(|rows| !rows.contains_key(&session.session_id));
                loaded.sessions.iter().filter(stays).cloned().collect()
            })
        })
    }

    /// How many devices stay signed in, including those that are not loaded; 0 until it is known.
    pub(super) fn count(self) -> Memo<u64> {
        let (state, staying) = (self.list.state(), self.staying());
        memo(move |_| {
            let not_loaded = state.with(|state| if let Load::Ready(loaded) = state { loaded.not_loaded() } else { 0 });
            staying.with(|staying| staying.len() as u64) + not_loaded
        })
    }

    /// One device.
    pub(super) fn one(self, id: SessionId) -> Memo<Option<Session>> {
        let state = self.list.state();
        memo(move |before: Option<&Option<Session>>| {
            let found = state.with(|state| match state {
                Load::Ready(loaded) => loaded.sessions.iter().find(|session| session.session_id == id).cloned(),
                Load::Loading | Load::Failed(_) => None,
            });
            // A row that is being taken away goes on showing what it showed.
            found.or_else(|| before.cloned().flatten())
        })
    }

    /// Whether a device is signed out, and how far its row has left.
    pub(super) fn signed_out_row(self, id: SessionId) -> Memo<Option<SignedOutRow>> {
        memo(move |_| self.signed_out_rows.with(|rows| rows.get(&id).copied()))
    }

    /// Whether a device has just signed in.
    pub(super) fn is_fresh(self, id: SessionId) -> Memo<bool> {
        memo(move |_| self.fresh.with(|fresh| fresh.contains(&id)))
    }

    /// Puts a renamed device in its place.
    pub(super) fn replace(self, session: &Session) {
        self.list.change(|loaded| {
            if let Some(known) = loaded.sessions.iter_mut().find(|known| known.session_id == session.session_id) {
                known.device_info.clone_from(&session.device_info);
            }
        });
    }

    /// Signs one device out: its row says so at once, where it is, and takes it back if the server refused.
    pub(super) fn sign_out(self, session: &Session) {
        let (id, name) = (session.session_id, session.device_info.device_name.clone());
        // Whoever acts for the user ends the session in which they do, and not their own.
        if session.current && session.acting.is_none() {
            spawn_local(self.auth.sign_out());
            return;
        }
        self.stay_signed_out(id);
        spawn_local(async move {
            match self.auth.end_session(id).await {
                Ok(answer) => {
                    if let Some(warning) = answer.warning {
                        self.toasts.warning(warning);
                    }
                }
                // The session has ended already, or the page is about to be left.
                Err(failure) if failure.code() == Some(ProblemCode::NotFound) => {}
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    self.take_back(&[id]);
                    self.toasts.error(format!("{name} could not be signed out. {}", failure.message()));
                }
            }
        });
    }

    /// Signs out all devices but this one. Their rows fold at once; true if the server did it.
    pub(super) async fn sign_out_others(self) -> bool {
        let others = self.others_now();
        self.fold(&others);
        match self.auth.sign_out_all(true).await {
            Ok(answer) => {
                self.done(&others, answer.receipt, answer.warning);
                true
            }
            Err(failure) => {
                self.take_back(&others);
                self.toasts.error(format!("The other devices could not be signed out. {}", failure.message()));
                false
            }
        }
    }

    /// Signs out several devices. Their rows fold at once, and come back where the server refused.
    pub(super) async fn sign_out_several(self, ids: Vec<SessionId>) {
        self.picked.set(None);
        self.fold(&ids);
        for ids in ids.chunks(MOST_AT_ONCE) {
            match self.auth.end_sessions(ids.to_vec()).await {
                Ok(answer) => self.done(ids, answer.receipt, answer.warning),
                Err(failure) => {
                    self.take_back(ids);
                    self.toasts.error(format!("Some devices could not be signed out. {}", failure.message()));
                }
            }
        }
    }

    /// Signs out all devices, this one too.
    pub(super) async fn sign_out_everywhere(self) {
        if let Err(failure) = self.auth.sign_out_all(false).await
            && failure != Failure::SignedOut
        {
            self.toasts.error(format!("Your devices could not be signed out. {}", failure.message()));
        }
    }

    /// The server has signed several out: the receipt says so, and stays through a reload.
    pub(super) fn done(self, ids: &[SessionId], receipt: Option<Receipt>, warning: Option<String>) {
        self.forget(ids);
        if let Some(receipt) = receipt.filter(|receipt| !receipt.devices.is_empty()) {
            StoredReceipt::store(&receipt.id);
            self.receipt.try_set(Some(receipt));
        }
        if let Some(warning) = warning {
            self.toasts.warning(warning);
        }
    }

    /// Dismisses the receipt.
    pub(super) fn put_receipt_away(self) {
        StoredReceipt::forget();
        self.misclicks.moves();
        self.receipt.set(None);
    }

    /// All devices but this one, as far as they are loaded.
    pub(super) fn others_now(self) -> Vec<SessionId> {
        self.list.state().with_untracked(|state| {
            let Load::Ready(loaded) = state else { return Vec::new() };
            loaded.sessions.iter().filter(|session| !session.current).map(|session| session.session_id).collect()
        })
    }

    fn receive(self, event: &ServerEvent) {
        match event {
            ServerEvent::SessionCreated(created) => self.add(created.session.clone()),
            ServerEvent::SessionUpdated(update) => self.list.change(|loaded| {
                if let Some(known) = loaded.sessions.iter_mut().find(|known| known.session_id == update.session_id) {
                    apply(known, update);
                }
            }),
            ServerEvent::SessionEnded(ended) => self.ended(ended.session_id),
            // `fetches` counts it: the stream is open (again), and something may have been missed.
            ServerEvent::Hello(_)
            | ServerEvent::SessionExpiring(_)
            | ServerEvent::UserUpdated(_)
            | ServerEvent::SecurityAlert(_)
            | ServerEvent::Room(_) => return,
        }
        // An answer on its way may have been made before this happened, and must not undo it.
        if self.list.is_under_way() {
            self.fetch();
        }
    }

    /// Shows a device that has just signed in, highlighted for a while.
    fn add(self, mut session: Session) {
        let id = session.session_id;
        session.current = self.auth.status().with_untracked(AuthStatus::session_id) == Some(id);
        self.list.change(|loaded| loaded.add(session));
        self.fresh.try_update(|fresh| fresh.insert(id));
        after(FRESH_MS, move || {
            self.fresh.try_update(|fresh| fresh.remove(&id));
        });
    }

    /// A device was signed out, wherever. Under somebody's eyes its row stays where it is; otherwise it folds.
    fn ended(self, id: SessionId) {
        let is_known = self.signed_out_rows.with_untracked(|rows| rows.contains_key(&id));
        if is_known {
            return;
        }
        if self.pointer_and_focus.is_busy() {
            self.stay_signed_out(id);
            self.pointer_and_focus.when_idle(move || self.fold_those_that_stay());
        } else {
            self.fold(&[id]);
            after(FOLD_MS, move || self.forget(&[id]));
        }
    }

    /// The row of a device says that it is signed out, and stays for as long as somebody is at the list.
    pub(super) fn stay_signed_out(self, id: SessionId) {
        self.signed_out_rows.try_update(|rows| {
            rows.entry(id).or_insert(SignedOutRow::Stays);
        });
        let by_keyboard = self.misclicks.was_keyboard();
        // One turn later: by then the button that was pressed is gone.
        after(0.0, move || {
            if by_keyboard {
                self.misclicks.hands_on();
                self.pointer_and_focus.focus_next(id);
            } else {
                self.pointer_and_focus.fold_if_nobody_is_there();
            }
        });
    }

    fn fold_those_that_stay(self) {
        let staying: Vec<SessionId> = self.signed_out_rows.with_untracked(|rows| {
            rows.iter().filter(|(_, row)| **row == SignedOutRow::Stays).map(|(id, _)| *id).collect()
        });
        if !staying.is_empty() {
            self.fold(&staying);
            after(FOLD_MS, move || self.forget(&staying));
        }
    }

    /// Folds rows away.
    fn fold(self, ids: &[SessionId]) {
        let ids = ids.to_vec();
        self.misclicks.moves();
        self.signed_out_rows.try_update(|rows| {
            for id in &ids {
                rows.insert(*id, SignedOutRow::Folds);
            }
        });
        after(FOLD_MS, move || {
            self.signed_out_rows.try_update(|rows| {
                for id in &ids {
                    // One that has come back meanwhile stays.
                    if let Some(row) = rows.get_mut(id) {
                        *row = SignedOutRow::Gone;
                    }
                }
            });
            // The button that was pressed is gone with its row; the heading says how many are left. One turn later: by
            // then the row has left the document.
            after(0.0, focus_heading_if_lost);
        });
    }

    /// The server refused: rows are as they were.
    pub(super) fn take_back(self, ids: &[SessionId]) {
        self.signed_out_rows.try_update(|rows| rows.retain(|id, _| !ids.contains(id)));
    }

    fn forget(self, ids: &[SessionId]) {
        self.list.change(|loaded| loaded.remove(ids));
        self.take_back(ids);
    }
}
