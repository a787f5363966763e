//! The tasks of a tab, and what its surroundings report: the user, the network.

use futures::future::{join, join3, select};

use super::core::Client;
use super::notice::{Change, Notice};
use super::ports::SignInHint;
use super::status::{AuthStatus, StreamState};

/// How long, in milliseconds, pages wait for the stream to open before they fetch what they show without it: what is
/// fetched then is to be fetched once more when it has opened.
const STREAM_FIRST_MS: f64 = 250.0;
/// How often, in milliseconds, what is shown is fetched again while there is no stream.
const POLL_MS: f64 = 10_000.0;
/// The server says something every 15 s: a stream that was silent for longer than this, in milliseconds, when somebody
/// comes back is opened anew.
const STALE_MS: f64 = 20_000.0;

impl Client {
    /// Finds out whether somebody is signed in, then keeps it up for as long as it is polled, which is as long as the
    /// tab lives.
    pub async fn run(&self) {
        self.start();
        let session = join3(self.run_refreshes(), self.run_deadlines(), self.run_stream());
        let fetches = join(self.run_first_fetch(), self.run_polling());
        let ends = join(self.run_sign_outs(), self.run_confirmations());
        join3(session, fetches, ends).await;
    }

    /// Only the server knows whether the cookie is good. It is not asked while a sign-out is pending.
    fn start(&self) {
        self.inner.state.borrow_mut().started = true;
        if self.inner.ports.hint.read() == SignInHint::SignOutPending {
            self.resume_sign_out();
            if self.inner.state.borrow().status == AuthStatus::Unknown {
                self.inner.state.borrow_mut().status = AuthStatus::SignedOut(None);
                self.tell(Change::Status(AuthStatus::SignedOut(None)));
            }
        }
        self.inner.changed.notify_all();
    }

    /// Has pages fetch what they show once the stream is open, so that nothing is missed in between and nothing fetched
    /// twice; or a moment after the session is known, where the stream takes longer.
    async fn run_first_fetch(&self) {
        loop {
            let notified = self.inner.changed.notified();
            let (is_fetched, is_open, at_ms) = {
                let state = self.inner.state.borrow();
                let is_fetched = state.credentials.is_none() || state.fetched_in == Some(state.generation);
                (is_fetched, state.stream == StreamState::Open, state.begun_ms + STREAM_FIRST_MS)
            };
            let now_ms = self.now_ms();
            if is_fetched {
                notified.await;
            } else if is_open || now_ms >= at_ms {
                self.fetch_again();
            } else {
                select(notified, self.inner.ports.clock.sleep(at_ms - now_ms)).await;
            }
        }
    }

    /// Has pages fetch what they show every so often while the stream is down and somebody looks.
    async fn run_polling(&self) {
        loop {
            let notified = self.inner.changed.notified();
            if !self.is_to_poll() {
                notified.await;
                continue;
            }
            self.inner.ports.clock.sleep(POLL_MS).await;
            if self.is_to_poll() {
                self.fetch_again();
            }
        }
    }

    fn is_to_poll(&self) -> bool {
        let state = self.inner.state.borrow();
        state.credentials.is_some() && state.stream == StreamState::Reconnecting && state.visible && state.online
    }

    /// The user did something.
    pub fn user_active(&self) {
        let now_ms = self.now_ms();
        let first = {
            let mut state = self.inner.state.borrow_mut();
            let first = state.active_since_ms.is_none();
            state.active_since_ms.get_or_insert(now_ms);
            first
        };
        if first {
            self.inner.changed.notify_all();
        }
    }

    /// The user looks at this tab again: whatever slept may have missed its time.
    pub fn looked_at(&self) {
        {
            let mut state = self.inner.state.borrow_mut();
            (state.visible, state.asleep) = (true, false);
            if state.status == AuthStatus::Unknown {
                state.retry_at_ms = 0.0;
            }
        }
        self.user_active();
        self.end_if_over();
        self.update_expiry();
        let silent_ms = self.now_ms() - self.inner.state.borrow().received_ms;
        if silent_ms > STALE_MS {
            self.inner.reopen.notify_all();
        }
        self.inner.woken.notify_all();
        self.inner.changed.notify_all();
    }

    /// Nobody can see this tab any more.
    pub fn hidden(&self) {
        self.inner.state.borrow_mut().visible = false;
        self.inner.changed.notify_all();
    }

    /// The browser is about to let this tab stand still: another one holds the stream meanwhile.
    pub fn falls_asleep(&self) {
        self.inner.state.borrow_mut().asleep = true;
        self.inner.changed.notify_all();
    }

    /// The browser lets this tab go on, whether or not somebody looks.
    pub fn wakes(&self) {
        self.inner.state.borrow_mut().asleep = false;
        self.inner.changed.notify_all();
    }

    /// The browser believes to be connected, or not.
    pub fn set_online(&self, online: bool) {
        let was_online = {
            let mut state = self.inner.state.borrow_mut();
            if online {
                state.retry_at_ms = 0.0;
            }
            std::mem::replace(&mut state.online, online)
        };
        if was_online == online {
            return;
        }
        self.tell(Change::Online(online));
        self.notice(if online { Notice::OnlineAgain } else { Notice::Offline });
        if online {
            // A stream that seems to be open may have died with the connection, and what pages could not fetch they can
            // now.
            self.inner.reopen.notify_all();
            self.inner.woken.notify_all();
            self.inner.changed.notify_all();
            self.fetch_again();
        }
    }

    /// Warns of the session's end, and signs out when it has come.
    async fn run_deadlines(&self) {
        loop {
            let notified = self.inner.changed.notified();
            let now_ms = self.now_ms();
            let deadlines = self.inner.state.borrow().deadlines;
            let Some(deadlines) = deadlines else {
                notified.await;
                continue;
            };
            if now_ms >= deadlines.ends_ms() {
                // After a long sleep the timer may be ahead of a message of another tab.
                self.inner.ports.clock.sleep(0.0).await;
                self.end_if_over();
                continue;
            }
            self.update_expiry();
            select(notified, self.inner.ports.clock.sleep(deadlines.next_ms(now_ms) - now_ms)).await;
        }
    }
}
