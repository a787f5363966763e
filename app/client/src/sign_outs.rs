//! What the server must still learn of sessions that ended here: sign-outs that did not reach it, and confirmations
//! of its own `session.ended`.

use futures::future::select;

use super::core::{Client, PendingSignOut};
use super::credentials::AccessToken;
use super::notice::{Change, Notice};
use super::ports::{Method, Request, SignInHint};
use super::requests::{json, read};
use super::retry_delays::RetryDelays;
use super::status::AuthStatus;
use types::api::{LogoutAnswer, LogoutRequest, paths};

/// How long to wait, in milliseconds, before the only other attempt to confirm an end.
const CONFIRM_AGAIN_MS: f64 = 2_000.0;

impl Client {
    /// Sends a sign-out. True once the server has it, or answers that there is nothing to end. Cookies go along
    /// `at_once` only: later they may be those of somebody who has signed in meanwhile, in a tab that this one cannot
    /// hear, and what a bearer names ends without them.
    pub(super) async fn send_sign_out(&self, bearer: Option<AccessToken>, at_once: bool) -> bool {
        let cookies = self.credentials().is_none() && (at_once || bearer.is_none());
        let request = Request {
            method: Method::Post,
            path: paths::LOGOUT.to_owned(),
            body: json(&LogoutRequest::default()),
            bearer,
            cookies,
        };
        let Ok(response) = self.send(request).await else { return false };
        if response.status >= 500 || response.status == 429 {
            return false;
        }
        self.tell(Change::StorageCleared);
        if let Ok(LogoutAnswer { warning: Some(message), .. }) = read(&response) {
            self.notice(Notice::Warning { message });
        }
        true
    }

    /// Leaves a sign-out to [`Self::run_sign_outs`].
    pub(super) fn retry_sign_out(&self, bearer: Option<AccessToken>) {
        let try_at_ms = self.now_ms() + RetryDelays::default().fail(self.inner.ports.clock.random());
        self.inner.state.borrow_mut().pending_sign_out = Some(PendingSignOut { bearer, try_at_ms });
        self.remember_pending_sign_out();
    }

    /// Takes up a sign-out that was still pending when the last page was left.
    pub(super) fn resume_sign_out(&self) {
        self.inner.state.borrow_mut().pending_sign_out =
            Some(PendingSignOut { bearer: None, try_at_ms: self.now_ms() });
    }

    /// Sends a pending sign-out to the server: again and again with growing pauses, and at once when the connection is
    /// back.
    pub(super) async fn run_sign_outs(&self) {
        let mut delays = RetryDelays::default();
        loop {
            let (notified, woken) = (self.inner.changed.notified(), self.inner.woken.notified());
            let pending_sign_out = self.inner.state.borrow().pending_sign_out.clone();
            let Some(PendingSignOut { bearer, try_at_ms }) = pending_sign_out else {
                delays.reset();
                notified.await;
                continue;
            };
            let left_ms = try_at_ms - self.now_ms();
            if left_ms > 0.0 {
                select(woken, self.inner.ports.clock.sleep(left_ms)).await;
            }
            // After a reload only the cookie names the session, and whoever has signed in meanwhile owns the cookie.
            let hopeless = bearer.is_none() && self.credentials().is_some();
            let delivered = !hopeless && self.send_sign_out(bearer.clone(), false).await;
            let wait_ms = delays.fail(self.inner.ports.clock.random());
            let again =
                (!delivered && !hopeless).then(|| PendingSignOut { bearer, try_at_ms: self.now_ms() + wait_ms });
            self.inner.state.borrow_mut().pending_sign_out = again;
            self.remember_pending_sign_out();
            if delivered {
                self.notice(Notice::SignOutDelivered);
            }
        }
    }

    /// Notes for the next load of this page whether the server knows of the sign-out.
    fn remember_pending_sign_out(&self) {
        let hint = {
            let state = self.inner.state.borrow();
            match (&state.status, &state.pending_sign_out) {
                (AuthStatus::SignedIn { .. }, _) => return,
                (_, Some(_)) => SignInHint::SignOutPending,
                (_, None) => SignInHint::Nobody,
            }
        };
        self.inner.ports.hint.write(hint);
        self.inner.changed.notify_all();
    }

    /// Tells the server that this browser has signed itself out, for the receipt of whoever ended the session.
    pub(super) async fn run_confirmations(&self) {
        loop {
            let notified = self.inner.changed.notified();
            let bearer = self.inner.state.borrow_mut().unconfirmed.pop();
            let Some(bearer) = bearer else {
                notified.await;
                continue;
            };
            let request = Request {
                method: Method::Post,
                path: paths::SESSION_ENDED.to_owned(),
                body: None,
                bearer: Some(bearer),
                // The cookie may belong to a new session by now.
                cookies: false,
            };
            if self.send(request.clone()).await.is_err() {
                self.inner.ports.clock.sleep(CONFIRM_AGAIN_MS).await;
                // The receipt is for information: without the confirmation it stays at *told*.
                let _ = self.send(request).await;
            }
        }
    }
}
