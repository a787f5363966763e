//! What keeps the database in shape: migrations, clean-up, and rows to be measured with.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;

use crate::store::db::{Ids, verbs};
use crate::store::{NewUser, Revocation, SessionRow, Store, StoreError};

verbs! {
    /// What keeps the database in shape: migrations, clean-up, and rows to be measured with.
    MaintenanceStore = maintenance;

    /// The names of the migrations that [`Store::migrate`](crate::store::Store::migrate) would run, such as
    /// `0001 accounts`.
    missing_migrations() -> Vec<String>;
    /// Every migration by its name, and whether it was run.
    migrations() -> Vec<(String, bool)>;
    /// Asks the database for a sign of life.
    ping() -> ();
    /// The database's time.
    time() -> Timestamp;
    /// One round of clean-up in small batches, each its own transaction. To be repeated until the report is empty.
    cleanup(policy: &CleanupPolicy, ids: Ids<'_>) -> CleanupReport;
}

impl MaintenanceStore<'_> {
    /// Puts many users in at once, to be measured with; those whose ids are there stay as they are. Gives how many were
    /// not. One transaction, which takes its time.
    pub async fn seed_users(self, users: &[NewUser]) -> Result<u64, StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.seed_users(users)).await,
            Store::Postgres(database) => Box::pin(database.seed_users(users)).await,
        }
    }

    /// Puts many sessions in at once, with their first audit and history entries; those whose ids are there stay as
    /// they are. Gives how many were not. Ids must rise, and no others may lie between them. One transaction, which
    /// takes its time.
    pub async fn seed_sessions(self, sessions: &[SessionRow]) -> Result<u64, StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.seed_sessions(sessions)).await,
            Store::Postgres(database) => Box::pin(database.seed_sessions(sessions)).await,
        }
    }

    /// Puts the users that were seeded in once more, so many times (9 at most), with their sessions and without their
    /// history. All of one copy are disabled, and of another nobody has proved the address. Minutes for millions.
    pub async fn copy_population(self, copies: u8) -> Result<(), StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.copy_population(copies)).await,
            Store::Postgres(database) => Box::pin(database.copy_population(copies)).await,
        }
    }

    /// Puts many revocations into the log at once, at the next positions, whatever theirs say. One transaction, which
    /// takes its time.
    pub async fn seed_revocations(self, revocations: &[Revocation]) -> Result<(), StoreError> {
        match self.0 {
            Store::Sqlite(database) => Box::pin(database.seed_revocations(revocations)).await,
            Store::Postgres(database) => Box::pin(database.seed_revocations(revocations)).await,
        }
    }
}
