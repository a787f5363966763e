//! Last active: noted in memory on every request, written in batches, so that a request costs no database write.
//!
//! At most one batch is lost when the server dies.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, Timestamp, UserId};

use super::Devices;
use crate::auth::tokens::Verified;
use crate::jobs::{Schedule, every};
use crate::store::{Sighting, StoreError};

/// How often last-active times are written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);
/// How often devices that only listen are noted.
const LISTENING_INTERVAL: Duration = Duration::from_mins(1);

/// A session that was seen since the last batch.
struct Seen {
    user_id: UserId,
    at: Timestamp,
    ip: String,
    /// When it last asked for something; listening alone is no use.
    used_at: Option<Timestamp>,
}

/// Sessions that were seen since the last batch.
pub(super) struct LastActive {
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

    /// Notes a session that listens, whatever was noted before. An `ip` that is not known is empty, and the one before
    /// stays.
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

    /// Takes the batch, ordered by session so that two servers lock rows in the same order. `place_of` tells the place
    /// of an address, `lasts_until` how long a session lasts that was used then, where use prolongs it.
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

    /// Puts a batch back that could not be written. A session that was seen again since keeps the newer entry. One that
    /// was used counts as used when it was seen.
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

/// Writes last-active times in batches and tells them to whoever is looking. A device that only listens is in use as
/// well, and the other servers know it by the time that is written for it.
pub(in crate::sessions) async fn write_last_active(devices: Arc<Devices>, stop: CancellationToken) {
    let devices = &*devices;
    let Devices { context, streams, last_active, lifetimes, .. } = devices;
    let mut listened_at = context.clock.monotonic();
    let interval = FLUSH_INTERVAL.min(lifetimes.note_interval());
    // What was noted until the server stops is written as well.
    let schedule = Schedule::every("last active", interval).at_stop();
    every(schedule, &stop, || {
        if context.clock.monotonic().saturating_duration_since(listened_at) >= LISTENING_INTERVAL {
            listened_at = context.clock.monotonic();
            let now = context.now();
            for (user_id, session_id) in streams.listening() {
                last_active.see(session_id, user_id, now, String::new());
            }
        }
        async move {
            let flushed = devices.flush_last_active().await;
            context.events.active_sessions().tidy(context.now());
            flushed
        }
    })
    .await;
}

impl Devices {
    /// Writes one batch of last-active times.
    async fn flush_last_active(&self) -> Result<(), StoreError> {
        let Self { context, places, last_active, lifetimes, .. } = self;
        let batch = last_active.take(|ip| places.of(ip), |at| lifetimes.used_end(at));
        if batch.is_empty() {
            return Ok(());
        }
        let sightings: Vec<_> = batch.iter().map(|(_, sighting)| sighting.clone()).collect();
        if let Err(error) = context.store.sessions().touch_sessions(&sightings).await {
            last_active.put_back(batch);
            return Err(error);
        }
        for (user_id, sighting) in batch {
            let active = self.is_active(user_id, sighting.session_id, sighting.at, context.now());
            self.publish_activity(user_id, sighting.session_id, active);
        }
        Ok(())
    }
}
