//! Rows that this server has committed itself, and that no poll of the log has shown yet.
//!
//! A failover loses the latest commits first, and only the server that made them may know of them: its list has them,
//! and no other server has read them. So it checks each poll for its own rows until one has shown each of them
//! unchanged. `list` checks the rest of the log.

use types::domain::Timestamp;

use crate::store::{Revocation, Tail};

/// The own rows that are still to be shown: those of about half a second, or all that were committed while the log
/// could not be read and that must be remembered.
#[derive(Default)]
pub struct OwnCommits {
    rows: Vec<OwnCommit>,
    /// How many were ever added.
    so_far: u64,
}

struct OwnCommit {
    /// How many were added before it.
    number: u64,
    row: Revocation,
}

impl OwnCommits {
    /// Adds a row whose commit was acknowledged.
    pub fn add(&mut self, row: &Revocation) {
        self.rows.push(OwnCommit { number: self.so_far, row: row.clone() });
        self.so_far += 1;
    }

    /// How many rows were ever added. A poll that begins after this call must show them, and need not show later ones.
    pub const fn so_far(&self) -> u64 {
        self.so_far
    }

    /// The position from which a poll shows every row that is still to be shown; `None` where there is none.
    pub fn lowest_position(&self) -> Option<i64> {
        self.rows.iter().map(|own| own.row.position).min()
    }

    /// Whether a poll lacks a row that it must show: one of the first `due` rows, which were added before the poll
    /// began, is missing or another is in its place, although it must still be remembered.
    pub fn is_missed_in(&self, tail: &Tail, due: u64) -> bool {
        self.rows.iter().any(|own| match at(&tail.revocations, own.row.position) {
            Some(there) => !there.is_same_row(&own.row),
            // Rows that no token can need any more may have been cleaned up.
            None => own.number < due && own.row.remember_until > tail.database_time,
        })
    }

    /// Removes rows that a poll has shown, given by position.
    pub fn saw(&mut self, rows: &[Revocation]) {
        self.rows.retain(|own| !at(rows, own.row.position).is_some_and(|there| there.is_same_row(&own.row)));
    }

    /// Removes the first `due` that were ever added: whether they are in the log is known.
    pub fn complete(&mut self, due: u64) {
        self.rows.retain(|own| own.number >= due);
    }

    /// Drops rows that no token can need any more.
    pub fn prune(&mut self, now: Timestamp) {
        self.rows.retain(|own| own.row.remember_until > now);
    }
}

fn at(rows: &[Revocation], position: i64) -> Option<&Revocation> {
    rows.binary_search_by_key(&position, |row| row.position).ok().map(|place| &rows[place])
}
