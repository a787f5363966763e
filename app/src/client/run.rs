//! The tasks of a tab, and what its surroundings report: the person, the network.

use futures::future::{join5, select};

use super::core::Client;
use super::notice::{Change, Notice};
use super::ports::SignInHint;
use super::status::AuthStatus;

impl Client {
    /// Finds out whether somebody is signed in, then keeps it up for as long as it is polled, which is as long as the tab
    /// lives.
    pub async fn run(&self) {
        self.start();
        let (renewals, deadlines, stream) = (self.run_renewals(), self.run_deadlines(), self.run_stream());
        join5(renewals, deadlines, stream, self.run_sign_outs(), self.run_confirmations()).await;
    }

    fn start(&self) {
        let hint = self.inner.ports.hint.read();
        self.inner.state.borrow_mut().started = true;
        if hint == SignInHint::ServerNotTold {
            self.resume_sign_out();
        }
        let unknown = self.inner.state.borrow().status == AuthStatus::Unknown;
        if unknown && hint != SignInHint::SignedIn {
            self.inner.state.borrow_mut().status = AuthStatus::SignedOut(None);
            self.tell(Change::Status(AuthStatus::SignedOut(None)));
        }
        self.inner.changed.ring();
    }

    /// The person did something.
    pub fn person_active(&self) {
        let now_ms = self.now_ms();
        let first = {
            let mut state = self.inner.state.borrow_mut();
            let first = state.active_since_ms.is_none();
            state.active_since_ms.get_or_insert(now_ms);
            first
        };
        if first {
            self.inner.changed.ring();
        }
    }

    /// The person looks at this tab again: whatever slept may have missed its time.
    pub fn looked_at(&self) {
        self.person_active();
        self.end_if_over();
        self.update_expiry();
        self.inner.woken.ring();
        self.inner.changed.ring();
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
            self.inner.woken.ring();
            self.inner.changed.ring();
        }
    }

    /// Warns of the session's end, and signs out when it has come.
    async fn run_deadlines(&self) {
        loop {
            let ring = self.inner.changed.next_ring();
            let now_ms = self.now_ms();
            let watch = self.inner.state.borrow().watch;
            let Some(watch) = watch else {
                ring.await;
                continue;
            };
            if now_ms >= watch.ends_ms() {
                // After a long sleep the timer may be ahead of what another tab said meanwhile.
                self.inner.ports.clock.sleep(0.0).await;
                self.end_if_over();
                continue;
            }
            self.update_expiry();
            select(ring, self.inner.ports.clock.sleep(watch.next_ms(now_ms) - now_ms)).await;
        }
    }
}
