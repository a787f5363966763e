//! Entries of the revocation log.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;

/// One row of the revocation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the order of commits.
    pub position: i64,
    pub user_id: UserId,
    /// What it refuses.
    pub subject: RevokedSubject,
    /// Why; `None` where sessions stay and only access tokens must be refreshed.
    pub reason: Option<EndReason>,
    /// The requesting session.
    pub ended_by: Option<SessionId>,
    /// The name of that device.
    pub ended_by_device: Option<String>,
    pub at: Timestamp,
    /// Until when it must be remembered.
    pub remember_until: Timestamp,
}

impl Revocation {
    /// Whether both are the same row of the log. The name of a device is forgotten with the account of its user.
    pub fn is_same_row(&self, other: &Self) -> bool {
        let Self { position, user_id, subject, reason, ended_by, ended_by_device: _, at, remember_until } = other;
        self.position == *position
            && self.user_id == *user_id
            && self.subject == *subject
            && self.reason == *reason
            && self.ended_by == *ended_by
            && self.at == *at
            && self.remember_until == *remember_until
    }
}

/// What a revocation refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevokedSubject {
    Session(SessionId),
    /// Every token of the user with an epoch lower than this.
    Epoch(i64),
}

/// The result of one poll of the revocation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The position of the last row ever committed.
    pub head: i64,
    pub database_time: Timestamp,
    /// Whether another database answers than before, and nobody has noted that yet.
    pub has_restarted: bool,
    /// Rows, by position.
    pub revocations: Vec<Revocation>,
}
