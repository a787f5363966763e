//! Exchanging a refresh token for a new pair of tokens.

use types::words::TokenDelivery;

use super::Refreshes;
use crate::auth::refresh::{RefreshToken, repeat_kind};
use crate::sessions::metrics::RefreshCase;
use crate::sessions::revocations::END_WAITS;
use crate::sessions::terminations::{Covered, EndingError};
use crate::sessions::{SessionsError, SignedIn};
use crate::store::{Origin, Refresh, RefreshAttempt, RefreshDecision, RepeatKind, SessionEnd, SessionRow, StoreError};

/// Why a refresh was refused.
#[derive(Debug, thiserror::Error)]
pub enum RefreshRefusal {
    /// Not one of ours, or of the wrong class.
    #[error("the refresh token is not valid")]
    Invalid,
    /// The session is over.
    #[error("the session has ended")]
    Ended(SessionEnd),
    /// Its end is acknowledged by this server and not committed yet.
    #[error("the session is being ended")]
    EndPending,
    /// It had been replaced long ago: possibly theft, so the session has been ended.
    #[error("the refresh token was used before")]
    Reused(SessionEnd),
    /// The database or the queue failed.
    #[error(transparent)]
    Failed(#[from] SessionsError),
}

impl From<StoreError> for RefreshRefusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Refreshes {
    /// Exchanges a presented refresh token. `class` is how it was presented: a token that was given in a cookie is not
    /// valid in a body, and the other way round.
    pub async fn refresh(
        &self,
        presented: &str,
        class: TokenDelivery,
        origin: Origin,
    ) -> Result<SignedIn, RefreshRefusal> {
        let (case, refreshed) = match self.exchange(presented, class, origin).await {
            Ok((case, signed_in)) => (case, Ok(signed_in)),
            Err(refusal) => (RefreshCase::from(&refusal), Err(refusal)),
        };
        self.metrics.refreshes.increment(case);
        refreshed
    }

    async fn exchange(
        &self,
        presented: &str,
        class: TokenDelivery,
        origin: Origin,
    ) -> Result<(RefreshCase, SignedIn), RefreshRefusal> {
        let token = RefreshToken::parse(&self.context.keys, presented).ok_or(RefreshRefusal::Invalid)?;
        let successor = token.successor(&self.context.keys);
        let now = self.context.now();
        let attempt = RefreshAttempt {
            remember_until: self.lifetimes.remember_until(now),
            session_id: token.session_id(),
            presented: token.digest(),
            successor: successor.digest(),
            at: now,
            place: self.devices.places().of(&origin.ip),
            origin,
            history_ids: [self.context.new_id(), self.context.new_id()],
        };
        let lifetimes = self.lifetimes;
        let presented = attempt.presented;
        let decide = move |row: &SessionRow| {
            match self.revocations.is_known_to_be_over(row) {
                Covered::No => {}
                Covered::Perhaps => return RefreshDecision::CannotTell,
                Covered::Yes => return RefreshDecision::EndPending,
            }
            match lifetimes.decide(row, &presented, class, now) {
                RefreshDecision::Reuse if self.unacknowledged.covers(row, &presented) => {
                    RefreshDecision::Repeat(repeat_kind(row, now))
                }
                decision => decision,
            }
        };
        let refreshed = self.context.store.sessions().refresh_session(&attempt, &decide).await;
        let refreshed = refreshed.inspect_err(|error| {
            self.unacknowledged.note(attempt.session_id, presented, attempt.successor, error);
        });
        match refreshed? {
            // The database was set back, and lost revocations are being restored: the session may be among them.
            Refresh::Granted { user, .. }
                if self.revocations.list().least_epoch(user.id).is_some_and(|least| user.epoch < least) =>
            {
                Err(StoreError::undecided("the database knows less than this server").into())
            }
            Refresh::Granted { session, user, repeat } => {
                if repeat.is_none() {
                    self.devices.publish_new_end(session.user_id, session.id, session.expires_at);
                }
                Ok((granted_case(repeat), self.grant(&user, &session, &successor, now)?))
            }
            Refresh::Refused { session, decision: RefreshDecision::Reuse } => {
                Err(self.end_stolen(&session, &attempt, &decide).await?)
            }
            Refresh::Refused { session, decision } => Err(self.refuse(&session, decision, &attempt.origin).await?),
            Refresh::Ended(end) => Err(RefreshRefusal::Ended(end)),
            Refresh::Unknown => Err(RefreshRefusal::Invalid),
        }
    }

    async fn refuse(
        &self,
        row: &SessionRow,
        decision: RefreshDecision,
        origin: &Origin,
    ) -> Result<RefreshRefusal, RefreshRefusal> {
        let reason = match decision {
            RefreshDecision::Over(reason) => reason,
            RefreshDecision::EndPending => return Ok(RefreshRefusal::EndPending),
            RefreshDecision::CannotTell => return Err(StoreError::undecided(END_WAITS).into()),
            RefreshDecision::WrongClass
            | RefreshDecision::Reuse
            | RefreshDecision::Refresh { .. }
            | RefreshDecision::Repeat(_) => return Ok(RefreshRefusal::Invalid),
        };
        self.terminations.end_for(row, reason, origin).await?;
        let end = SessionEnd { at: self.context.now(), reason, ended_by: None, ended_by_device: None };
        Ok(RefreshRefusal::Ended(end))
    }
}

/// A refresh, or a kind of repeat.
const fn granted_case(repeat: Option<RepeatKind>) -> RefreshCase {
    match repeat {
        None => RefreshCase::Refreshed,
        Some(RepeatKind::TwoTabs) => RefreshCase::RepeatedTwoTabs,
        Some(RepeatKind::LostReply) => RefreshCase::RepeatedLostReply,
    }
}

impl From<&RefreshRefusal> for RefreshCase {
    fn from(refusal: &RefreshRefusal) -> Self {
        match refusal {
            RefreshRefusal::Invalid => Self::Invalid,
            RefreshRefusal::Reused(_) => Self::Reuse,
            RefreshRefusal::Ended(_) | RefreshRefusal::EndPending => Self::Ended,
            RefreshRefusal::Failed(error) if error.is_passing() => Self::Unavailable,
            RefreshRefusal::Failed(_) => Self::Failed,
        }
    }
}

impl From<EndingError> for RefreshRefusal {
    fn from(error: EndingError) -> Self {
        Self::Failed(error.into())
    }
}
