//! People who come with a token of an older system: whether it may pass, and ending sessions without having one.
//!
//! Such a token names no session, so the revocation list cannot refuse it: the database is asked each time, and where it is away
//! nobody passes. Our own tokens never come here.

use types::domain::{ClientReason, SessionId};
use types::words::EndReason;

use super::Sessions;
use super::end::{EndAnswer, answer};
use super::end_queue::EndingError;
use super::guard::Refusal;
use super::pending_ends::Force;
use crate::auth::secrets::Capability;
use crate::store::{EndCommand, Origin, Selection, User};

impl Sessions {
    /// Whose token of an older system this is, if it may pass: a person who is not disabled, and who has not signed out everywhere
    /// since it was made.
    pub async fn guard_legacy(&self, token: &str) -> Result<Box<User>, Refusal> {
        let legacy = self.legacy.as_ref().ok_or(Refusal::Invalid)?;
        let token = legacy.verify(token, self.now())?;
        // Asked before the database, which knows by then of every end that is known here, unless it waits to be committed.
        let pending = self.end_queue.has_pending_all(token.user_id);
        let least_epoch = self.list.least_epoch(token.user_id);
        let found =
            self.store.accounts().user_by_id(token.user_id).await.map_err(|error| self.cannot_confirm(error))?;
        let user = found.filter(|user| user.disabled_at.is_none()).ok_or(Refusal::Invalid)?;
        let set_back = least_epoch.is_some_and(|least| user.epoch < least);
        if set_back || !token.outlives(pending) || !token.outlives(user.last_logout) {
            return Err(Refusal::SessionEnded(None));
        }
        Ok(Box::new(user))
    }

    /// Ends all sessions of a person who has none, and cuts off all tokens of the older system, the one that asks too.
    pub async fn end_all_without_session(
        &self,
        user: &User,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Result<EndAnswer, EndingError> {
        let all = Selection::All { user_id: user.id };
        self.end_without_session(user, all, EndReason::LogoutAll, client_reason, origin).await
    }

    /// Ends one session of a person who has none. None is ended where it is not theirs.
    pub async fn end_one_without_session(
        &self,
        user: &User,
        session_id: SessionId,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Result<EndAnswer, EndingError> {
        let one = Selection::One { user_id: user.id, session_id };
        self.end_without_session(user, one, EndReason::RevokedFromOtherDevice, client_reason, origin).await
    }

    async fn end_without_session(
        &self,
        user: &User,
        selection: Selection,
        reason: EndReason,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Result<EndAnswer, EndingError> {
        let now = self.now();
        let receipt = Capability::draw(&*self.random);
        let command = EndCommand {
            client_reason: client_reason.map(String::from),
            actor_id: Some(user.id),
            origin,
            receipt: Some(receipt.digest()),
            ..EndCommand::new(selection, reason, now, self.lifetimes.remember_until(now))
        };
        Ok(answer(self.end_queue.end(command, Some(user.epoch), Force::Full).await?, Some(&receipt), None))
    }
}
