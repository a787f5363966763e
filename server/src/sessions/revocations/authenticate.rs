//! Whether a presented access token may pass, now.

use std::sync::Arc;
use std::time::Duration;

use types::domain::{SessionId, Timestamp, UserId};

use super::Revocations;
use super::list::Verdict;
use crate::auth::tokens::{TokenError, Verified};
use crate::sessions::metrics::AuthenticateCheck;
use crate::sessions::terminations::Covered;
use crate::store::{SessionEnd, Standing, StoreError};

/// The logged reason where a pending end leaves open whether the session is alive.
pub(in crate::sessions) const END_WAITS: &str = "an end of this session waits to be committed";

/// Why a token may not pass.
#[derive(Debug)]
pub enum Refusal {
    /// Not one of ours.
    Invalid,
    /// It has expired, or the user has changed since it was made: it must be refreshed.
    Expired,
    /// Its session has ended; with how it ended, where that is known without asking the database.
    SessionEnded(Option<SessionEnd>),
    /// This server cannot confirm that it is current, and the database cannot be asked.
    CannotConfirm {
        error: StoreError,
        /// How long ago this server's list was last known to be current.
        list_age: Duration,
    },
}

/// What a server can say of a token without asking anybody.
#[derive(Debug)]
pub enum FromMemory {
    /// It may pass.
    Passes(Arc<Verified>),
    /// It is ours and not known to be revoked, but this server's list is too old to rely on.
    Stale(Arc<Verified>),
}

/// A session that must not have ended for a token to pass.
struct Subject {
    user_id: UserId,
    session_id: SessionId,
    session_created_at: Timestamp,
    /// The user's epoch when the token was made.
    epoch: i64,
}

impl Subject {
    /// The session of the token.
    fn user(token: &Verified) -> Self {
        let Verified { user_id, session_id, session_created_at, epoch, .. } = *token;
        Self { user_id, session_id, session_created_at, epoch }
    }

    /// The session of whoever acts for the user, where somebody does: when it ends, or what they may do changes, they
    /// act no more.
    fn actor(token: &Verified) -> Option<Self> {
        let act = token.act.as_ref()?;
        let session_created_at = act.session_created_at();
        Some(Self { user_id: act.sub, session_id: act.sid, session_created_at, epoch: act.epoch })
    }
}

/// What the end of whoever acts is to the session in which they act: its own end. No refresh helps.
fn end_of_acting(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::CannotConfirm { .. } => refusal,
        Refusal::Invalid | Refusal::Expired | Refusal::SessionEnded(_) => Refusal::SessionEnded(None),
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => Self::Invalid,
            TokenError::Expired => Self::Expired,
        }
    }
}

impl<T> From<&Result<T, Refusal>> for AuthenticateCheck {
    fn from(asked: &Result<T, Refusal>) -> Self {
        match asked {
            Ok(_) => Self::Passed,
            Err(Refusal::SessionEnded(_)) => Self::Ended,
            Err(Refusal::Expired) => Self::Superseded,
            Err(Refusal::Invalid) => Self::Unknown,
            Err(Refusal::CannotConfirm { .. }) => Self::Unavailable,
        }
    }
}

impl Revocations {
    /// Whether a token may pass. Costs no database read while this server's revocation list is current; otherwise asks
    /// the database, and refuses where that is away too.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Verified>, Refusal> {
        match self.authenticate_from_memory(token)? {
            FromMemory::Passes(verified) => Ok(verified),
            FromMemory::Stale(verified) => {
                let asked = self.ask_the_database(verified).await;
                self.metrics.authenticate_checks.increment(AuthenticateCheck::from(&asked));
                asked
            }
        }
    }

    /// What this server can say of a token without asking anybody.
    pub fn authenticate_from_memory(&self, token: &str) -> Result<FromMemory, Refusal> {
        let verified = self.tokens.verify(token, self.context.now())?;
        let mut is_current = self.check_from_memory(&Subject::user(&verified))?;
        if let Some(actor) = Subject::actor(&verified) {
            is_current &= self.check_from_memory(&actor).map_err(end_of_acting)?;
        }
        Ok(if is_current { FromMemory::Passes(verified) } else { FromMemory::Stale(verified) })
    }

    /// Whether a session that is not known to have ended is known to be alive: this server's list is current.
    fn check_from_memory(&self, subject: &Subject) -> Result<bool, Refusal> {
        let Subject { user_id, session_id, session_created_at, epoch } = *subject;
        match self.pending_ends.cover(user_id, session_id, session_created_at) {
            Covered::No => {}
            Covered::Perhaps => return Err(self.cannot_confirm(StoreError::undecided(END_WAITS))),
            Covered::Yes => return Err(Refusal::SessionEnded(None)),
        }
        match self.list.check(session_id, user_id, epoch, self.context.clock.monotonic()) {
            Verdict::Passes => Ok(true),
            Verdict::Stale => Ok(false),
            Verdict::SessionEnded => Err(Refusal::SessionEnded(None)),
            Verdict::Superseded => Err(Refusal::Expired),
        }
    }

    async fn ask_the_database(&self, verified: Arc<Verified>) -> Result<Arc<Verified>, Refusal> {
        self.ask_about(&Subject::user(&verified)).await?;
        if let Some(actor) = Subject::actor(&verified) {
            self.ask_about(&actor).await.map_err(end_of_acting)?;
        }
        Ok(verified)
    }

    async fn ask_about(&self, subject: &Subject) -> Result<(), Refusal> {
        let Subject { user_id, session_id, epoch, .. } = *subject;
        match self.context.store.sessions().standing(session_id, user_id, epoch, self.context.now()).await {
            Ok(Standing::Good) => Ok(()),
            Ok(Standing::Ended(end)) => Err(Refusal::SessionEnded(Some(end))),
            Ok(Standing::OldEpoch) => Err(Refusal::Expired),
            Ok(Standing::Unknown) => Err(Refusal::Invalid),
            Err(error) => Err(self.cannot_confirm(error)),
        }
    }

    pub(crate) fn cannot_confirm(&self, error: StoreError) -> Refusal {
        Refusal::CannotConfirm { error, list_age: self.list.age(self.context.clock.monotonic()) }
    }
}
