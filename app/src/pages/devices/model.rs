//! The list of devices as the page holds it: fetched, kept live by events, and changed at once by what the person does.

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::arrange::{Arranged, apply, arrange};
use crate::api::{Receipt, ServerEvent, Session};
use crate::domain::SessionId;
use crate::pages::load::{Load, Loader};
use crate::state::{Auth, AuthStatus, Events, Failure, Now, Toasts};
use crate::ui::{after, focus_heading_if_lost};

/// How long a row takes to fold away; `--fold` in `style/tokens.css`.
const FOLD_MS: f64 = 180.0;
/// How long a device that has just signed in is highlighted.
const FRESH_MS: f64 = 4_000.0;

/// How far a device has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Its row folds.
    Folding,
    /// Its row is gone; the server has not answered yet.
    Gone,
}

/// The devices and what is happening to them.
#[derive(Clone, Copy)]
pub(super) struct Devices {
    auth: Auth,
    toasts: Toasts,
    now: Signal<crate::domain::Timestamp>,
    list: Loader<Vec<Session>>,
    leaving: RwSignal<HashMap<SessionId, Leaving>>,
    fresh: RwSignal<HashSet<SessionId>>,
    /// The receipt of *Sign out other devices*.
    pub receipt: RwSignal<Option<Receipt>>,
}

impl Devices {
    /// Fetches the list once somebody is signed in, and follows events.
    pub(super) fn follow() -> Self {
        let devices = Self {
            auth: expect_context(),
            toasts: expect_context(),
            now: expect_context::<Now>().now(),
            list: Loader::new(),
            leaving: RwSignal::default(),
            fresh: RwSignal::default(),
            receipt: RwSignal::new(None),
        };
        let (session, fetches) = (devices.auth.session_id(), devices.auth.fetches());
        Effect::new(move |_| {
            if session.get().is_some() && fetches.get() > 0 {
                devices.fetch();
            }
        });
        devices.list.retry(move || devices.fetch());
        expect_context::<Events>().subscribe(move |event| devices.hear(event));
        devices
    }

    fn fetch(self) {
        let auth = self.auth;
        self.list.fetch(async move { auth.list_sessions().await });
    }

    /// Tries again after a failure.
    pub(super) fn try_again(self) {
        self.list.reset();
        self.fetch();
    }

    /// Why the list is not there; nothing while it is or is on its way.
    pub(super) fn failure(self) -> Memo<Option<Failure>> {
        let state = self.list.state();
        Memo::new(move |_| {
            state.with(|state| if let Load::Failed(failure) = state { Some(failure.clone()) } else { None })
        })
    }

    /// The devices in their order; nothing while they are on their way.
    pub(super) fn arranged(self) -> Memo<Option<Arranged>> {
        let state = self.list.state();
        Memo::new(move |_| {
            state.with(|state| {
                let Load::Ready(sessions) = state else { return None };
                let gone = self.leaving.with(|leaving| {
                    leaving.iter().filter(|(_, how)| **how == Leaving::Gone).map(|(id, _)| *id).collect()
                });
                Some(arrange(sessions, &gone, self.now.get()))
            })
        })
    }

    /// The devices that stay, as far as is known: none while they are on their way.
    pub(super) fn staying(self) -> Memo<Vec<Session>> {
        let state = self.list.state();
        Memo::new(move |_| {
            state.with(|state| {
                let Load::Ready(sessions) = state else { return Vec::new() };
                let stays =
                    |session: &&Session| self.leaving.with(|leaving| !leaving.contains_key(&session.session_id));
                sessions.iter().filter(stays).cloned().collect()
            })
        })
    }

    /// One device.
    pub(super) fn one(self, id: SessionId) -> Memo<Option<Session>> {
        let state = self.list.state();
        Memo::new(move |before: Option<&Option<Session>>| {
            let found = state.with(|state| match state {
                Load::Ready(sessions) => sessions.iter().find(|session| session.session_id == id).cloned(),
                Load::Loading | Load::Failed(_) => None,
            });
            // A row that is being taken away goes on showing what it showed.
            found.or_else(|| before.cloned().flatten())
        })
    }

    /// Whether the row of a device is folding away.
    pub(super) fn is_leaving(self, id: SessionId) -> Memo<bool> {
        Memo::new(move |_| self.leaving.with(|leaving| leaving.contains_key(&id)))
    }

    /// Whether a device has just signed in.
    pub(super) fn is_fresh(self, id: SessionId) -> Memo<bool> {
        Memo::new(move |_| self.fresh.with(|fresh| fresh.contains(&id)))
    }

