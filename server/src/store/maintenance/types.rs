//! What is cleaned up.

use types::domain::Timestamp;
use types::words::EndReason;

/// What the clean-up deletes.
#[derive(Clone, Copy, Debug)]
pub struct CleanupPolicy {
    pub now: Timestamp,
    /// Ended sessions older than this go.
    pub history_before: Timestamp,
    /// Jobs that ended before go.
    pub jobs_before: Timestamp,
    /// Addresses and user agents older than this are wiped.
    pub origins_before: Timestamp,
    /// Why sessions end that nobody has used for too long, before their absolute end.
    pub unused: EndReason,
    /// The most rows of one kind in one transaction.
    pub batch: i64,
}

/// How many rows one round of clean-up touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Sessions past their time that were marked as ended.
    pub expired: u64,
    /// Of these, the ones that were idle for too long.
    pub idle: u64,
    /// Revocations that no token can need any more.
    pub revocations: u64,
    /// Registrations that nobody proved, tokens that set a new password, tickets, browsers not seen for long, and
    /// buckets that are full again.
    pub one_time: u64,
    /// Ended sessions past their history, with their histories.
    pub sessions: u64,
    /// Rows whose address and user agent were wiped.
    pub origins: u64,
    /// Jobs that ended long ago.
    pub jobs: u64,
}

impl CleanupReport {
    /// Whether nothing is left to do.
    pub const fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many rows in all.
    pub const fn total(&self) -> u64 {
        self.expired + self.revocations + self.one_time + self.sessions + self.origins + self.jobs
    }

    /// Two rounds together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            idle: self.idle + other.idle,
            revocations: self.revocations + other.revocations,
            one_time: self.one_time + other.one_time,
            sessions: self.sessions + other.sessions,
            origins: self.origins + other.origins,
            jobs: self.jobs + other.jobs,
        }
    }
}
