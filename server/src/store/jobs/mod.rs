//! The queue for work that must happen.
//!
//! A job is enqueued in the transaction that it belongs to, by the steps in `queries.rs`. A server takes it under a
//! lease; what became of it is written only as long as nobody else has taken it since.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use std::sync::Arc;

use ::types::domain::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::store::Store;
use crate::store::db::verbs;

verbs! {
    /// The queue for work that must happen.
    JobsStore = jobs;

    /// Enqueues a job by itself.
    enqueue(job: &NewJob) -> ();
    /// Takes jobs that are due, as many of each kind as there is room for, oldest first, and counts the attempt.
    /// `token` is new. Who has not said by the end of the lease what became of them leaves them to the next.
    lease_jobs(now: Timestamp, token: Uuid, wanted: &[JobCapacity]) -> Vec<Job>;
    /// A job was done. `rest` is what stays of its payload; without it nothing of the job stays. False where the
    /// lease is lost.
    complete_job(lease: JobLease, at: Timestamp, rest: Option<&str>) -> bool;
    /// A job failed, and is due again at `due_at`. `error` are a few words that name nobody. False where the lease is
    /// lost.
    retry_job(lease: JobLease, due_at: Timestamp, error: &str) -> bool;
    /// A job failed, and is given up. `rest` and the answer are as in [`JobsStore::complete_job`].
    bury_job(lease: JobLease, at: Timestamp, rest: Option<&str>, error: &str) -> bool;
    /// Jobs that this server has taken and not run are due now, and have one attempt less.
    release_jobs(leases: &[JobLease], now: Timestamp) -> ();
    /// How many jobs there are of these kinds.
    count_jobs(kinds: &[&'static str], now: Timestamp) -> Vec<JobCount>;
    /// The last `limit` jobs of a kind, run or not, newest first.
    recent_jobs(kind: &str, limit: i64) -> Vec<Job>;
}

impl JobsStore<'_> {
    /// Notified after each transaction of this server that may have enqueued a job.
    pub fn enqueued(self) -> Arc<Notify> {
        match self.0 {
            Store::Sqlite(database) => Arc::clone(&database.enqueued),
            Store::Postgres(database) => Arc::clone(&database.enqueued),
        }
    }
}
