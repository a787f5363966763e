//! The client of one tab: what it holds, and the few places where that changes.

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{LocalBoxFuture, Shared};

use super::acting::Acting;
use super::credentials::{AccessToken, Credentials};
use super::expiry::SessionDeadlines;
use super::failure::Failure;
use super::messages::{SharedTokens, TabMessage};
use super::notice::{Change, Notice};
use super::notify::Notify;
use super::ports::{Ports, SignInHint};
use super::retry_delays::RetryDelays;
use super::server_clock::ServerClock;
use super::session_part::SessionPart;
use super::signed_out_note::SignedOutNote;
use super::status::{AuthStatus, Expiry, StreamState};
use types::domain::{SessionId, Timestamp};
use types::json;
use types::words::EndReason;

/// The client of one tab. Cheap to clone: all clones are the same client.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub ports: Ports,
    listener: RefCell<Option<Listener>>,
    pub state: RefCell<State>,
    /// Notified when the state changes.
    pub changed: Notify,
    /// Notified when there is no reason to wait for the network any longer: online again, or the tab is looked at.
    pub woken: Notify,
    /// Notified when a stream that seems to be open may be dead.
    pub reopen: Notify,
    /// The refresh under way, which everybody who needs one shares, and the generation it belongs to.
    pub refresh: RefCell<Option<(u64, SharedRefresh)>>,
    /// What areas attach to the session.
    pub parts: RefCell<Vec<Rc<dyn SessionPart>>>,
}

type Listener = Rc<dyn Fn(Change)>;

/// A refresh that several may wait for.
pub(super) type SharedRefresh = Shared<LocalBoxFuture<'static, Result<(), Failure>>>;

#[expect(clippy::struct_excessive_bools, reason = "independent facts, each of which is named here")]
pub(super) struct State {
    pub started: bool,
    pub status: AuthStatus,
    pub credentials: Option<Credentials>,
    /// The session in which somebody acts for another user.
    pub acting: Option<Acting>,
    /// Counts sign-ins and ends: an answer to something asked in an earlier generation is dropped.
    pub generation: u64,
    /// Counts tokens.
    pub serial: u64,
    pub clock: ServerClock,
    pub deadlines: Option<SessionDeadlines>,
    expiry: Option<Expiry>,
    pub stream: StreamState,
    /// When the stream of this tab last received anything.
    pub received_ms: f64,
    /// Whether this tab is the one that holds the event stream.
    pub leads: bool,
    /// Whether another tab is to hold the event stream in place of this one.
    pub relieved: bool,
    /// Counts the messages of the tab that holds the event stream.
    pub signs_of_life: u64,
    pub online: bool,
    /// Whether the user can see this tab.
    pub visible: bool,
    /// Whether the browser is about to let this tab stand still.
    pub asleep: bool,
    /// Why it is not known who is signed in here.
    pub trouble: Option<Failure>,
    /// When the session was first known here.
    pub begun_ms: f64,
    /// The generation in which pages were last asked to fetch what they show.
    pub fetched_in: Option<u64>,
    /// When the user first did something since the last refresh.
    pub active_since_ms: Option<f64>,
    /// Whether another tab claims that the session ended, which is to be checked with the server.
    pub doubted: bool,
    pub refresh_delays: RetryDelays,
    /// When to try to refresh again after a failure.
    pub retry_at_ms: f64,
    /// Why this session is about to end, while the call that ends it has no answer yet.
    pub asked_for: Option<EndReason>,
    /// Sessions known to have ended. A token of theirs that is still on its way must not bring them back.
    pub ended: Vec<SessionId>,
    /// A sign-out that the server does not know of.
    pub pending_sign_out: Option<PendingSignOut>,
    /// Tokens of sessions whose end came over the stream, which the server is still to have confirmed.
    pub unconfirmed: Vec<AccessToken>,
}

/// A sign-out that the server does not know of.
#[derive(Clone)]
pub(super) struct PendingSignOut {
    /// Absent after a reload: then the cookie speaks for the session.
    pub bearer: Option<AccessToken>,
    /// When to try again.
    pub try_at_ms: f64,
}

