//! The revocation log: what may not pass any more, in one order for all servers.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{Timestamp, UserId};

use crate::store::{Store, StoreError};

use crate::store::db::verbs;

verbs! {
    /// The revocation log: what may not pass any more, in one order for all servers.
    RevocationsStore = revocations;

    /// Invalidates a user's access tokens, so that they are refreshed; sessions stay. `None` where there is no such
    /// user.
    bump_epoch(id: UserId, at: Timestamp, remember_until: Timestamp) -> Option<Revocation>;
    /// Raises a user's epoch to `least` where it is lower: the log was set back, and a server remembers more. `None`
    /// where nothing was to be done.
    raise_epoch_to(id: UserId, least: i64, at: Timestamp, remember_until: Timestamp) -> Option<Revocation>;
    /// Notes that another database answers than before, with its time. Does nothing where it is noted.
    note_restart() -> ();
    /// Writes a revocation to the log that a server remembers, whether the database knows its subject or not.
    log_revocation(user: UserId, subject: RevokedSubject, at: Timestamp, remember_until: Timestamp) -> Revocation;
}

impl RevocationsStore<'_> {
    /// What was revoked from `position` on, the row there included. Waits the full time limit even while the database
    /// is away: this query finds out when it is back.
    pub async fn revocations_from(self, position: i64) -> Result<Tail, StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.revocations_from(position)).await,
            Store::Postgres(database) => {
                database
                    .acquire_timeout
                    .wait_for(crate::store::db::POLL_TIMEOUT, Box::pin(database.revocations_from(position)))
                    .await
            }
        }
    }

    /// Up to `limit` rows after `after` that must be remembered now.
    pub async fn live_revocations(self, after: i64, limit: i64) -> Result<Vec<Revocation>, StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.live_revocations(after, limit)).await,
            Store::Postgres(database) => {
                database
                    .acquire_timeout
                    .wait_for(crate::store::db::POLL_TIMEOUT, Box::pin(database.live_revocations(after, limit)))
                    .await
            }
        }
    }

    /// How many rows must be remembered now.
    pub async fn count_live_revocations(self) -> Result<u64, StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.count_live_revocations()).await,
            Store::Postgres(database) => {
                database
                    .acquire_timeout
                    .wait_for(crate::store::db::POLL_TIMEOUT, Box::pin(database.count_live_revocations()))
                    .await
            }
        }
    }
}
