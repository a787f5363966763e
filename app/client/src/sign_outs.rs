//! What the server is to hear of sessions that ended here: sign-outs that it could not be told of, and that its own
//! `session.ended` was heard.

use futures::future::select;

use super::backoff::Backoff;
use super::core::{Client, Untold};
use super::credentials::AccessToken;
use super::notice::{Change, Notice};
use super::ports::{Method, Request, SignInHint};
use super::requests::{json, read};
use super::status::AuthStatus;
use types::api::{LogoutAnswer, LogoutRequest, paths};

/// How long to wait, in milliseconds, before the only other attempt to confirm an end.
const CONFIRM_AGAIN_MS: f64 = 2_000.0;

impl Client {
    /// True once the server knows, or says that there is nothing to know. Cookies go along `at_once` only: later they
    /// may be those of somebody who has signed in meanwhile, in a tab that this one cannot hear, and what a bearer
    /// names ends without them.
    pub(super) async fn tell_sign_out(&self, bearer: Option<AccessToken>, at_once: bool) -> bool {
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
        let try_at_ms = self.now_ms() + Backoff::default().fail(self.inner.ports.clock.random());
        self.inner.state.borrow_mut().untold = Some(Untold { bearer, try_at_ms });
        self.remember_untold();
    }

    /// Takes up a sign-out that was left over when this page was left.
    pub(super) fn resume_sign_out(&self) {
        self.inner.state.borrow_mut().untold = Some(Untold { bearer: None, try_at_ms: self.now_ms() });
    }

    /// Tells the server of a sign-out that it could not be told of: again and again, and at once when the connection is
    /// back.
    pub(super) async fn run_sign_outs(&self) {
        let mut backoff = Backoff::default();
        loop {
            let (notified, woken) = (self.inner.changed.notified(), self.inner.woken.notified());
            let untold = self.inner.state.borrow().untold.clone();
            let Some(Untold { bearer, try_at_ms }) = untold else {
                backoff.reset();
                notified.await;
                continue;
            };
            let left_ms = try_at_ms - self.now_ms();
            if left_ms > 0.0 {
                select(woken, self.inner.ports.clock.sleep(left_ms)).await;
            }
            // After a reload only the cookie names the session, and whoever has signed in meanwhile owns the cookie.
            let hopeless = bearer.is_none() && self.credentials().is_some();
            let told = !hopeless && self.tell_sign_out(bearer.clone(), false).await;
            let wait_ms = backoff.fail(self.inner.ports.clock.random());
            let again = (!told && !hopeless).then(|| Untold { bearer, try_at_ms: self.now_ms() + wait_ms });
            self.inner.state.borrow_mut().untold = again;
            self.remember_untold();
            if told {
                self.notice(Notice::ServerTold);
            }
        }
    }

    /// Notes for the next load of this page whether the server knows of the sign-out.
    fn remember_untold(&self) {
        let hint = {
            let state = self.inner.state.borrow();
            match (&state.status, &state.untold) {
                (AuthStatus::SignedIn { .. }, _) => return,
                (_, Some(_)) => SignInHint::ServerNotTold,
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
                // The receipt is for information: without the confirmation it goes on saying *told*.
                let _ = self.send(request).await;
            }
        }
    }
}