impl Client {
    /// A client that does nothing until its tasks run; see [`Client::run`].
    pub fn new(ports: Ports) -> Self {
        let state = State {
            started: false,
            status: AuthStatus::Unknown,
            credentials: None,
            acting: None,
            generation: 0,
            serial: 0,
            clock: ServerClock::default(),
            deadlines: None,
            expiry: None,
            stream: StreamState::Connecting,
            received_ms: 0.0,
            leads: false,
            relieved: false,
            signs_of_life: 0,
            online: true,
            visible: true,
            asleep: false,
            trouble: None,
            begun_ms: 0.0,
            fetched_in: None,
            active_since_ms: None,
            doubted: false,
            refresh_delays: RetryDelays::default(),
            retry_at_ms: 0.0,
            asked_for: None,
            ended: Vec::new(),
            pending_sign_out: None,
            unconfirmed: Vec::new(),
        };
        Self {
            inner: Rc::new(Inner {
                ports,
                listener: RefCell::new(None),
                state: RefCell::new(state),
                changed: Notify::default(),
                woken: Notify::default(),
                reopen: Notify::default(),
                refresh: RefCell::new(None),
                parts: RefCell::default(),
            }),
        }
    }

    /// Tells `listener` of every change from now on.
    pub fn listen(&self, listener: impl Fn(Change) + 'static) {
        *self.inner.listener.borrow_mut() = Some(Rc::new(listener));
    }

    /// The time by the server's clock; by this machine's as long as the server's is not known.
    pub fn server_now(&self) -> Timestamp {
        let now_ms = self.now_ms();
        let by_server = self.inner.state.borrow().clock.now(now_ms);
        by_server.unwrap_or_else(|| self.inner.ports.clock.wall())
    }

    pub(super) fn now_ms(&self) -> f64 {
        self.inner.ports.clock.monotonic_ms()
    }

    pub(super) fn generation(&self) -> u64 {
        self.inner.state.borrow().generation
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        self.inner.state.borrow().credentials.clone()
    }

    /// Tells the listener, unless somebody acts for another user: then the pages show nothing of the own session. Never
    /// call it while the state is borrowed: the listener may call back.
    pub(super) fn tell(&self, change: Change) {
        let is_own = matches!(change, Change::Status(AuthStatus::SignedIn { .. }) | Change::Event(_));
        if !(is_own && self.inner.state.borrow().acting.is_some()) {
            self.deliver(change);
        }
    }

