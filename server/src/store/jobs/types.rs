//! Jobs.

use std::time::Duration;

use types::domain::Timestamp;
use uuid::Uuid;

/// How soon a job must run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it.
    Urgent = 0,
    /// Nobody does.
    Normal = 1,
}

/// Work that must happen.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: Uuid,
    /// The name of its kind.
    pub kind: &'static str,
    /// What whoever runs it must know: JSON, as the kind reads it. No secret that need not be kept.
    pub payload: String,
    /// Whom it is about: an address or an id, by which it is found again.
    pub concerns: Option<String>,
    /// Jobs of one lane share places; empty where a kind has no lanes.
    pub lane: String,
    /// How soon it must run.
    pub priority: Priority,
    pub at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
}

/// How many jobs of a kind a server takes, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobCapacity {
    /// The name of the kind.
    pub kind: &'static str,
    /// They are this server's for so long: longer than a run may take.
    pub lease: Duration,
    /// So many at most.
    pub places: i64,
    /// Whether those are taken as well that nobody waits for, after the urgent ones.
    pub normal: bool,
    /// So many of one lane at most, with those that are under way on any server.
    pub a_lane: i64,
    /// The same, for those that nobody waits for.
    pub normal_a_lane: i64,
}

/// A job that this server may run, as long as the token is that of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub id: Uuid,
    /// Another one whenever the job is taken.
    pub token: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: Uuid,
    /// The name of its kind.
    pub kind: String,
    /// What whoever runs it must know; what is left of it once it has ended.
    pub payload: String,
    /// Whom it is about.
    pub concerns: Option<String>,
    /// How often it was taken to be run, this time included.
    pub attempts: u32,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Option<Timestamp>,
    /// Why it failed last, in a few words.
    pub last_error: Option<String>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
}

/// How many jobs there are of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// The name of the kind.
    pub kind: &'static str,
    /// Not run yet, or to be tried again.
    pub waiting: u64,
    /// Under way on some server.
    pub running: u64,
    /// Given up.
    pub dead: u64,
}