    /// Puts a renamed device in its place.
    pub(super) fn replace(self, session: &Session) {
        self.list.change(|sessions| {
            if let Some(known) = sessions.iter_mut().find(|known| known.session_id == session.session_id) {
                known.device_info.clone_from(&session.device_info);
            }
        });
    }

    /// Signs one device out: its row folds at once, and comes back if the server refused.
    pub(super) fn sign_out(self, session: &Session) {
        let (id, name) = (session.session_id, session.device_info.device_name.clone());
        if session.current {
            spawn_local(self.auth.sign_out());
            return;
        }
        self.fold(&[id], false);
        spawn_local(async move {
            match self.auth.end_session(id).await {
                Ok(answer) => {
                    self.forget(&[id]);
                    self.toasts.info(format!("Signed out {name}."));
                    if let Some(warning) = answer.warning {
                        self.toasts.warning(warning);
                    }
                }
                // Somebody else was faster.
                Err(failure) if failure.code() == Some("not-found") => self.forget(&[id]),
                Err(Failure::SignedOut) => {}
                Err(failure) => {
                    self.unfold(&[id]);
                    self.toasts.error(format!("{name} could not be signed out. {}", failure.message()));
                }
            }
        });
    }

    /// Signs out all devices but this one. Their rows fold at once; true if the server did it.
    pub(super) async fn sign_out_others(self) -> bool {
        let others = self.others_now();
        self.fold(&others, false);
        match self.auth.sign_out_all(true).await {
            Ok(answer) => {
                self.forget(&others);
                self.receipt.try_set(answer.receipt);
                if let Some(warning) = answer.warning {
                    self.toasts.warning(warning);
                }
                true
            }
            Err(failure) => {
                self.unfold(&others);
                self.toasts.error(format!("The other devices could not be signed out. {}", failure.message()));
                false
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

    fn others_now(self) -> Vec<SessionId> {
        self.list.state().with_untracked(|state| {
            let Load::Ready(sessions) = state else { return Vec::new() };
            sessions.iter().filter(|session| !session.current).map(|session| session.session_id).collect()
        })
    }

    fn hear(self, event: &ServerEvent) {
        match event {
            ServerEvent::SessionCreated(created) => self.arrive(created.session.clone()),
            ServerEvent::SessionUpdated(update) => self.list.change(|sessions| {
                if let Some(known) = sessions.iter_mut().find(|known| known.session_id == update.session_id) {
                    apply(known, update);
                }
            }),
            ServerEvent::SessionEnded(ended) => self.fold(&[ended.session_id], true),
            // `fetches` counts it: the stream is open (again), and something may have been missed.
            ServerEvent::Hello(_)
            | ServerEvent::SessionExpiring(_)
            | ServerEvent::UserUpdated(_)
            | ServerEvent::SecurityAlert(_) => return,
        }
        // An answer on its way may have been made before this happened, and must not undo it.
        if self.list.is_under_way() {
            self.fetch();
        }
    }

    /// Shows a device that has just signed in, highlighted for a while.
    fn arrive(self, mut session: Session) {
        let id = session.session_id;
        session.current = self.auth.status().with_untracked(AuthStatus::session_id) == Some(id);
        self.list.change(|sessions| {
            sessions.retain(|known| known.session_id != id);
            sessions.push(session);
        });
        self.fresh.try_update(|fresh| fresh.insert(id));
        after(FRESH_MS, move || {
            self.fresh.try_update(|fresh| fresh.remove(&id));
        });
    }

    /// Folds rows away; for good where the server said so.
    fn fold(self, ids: &[SessionId], for_good: bool) {
        let ids = ids.to_vec();
        self.leaving.try_update(|leaving| {
            for id in &ids {
                leaving.entry(*id).or_insert(Leaving::Folding);
            }
        });
        after(FOLD_MS, move || {
            if for_good {
                self.forget(&ids);
                return;
            }
            self.leaving.try_update(|leaving| {
                for id in &ids {
                    // One that has come back meanwhile stays.
                    if let Some(how) = leaving.get_mut(id) {
                        *how = Leaving::Gone;
                    }
                }
            });
            // The button that was pressed is gone with its row; the heading says how many are left. One turn later: by
            // then the row has left the document.
            after(0.0, focus_heading_if_lost);
        });
    }

    fn unfold(self, ids: &[SessionId]) {
        self.leaving.try_update(|leaving| leaving.retain(|id, _| !ids.contains(id)));
    }

    fn forget(self, ids: &[SessionId]) {
        self.list.change(|sessions| sessions.retain(|session| !ids.contains(&session.session_id)));
        self.unfold(ids);
    }
}