    pub(super) fn deliver(&self, change: Change) {
        let listener = self.inner.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(change);
        }
    }

    pub(super) fn notice(&self, notice: Notice) {
        self.tell(Change::Notice(notice));
    }

    pub(super) fn post(&self, message: &TabMessage) {
        if let Ok(text) = json::write(message) {
            self.inner.ports.channel.post(&text);
        }
    }

    /// Takes tokens that were asked for at `asked_at_ms`. False if they belong to a session that is known to have
    /// ended.
    pub(super) fn install(&self, tokens: &SharedTokens, asked_at_ms: f64) -> bool {
        let now_ms = self.now_ms();
        let random = self.inner.ports.clock.random();
        let status = AuthStatus::SignedIn { session_id: tokens.session_id, user: tokens.user.clone() };
        let (status_changed, clock_set, before) = {
            let mut state = self.inner.state.borrow_mut();
            if state.ended.contains(&tokens.session_id) {
                return false;
            }
            let before = state.status.session_id();
            if state.status.session_id() != Some(tokens.session_id) {
                state.generation += 1;
                state.stream = StreamState::Connecting;
                state.begun_ms = now_ms;
            }
            state.serial += 1;
            let credentials = Credentials::new(tokens, state.serial, asked_at_ms, random);
            state.deadlines =
                Some(SessionDeadlines::new(now_ms, credentials.session_ends_ms, credentials.session_max_ms));
            state.credentials = Some(credentials);
            let clock_set = state.clock.observe(tokens.server_time, now_ms);
            state.active_since_ms = None;
            state.doubted = false;
            state.refresh_delays.reset();
            state.retry_at_ms = 0.0;
            (std::mem::replace(&mut state.status, status.clone()) != status, clock_set, before)
        };
        if before.is_some_and(|before| before != tokens.session_id) {
            self.reset_parts();
        }
        self.forget_live(|session| session != tokens.session_id);
        self.inner.ports.hint.write(SignInHint::SignedIn);
        if clock_set {
            self.tell(Change::ClockSet);
        }
        self.set_trouble(None);
        if status_changed {
            self.tell(Change::Status(status));
        }
        self.inner.changed.notify_all();
        true
    }

    /// Forgets the session and reports why. The answers to earlier requests have no effect after it.
    pub(super) fn end(&self, note: Option<SignedOutNote>) {
        let status = AuthStatus::SignedOut(note.clone());
        let ended = {
            let mut state = self.inner.state.borrow_mut();
            let ended = state.status.session_id();
            state.ended.extend(ended);
            state.generation += 1;
            state.credentials = None;
            state.deadlines = None;
            state.doubted = false;
            state.active_since_ms = None;
            state.refresh_delays.reset();
            state.stream = StreamState::Connecting;
            state.status = status.clone();
            ended
        };
        // Before anybody is told, and so before the sign-in page shows.
        self.reset_parts();
        // Another tab may be in another session by now.
        self.forget_live(|session| ended.is_none_or(|ended| ended == session));
        self.forget_acting();
        // Tasks that wait for the refresh get its late answer and drop it. No other may join it any more.
        self.inner.refresh.borrow_mut().take();
        // Another tab may have been first, and then the hint is right already.
        if self.inner.ports.hint.read() == SignInHint::SignedIn {
            self.inner.ports.hint.write(SignInHint::Nobody);
        }
        self.update_expiry();
        self.set_trouble(None);
        self.tell(Change::Status(status));
        self.tell(Change::Stream(StreamState::Connecting));
        if let Some(note) = note {
            self.notice(Notice::SignedOut(note));
        }
        self.inner.changed.notify_all();
    }

    /// As [`Self::end`], and tells the other tabs.
    pub(super) fn end_everywhere(&self, note: Option<SignedOutNote>) {
        let session = self.inner.state.borrow().status.session_id();
        let note = note.map(|note| self.as_asked(note));
        self.end(note.clone());
        if let Some(session) = session {
            self.post(&TabMessage::SignedOut { session, note });
        }
    }

    /// Tells the listener how near the end is, if that changed.
    pub(super) fn update_expiry(&self) {
        let now_ms = self.now_ms();
        let changed = {
            let mut state = self.inner.state.borrow_mut();
            let expiry = state.deadlines.and_then(|deadlines| deadlines.warning(now_ms));
            let changed = state.expiry != expiry;
            state.expiry = expiry;
            changed.then_some(expiry)
        };
        if let Some(expiry) = changed {
            self.tell(Change::Expiry(expiry));
        }
    }

    /// Applies the server's announcement that the session ends in so many milliseconds.
    pub(super) fn expires_in(&self, left_ms: f64) {
        let ends_ms = self.now_ms() + left_ms;
        if let Some(deadlines) = self.inner.state.borrow_mut().deadlines.as_mut() {
            deadlines.announce();
            deadlines.move_end(ends_ms);
        }
        self.update_expiry();
        self.inner.changed.notify_all();
    }

    /// Learns the server's time.
    pub(super) fn learn_time(&self, learn: impl FnOnce(&mut ServerClock, f64) -> bool) {
        let now_ms = self.now_ms();
        let is_set = learn(&mut self.inner.state.borrow_mut().clock, now_ms);
        if is_set {
            self.tell(Change::ClockSet);
        }
    }

    /// Tells the listener why it is not known who is signed in here, if that changed.
    pub(super) fn set_trouble(&self, trouble: Option<Failure>) {
        let before = std::mem::replace(&mut self.inner.state.borrow_mut().trouble, trouble.clone());
        if before != trouble {
            self.tell(Change::Trouble(trouble));
        }
    }

    /// Has pages fetch what they show.
    pub(super) fn fetch_again(&self) {
        {
            let mut state = self.inner.state.borrow_mut();
            if state.status.session_id().is_none() {
                return;
            }
            state.fetched_in = Some(state.generation);
        }
        self.tell(Change::FetchAgain);
    }

    pub(super) fn set_stream(&self, stream: StreamState) {
        let (changed, session) = {
            let mut state = self.inner.state.borrow_mut();
            let changed = state.stream != stream;
            state.stream = stream;
            (changed, state.status.session_id().filter(|_| state.leads))
        };
        if !changed {
            return;
        }
        self.tell(Change::Stream(stream));
        if let Some(session) = session {
            self.post(&TabMessage::Stream { session, state: stream });
        }
        self.inner.changed.notify_all();
    }
}
