//! Last active: noted in memory on every request, written in batches, so that a request costs no database write.
//!
//! At most one batch is lost when the server dies.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::domain::{SessionId, Timestamp, UserId};

use crate::auth::tokens::Verified;
use crate::store::Sighting;

/// A session that was seen since the last batch.
struct Seen {
    user_id: UserId,
    at: Timestamp,
    ip: String,
    /// When it last asked for something; listening alone is no use.
    used_at: Option<Timestamp>,
}

/// Sessions that were seen since the last batch.
pub struct LastActive {
    seen: Mutex<HashMap<SessionId, Seen>>,
    /// Milliseconds for which a session that was noted need not be noted again.
    interval_ms: i64,
}

impl LastActive {
    /// Notes a session at most once in `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { seen: Mutex::default(), interval_ms: i64::try_from(interval.as_millis()).unwrap_or(i64::MAX) }
    }

    /// Notes that a request with this token was made, unless one was noted just before.
    pub fn note(&self, token: &Verified, now: Timestamp, ip: impl FnOnce() -> String) {
        let noted = token.noted_at.load(Ordering::Relaxed);
        if now.as_millis() - noted < self.interval_ms {
            return;
        }
        token.noted_at.store(now.as_millis(), Ordering::Relaxed);
        self.put(token.session_id, token.user_id, now, ip(), Some(now));
    }

    /// Notes a session that listens, whatever was noted before. An `ip` that is not known is empty, and the one before stays.
    pub fn see(&self, session_id: SessionId, user_id: UserId, now: Timestamp, ip: String) {
        self.put(session_id, user_id, now, ip, None);
    }

    fn put(&self, session_id: SessionId, user_id: UserId, now: Timestamp, ip: String, used_at: Option<Timestamp>) {
        let mut seen = self.lock();
        let entry =
            seen.entry(session_id).or_insert_with(|| Seen { user_id, at: now, ip: String::new(), used_at: None });
        entry.at = now;
        entry.used_at = used_at.or(entry.used_at);
        if !ip.is_empty() {
            entry.ip = ip;
        }
    }

    /// When a session was last seen, if that has not been written yet.
    pub fn seen(&self, session_id: SessionId) -> Option<Timestamp> {
        self.lock().get(&session_id).map(|seen| seen.at)
    }

    /// How many are waiting to be written.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the batch, ordered by session so that two servers lock rows in the same order. `place_of` tells the place of an address,
    /// `lasts_until` how long a session lasts that was used then, where use prolongs it.
    pub fn take(
        &self,
        place_of: impl Fn(&str) -> Option<String>,
        lasts_until: impl Fn(Timestamp) -> Option<Timestamp>,
    ) -> Vec<(UserId, Sighting)> {
        let seen = std::mem::take(&mut *self.lock());
        let mut batch: Vec<_> = seen
            .into_iter()
            .map(|(session_id, Seen { user_id, at, ip, used_at })| {
                let (place, lasts_until) = (place_of(&ip), used_at.and_then(&lasts_until));
                (user_id, Sighting { session_id, at, ip, place, lasts_until })
            })
            .collect();
        batch.sort_by_key(|(_, sighting)| sighting.session_id);
        batch
    }

    /// Puts a batch back that could not be written; what was seen since then is newer. What was used in it counts as used when it was seen.
    pub fn put_back(&self, batch: Vec<(UserId, Sighting)>) {
        let mut seen = self.lock();
        for (user_id, Sighting { session_id, at, ip, lasts_until, .. }) in batch {
            let used_at = lasts_until.map(|_| at);
            seen.entry(session_id).or_insert(Seen { user_id, at, ip, used_at });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
