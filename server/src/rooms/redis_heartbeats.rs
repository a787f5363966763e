//! Heartbeats where there is a Redis: it has those of sessions with sockets. The database is written where something
//! changes, and now and then.
//!
//! Readers ask Redis first and the database after it. So a session is taken from one to the other in an order in which
//! it is always in one of them: it is in Redis for a while before its presence is merely prolonged in the database, and
//! has a heartbeat in the database before it is taken out of Redis.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;
use types::api::RoomId;
use types::domain::{SessionId, Timestamp, UserId};

use super::actions::{Occupant, Rooms};
use super::attendances::Beat;
use super::metrics::HeartbeatsIn;
use super::redis_presence::{Connected, Entry, RedisPresence};
use crate::store::{Heartbeat, ParticipantRow, StoreError};

/// A session is in Redis for so long before the database leaves its heartbeats to Redis: longer than anybody takes from
/// asking Redis to asking the database.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// Presence is prolonged in the database so many times while it would run out.
const PROLONGED_A_TIMEOUT: u32 = 3;

/// What a server has written into Redis, by room and session.
pub type Written = HashMap<(RoomId, SessionId), WrittenSession>;

/// A session that a server has written into Redis.
#[derive(Clone, Copy, Debug)]
pub struct WrittenSession {
    user_id: UserId,
    /// Since when Redis has it; nothing where Redis has been away since.
    since: Option<Instant>,
    /// As what the database has prolonged it, until there was a heartbeat there.
    prolonged: Option<Prolonged>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Prolonged {
    until: Timestamp,
    is_away: bool,
}

impl WrittenSession {
    const fn of(user_id: UserId) -> Self {
        Self { user_id, since: None, prolonged: None }
    }

    /// Whether the database should be told of this heartbeat too, because it knows nothing of it, or presence lasts no
    /// longer there than that.
    fn is_due(&self, heartbeat: &Heartbeat, enough_until: Timestamp, moment: Instant) -> bool {
        self.since.is_some_and(|since| moment.saturating_duration_since(since) >= SETTLED_AFTER)
            && self.prolonged.is_none_or(|Prolonged { until, is_away }| {
                is_away != heartbeat.is_away || (until < enough_until && until < heartbeat.until)
            })
    }
}

fn entry(beat: &Beat) -> Entry {
    let Beat { user_id, heartbeat: Heartbeat { room_id, session_id, is_away, .. }, .. } = *beat;
    Entry { room_id, session_id, user_id, is_away }
}

/// Sessions that Redis should not have any more.
fn gone(written: &Written, connected: &[Entry]) -> Vec<Entry> {
    let connected: HashSet<_> = connected.iter().map(|entry| (entry.room_id, entry.session_id)).collect();
    let gone = written.iter().filter(|(key, _)| !connected.contains(key));
    gone.map(|((room_id, session_id), session)| Entry {
        room_id: *room_id,
        session_id: *session_id,
        user_id: session.user_id,
        is_away: false,
    })
    .collect()
}

impl Rooms {
    /// Writes the heartbeats of all sessions that have sockets here into Redis, or into the database where Redis is
    /// away. Those who have just lost the connection, or whose session has ended, are taken out of Redis.
    pub(super) async fn beat_with_redis(&self, redis: &RedisPresence) -> Result<(), StoreError> {
        let mut written = redis.written.lock().await;
        let now = self.context.now();
        let beats = self.attendances.heartbeats(now, self.presence_timeout);
        let (lost, connected): (Vec<Beat>, Vec<Beat>) = beats.into_iter().partition(|beat| beat.is_lost);
        // A database that is away keeps nobody from being heard over Redis.
        let lost = self.beat_in_database(&lost, now).await;
        let entries: Vec<Entry> = connected.iter().map(entry).collect();
        let gone = gone(&written, &entries);
        if !redis.write(&entries, &gone, now).await {
            for session in written.values_mut() {
                *session = WrittenSession::of(session.user_id);
            }
            drop(written);
            return lost.and(self.beat_in_database(&connected, now).await);
        }
        self.metrics.heartbeats.add(HeartbeatsIn::Redis, entries.len());
        for entry in &gone {
            written.remove(&(entry.room_id, entry.session_id));
        }
        let prolonged = self.prolong(&mut written, &connected, now).await;
        drop(written);
        for absent in prolonged? {
            self.attend_again(&absent).await?;
        }
        lost
    }

