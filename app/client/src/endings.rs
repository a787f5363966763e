//! Ends of this session that are asked for here. The stream and the other tabs may report such an end before the
//! answer is here. Whichever comes first, the user sees one message, in the same words.

use super::core::Client;
use super::failure::Failure;
use super::notice::{Change, Notice};
use super::ports::{Method, Request, Response};
use super::requests::{read, token_refused};
use super::signed_out_note::SignedOutNote;
use super::status::AuthStatus;
use types::api::LogoutAnswer;
use types::domain::SessionId;
use types::words::EndReason;

impl Client {
    /// Ends the session here at once, then sends the sign-out to the server, also where the session has ended there
    /// already.
    pub(super) async fn leave(&self, note: SignedOutNote) {
        let Some(held) = self.credentials() else { return };
        self.end_everywhere(Some(note));
        if !self.send_sign_out(Some(held.token.clone()), true).await {
            self.retry_sign_out(Some(held.token));
            self.notice(Notice::SignOutPending);
        }
    }

    /// A call that ends `own`, among others. The stream may tell of that end before the answer is here, so the answer
    /// counts even though its session is gone.
    pub(super) async fn send_ending(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        own: Option<SessionId>,
    ) -> Result<LogoutAnswer, Failure> {
        // Whoever acts for another user must not end what is their own by mistake: the server refuses it.
        if own.is_none() || self.acting().is_some() {
            return self.call(method, path, body).await;
        }
        let mut credentials = self.fresh_credentials().await?;
        for refreshed in [false, true] {
            let bearer = Some(credentials.token.clone());
            let request = Request { method, path: path.to_owned(), body: body.clone(), bearer, cookies: true };
            let response: Response = self.send(request).await?;
            if refreshed || !token_refused(&response) {
                return read(&response);
            }
            self.refresh(credentials.serial).await?;
            credentials = self.credentials().ok_or(Failure::SignedOut)?;
        }
        Err(Failure::SignedOut)
    }

    /// The session was ended from here: ends it here too, or completes the note where the stream was faster.
    pub(super) fn ended_here(&self, session: Option<SessionId>, note: SignedOutNote) {
        let status = self.inner.state.borrow().status.clone();
        match status {
            AuthStatus::SignedIn { session_id, .. } if Some(session_id) == session => self.end_everywhere(Some(note)),
            AuthStatus::SignedOut(_) => self.explain(note),
            AuthStatus::SignedIn { .. } | AuthStatus::Unknown => {}
        }
    }

    /// Reports why nobody is signed in here to a page that did not know, or knew less.
    pub(super) fn explain(&self, note: SignedOutNote) {
        let status = AuthStatus::SignedOut(Some(note));
        self.inner.state.borrow_mut().status = status.clone();
        self.tell(Change::Status(status));
    }

    /// Waits for a call that ends this session for `reason`. An end for that reason, reported meanwhile, is this one.
    pub(super) async fn asking_for<T>(&self, reason: EndReason, call: impl Future<Output = T>) -> T {
        self.inner.state.borrow_mut().asked_for = Some(reason);
        let answer = call.await;
        self.inner.state.borrow_mut().asked_for = None;
        answer
    }

    /// The note of an end, marked as asked for here where it was.
    pub(super) fn as_asked(&self, note: SignedOutNote) -> SignedOutNote {
        let asked_here =
            note.asked_here || self.inner.state.borrow().asked_for.is_some_and(|reason| note.reason == reason);
        SignedOutNote { asked_here, ..note }
    }
}
