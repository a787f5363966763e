//! Last active: noted in memory on every request, written in batches, so that a request costs no database write.
//!
//! At most one batch is lost when the server dies.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use app::domain::{SessionId, Timestamp, UserId};

use crate::auth::tokens::Verified;
use crate::store::Sighting;

/// How often one session is noted at the most.
pub const NOTE_INTERVAL: Duration = Duration::from_mins(1);

/// Sessions that were seen since the last batch.
#[derive(Default)]
pub struct LastActive(Mutex<HashMap<SessionId, (UserId, Timestamp, String)>>);

impl LastActive {
    /// Notes that a request with this token was made, unless one was noted within the last minute.
    pub fn note(&self, token: &Verified, now: Timestamp, ip: impl FnOnce() -> String) {
        let interval = i64::try_from(NOTE_INTERVAL.as_millis()).unwrap_or(i64::MAX);
        let noted = token.noted_at.load(Ordering::Relaxed);
        if now.as_millis() - noted < interval {
            return;
        }
        token.noted_at.store(now.as_millis(), Ordering::Relaxed);
        self.see(token.session_id, token.user_id, now, ip());
    }

    /// Notes a session whatever was noted before. An `ip` that is not known is empty, and the one before stays.
    pub fn see(&self, session_id: SessionId, user_id: UserId, now: Timestamp, ip: String) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = seen.entry(session_id).or_insert_with(|| (user_id, now, String::new()));
        entry.1 = now;
        if !ip.is_empty() {
            entry.2 = ip;
        }
    }

    /// When a session was last seen, if that has not been written yet.
    pub fn seen(&self, session_id: SessionId) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&session_id).map(|(_, at, _)| *at)
    }

    /// How many are waiting to be written.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the batch, ordered by session so that two servers lock rows in the same order. `place_of` tells the place of an address.
    pub fn take(&self, place_of: impl Fn(&str) -> Option<String>) -> Vec<(UserId, Sighting)> {
        let seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut batch: Vec<_> = seen
            .into_iter()
            .map(|(session_id, (user_id, at, ip))| {
                let place = place_of(&ip);
                (user_id, Sighting { session_id, at, ip, place })
            })
            .collect();
        batch.sort_by_key(|(_, sighting)| sighting.session_id);
        batch
    }

    /// Puts a batch back that could not be written; what was seen since then is newer.
    pub fn put_back(&self, batch: Vec<(UserId, Sighting)>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (user_id, sighting) in batch {
            seen.entry(sighting.session_id).or_insert((user_id, sighting.at, sighting.ip));
        }
    }
}