    /// Prolongs in the database what is due. Gives those who are not present there any more.
    async fn prolong(
        &self,
        written: &mut Written,
        connected: &[Beat],
        now: Timestamp,
    ) -> Result<Vec<Heartbeat>, StoreError> {
        let enough_until = now.plus(self.presence_timeout.saturating_sub(self.presence_timeout / PROLONGED_A_TIMEOUT));
        let (moment, mut due) = (Instant::now(), Vec::new());
        for Beat { user_id, heartbeat, .. } in connected {
            let key = (heartbeat.room_id, heartbeat.session_id);
            let session = written.entry(key).or_insert_with(|| WrittenSession::of(*user_id));
            session.since.get_or_insert(moment);
            if session.is_due(heartbeat, enough_until, moment) {
                due.push(*heartbeat);
            }
        }
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let present = self.context.store.rooms().prolong_presence(&due, now).await?;
        self.metrics.heartbeats.add(HeartbeatsIn::Database, due.len());
        let present: HashSet<(SessionId, RoomId)> = present.into_iter().collect();
        let (present, absent): (Vec<Heartbeat>, Vec<Heartbeat>) =
            due.into_iter().partition(|heartbeat| present.contains(&(heartbeat.session_id, heartbeat.room_id)));
        for Heartbeat { until, is_away, session_id, room_id } in present {
            if let Some(session) = written.get_mut(&(room_id, session_id)) {
                session.prolonged = Some(Prolonged { until, is_away });
            }
        }
        Ok(absent)
    }

    /// The database has just been told how a session is in a room: so Redis is, before others are.
    pub(super) async fn update_redis(&self, room_id: RoomId, Occupant { user_id, session_id }: Occupant) {
        let Some(redis) = &self.redis else { return };
        let mut written = redis.written.lock().await;
        let key = (room_id, session_id);
        let attendee = self.attendances.attendee(room_id, session_id);
        let entry = Entry { room_id, session_id, user_id, is_away: attendee.is_some_and(|(_, here)| !here) };
        if let Some(session) = written.get_mut(&key) {
            // The database has a heartbeat of it.
            *session = WrittenSession::of(user_id);
        } else if attendee.is_none() {
            return;
        }
        let (connected, gone) = if attendee.is_some() { (Some(entry), None) } else { (None, Some(entry)) };
        // Where it fails, it is in the next heartbeats.
        if redis.is_spared() || !redis.write(connected.as_slice(), gone.as_slice(), self.context.now()).await {
            return;
        }
        if attendee.is_some() {
            written.insert(key, WrittenSession { since: Some(Instant::now()), ..WrittenSession::of(user_id) });
        } else {
            written.remove(&key);
        }
        drop(written);
    }

    /// Who is connected to these rooms by Redis. `None` where the database says it: there is no Redis, or it is not to
    /// be believed.
    pub(super) async fn connected(&self, rooms: &[RoomId], now: Timestamp) -> Option<Connected> {
        self.redis.as_ref()?.connected(rooms, now).await
    }

    /// Who is in a room, with their heartbeats.
    pub async fn participants(&self, room: RoomId, now: Timestamp) -> Result<Vec<ParticipantRow>, StoreError> {
        let connected = self.connected(&[room], now).await;
        self.participants_with(connected.as_ref(), room, now).await
    }

    /// The same, by what Redis was asked before.
    pub(super) async fn participants_with(
        &self,
        connected: Option<&Connected>,
        room: RoomId,
        now: Timestamp,
    ) -> Result<Vec<ParticipantRow>, StoreError> {
        let Some(connected) = connected else { return self.context.store.rooms().participants(room, now).await };
        let mut participants = self.context.store.rooms().participants_heard(room, now).await?;
        connected.add_to(room, &mut participants, now);
        Ok(participants)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn beat(until: Timestamp, is_away: bool) -> Heartbeat {
        Heartbeat { until, is_away, session_id: SessionId(Uuid::from_u128(10)), room_id: RoomId(Uuid::from_u128(7)) }
    }

    #[test]
    fn the_database_hears_of_changes_and_of_presence_that_would_run_out() {
        let since = Instant::now();
        let mut session = WrittenSession { since: Some(since), ..WrittenSession::of(ADA) };
        assert!(!session.is_due(&beat(at(300), false), at(200), since), "somebody may just be asking");
        let moment = since + SETTLED_AFTER;
        assert!(session.is_due(&beat(at(300), false), at(200), moment));
        session.prolonged = Some(Prolonged { until: at(300), is_away: false });
        for (until, is_away, enough_until, expected) in [
            (303, false, 203, false),
            (303, true, 203, true),
            (400, false, 300, false),
            (401, false, 301, true),
            // The session ends then.
            (300, false, 301, false),
        ] {
            let is_due = session.is_due(&beat(at(until), is_away), at(enough_until), moment);
            assert_eq!(is_due, expected, "{until} {is_away} {enough_until}");
        }
        session.since = None;
        assert!(!session.is_due(&beat(at(401), true), at(301), moment), "Redis has been away");
    }
}
