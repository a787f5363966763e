//! Whether a presented access token may pass, now.

use std::sync::Arc;
use std::time::Duration;

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
        match self.pending_ends.cover(verified.user_id, verified.session_id, verified.session_created_at) {
            Covered::No => {}
            Covered::Perhaps => return Err(self.cannot_confirm(StoreError::undecided(END_WAITS))),
            Covered::Yes => return Err(Refusal::SessionEnded(None)),
        }
        let now = self.context.clock.monotonic();
        match self.list.check(verified.session_id, verified.user_id, verified.epoch, now) {
            Verdict::Passes => Ok(FromMemory::Passes(verified)),
            Verdict::Stale => Ok(FromMemory::Stale(verified)),
            Verdict::SessionEnded => Err(Refusal::SessionEnded(None)),
            Verdict::Superseded => Err(Refusal::Expired),
        }
    }

    async fn ask_the_database(&self, verified: Arc<Verified>) -> Result<Arc<Verified>, Refusal> {
        let Verified { session_id, user_id, epoch, .. } = *verified;
        match self.context.store.sessions().standing(session_id, user_id, epoch, self.context.now()).await {
            Ok(Standing::Good) => Ok(verified),
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
