//! What this server has committed itself, and no poll of the log has shown it yet.
//!
//! A failover loses the latest commits first, and these may be known to the server that made them alone: its list has
//! them, no other server has read them. So it watches for its own rows until the log has shown each of them exactly.
//! Whether the rest of the log is the one that was read so far is not asked here but in `revocations`.

use types::domain::Timestamp;

use crate::store::{Revocation, Tail};

/// The rows of its own that a server watches for: those of about half a second, or as many as were committed while the
/// log could not be read and must be remembered.
#[derive(Default)]
pub struct OwnCommits {
    rows: Vec<OwnCommit>,
    /// How many were ever put in.
    so_far: u64,
}

struct OwnCommit {
    /// How many were put in before.
    number: u64,
    row: Revocation,
}

impl OwnCommits {
    /// Watches for a row whose commit was acknowledged.
    pub fn add(&mut self, row: &Revocation) {
        self.rows.push(OwnCommit { number: self.so_far, row: row.clone() });
        self.so_far += 1;
    }

    /// How many rows were ever put in. A poll that begins after this was asked has to show them, and need not show any
    /// later one.
    pub const fn so_far(&self) -> u64 {
        self.so_far
    }

    /// From where the log must be read so that it shows everything that is watched for; `None` where nothing is.
    pub fn lowest_position(&self) -> Option<i64> {
        self.rows.iter().map(|watched| watched.row.position).min()
    }

    /// Whether a row is not in a poll of the log in which it must be: another has its place, or none, although it was
    /// put in before the poll began (one of the first `due`) and must still be remembered.
    pub fn is_missed_in(&self, tail: &Tail, due: u64) -> bool {
        self.rows.iter().any(|watched| match at(&tail.revocations, watched.row.position) {
            Some(there) => *there != watched.row,
            // What no token can need any more may have been cleaned up.
            None => watched.number < due && watched.row.remember_until > tail.database_time,
        })
    }

    /// The log has shown these rows, given by position.
    pub fn saw(&mut self, rows: &[Revocation]) {
        self.rows.retain(|watched| at(rows, watched.row.position) != Some(&watched.row));
    }

    /// Gives up the first `due` that were ever put in: what has become of them is known.
    pub fn complete(&mut self, due: u64) {
        self.rows.retain(|watched| watched.number >= due);
    }

    /// Drops what no token can need any more.
    pub fn prune(&mut self, now: Timestamp) {
        self.rows.retain(|watched| watched.row.remember_until > now);
    }
}

fn at(rows: &[Revocation], position: i64) -> Option<&Revocation> {
    rows.binary_search_by_key(&position, |row| row.position).ok().map(|place| &rows[place])
}
