//! Who is signed in here, and how that session is.

use leptos::prelude::*;

use super::{Drafts, Events, Now, Theme, Toasts};
use crate::browser;
use crate::reactive::{effect, memo};
use client::toasts::ToastTopic;
use client::{ActingStatus, AuthStatus, Change, Expiry, Failure, StreamState};
use types::api::UserSummary;
use types::domain::SessionId;

/// Who is signed in here. A context; its calls are in `calls`.
#[derive(Clone, Copy, Debug)]
pub struct Auth {
    status: RwSignal<AuthStatus>,
    acting: RwSignal<ActingStatus>,
    expiry: RwSignal<Option<Expiry>>,
    online: RwSignal<bool>,
    stream: RwSignal<StreamState>,
    trouble: RwSignal<Option<Failure>>,
    fetches: RwSignal<u32>,
    administers: RwSignal<bool>,
}

impl Auth {
    pub(super) fn provide(toasts: Toasts, events: Events, drafts: Drafts, theme: Theme, now: Now) {
        let auth = Self {
            status: RwSignal::new(AuthStatus::Unknown),
            acting: RwSignal::new(ActingStatus::Nobody),
            expiry: RwSignal::new(None),
            online: RwSignal::new(true),
            stream: RwSignal::new(StreamState::Connecting),
            trouble: RwSignal::new(None),
            fetches: RwSignal::new(0),
            administers: RwSignal::new(false),
        };
        provide_context(auth);
        // Effects run in the browser only: server and first frame both show `Unknown`.
        effect(move |_| {
            browser::start(Box::new(move |change| auth.apply(change, toasts, events, drafts, theme, now)));
        });
    }

    /// Who is signed in here, or for whom somebody acts; `Unknown` on the server and until the client knows.
    pub fn status(self) -> Signal<AuthStatus> {
        self.status.into()
    }

    /// Whether somebody acts for another user here. `status` is that of this user then.
    pub fn acting(self) -> Signal<ActingStatus> {
        self.acting.into()
    }

    /// Whether the user is here in person. What the server refuses to whoever acts for them is not offered otherwise.
    pub fn in_person(self) -> Memo<bool> {
        memo(move |_| !self.acting.with(|acting| matches!(acting, ActingStatus::For(_))))
    }

    /// Whether whoever is signed in here has anything to administer, as far as that is known. The pages that ask say
    /// so.
    pub fn administers(self) -> RwSignal<bool> {
        self.administers
    }

    /// The user who is signed in here.
    pub fn user(self) -> Signal<Option<UserSummary>> {
        Signal::derive(move || self.status.with(|status| status.user().cloned()))
    }

    /// The session of this browser. Read it in a resource to load again when somebody else signs in.
    pub fn session_id(self) -> Memo<Option<SessionId>> {
        memo(move |_| self.status.with(AuthStatus::session_id))
    }

    /// Why it cannot be found out who is signed in here; nothing once that is known. It goes by itself when the server
    /// answers again.
    pub fn trouble(self) -> Signal<Option<Failure>> {
        self.trouble.into()
    }

    /// Counts the moments at which what is shown is to be fetched: 0 until there is something to fetch, then one more
    /// whenever what is shown may be old. Fetch in an effect that reads it.
    pub fn fetches(self) -> Signal<u32> {
        self.fetches.into()
    }

    /// Whether a call that needs a session may succeed: somebody is signed in, or that is not known yet.
    pub fn can_try(self) -> bool {
        self.status.with(|status| !matches!(status, AuthStatus::SignedOut(_)))
    }

    /// The session's end, once it is near.
    pub fn expiry(self) -> Signal<Option<Expiry>> {
        self.expiry.into()
    }

    /// Whether the browser believes to be connected.
    pub fn online(self) -> Signal<bool> {
        self.online.into()
    }

    /// How the event stream is: show *Reconnecting…* while it is `Reconnecting`.
    pub fn stream(self) -> Signal<StreamState> {
        self.stream.into()
    }

    fn apply(self, change: Change, toasts: Toasts, events: Events, drafts: Drafts, theme: Theme, now: Now) {
        match change {
            Change::Status(status) => {
                drafts.follow(&status);
                let before = self.status.with_untracked(AuthStatus::session_id);
                if before.is_some() && before != status.session_id() {
                    toasts.end_session();
                }
                if matches!(status, AuthStatus::SignedIn { .. }) {
                    toasts.withdraw(ToastTopic::Session);
                }
                self.status.set(status);
            }
            Change::Acting(acting) => self.acting.set(acting),
            Change::Trouble(trouble) => self.trouble.set(trouble),
            Change::FetchAgain => self.fetches.update(|fetches| *fetches += 1),
            Change::ClockSet => now.update(),
            Change::Expiry(expiry) => self.expiry.set(expiry),
            Change::Online(online) => self.online.set(online),
            Change::Stream(stream) => {
                self.stream.set(stream);
                // A stream that was opening when the browser went offline may still say so after that.
                if stream == StreamState::Open && self.online.get_untracked() {
                    toasts.withdraw(ToastTopic::Connection);
                }
            }
            Change::Event(event) => events.tell(&event),
            Change::StorageCleared => theme.remember(),
            Change::Notice(notice) => toasts.notice(&notice),
        }
    }
}
