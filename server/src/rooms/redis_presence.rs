//! Heartbeats in Redis: which sessions have a socket open, in which rooms, and whether they look at them. Only that:
//! who is in a room, and until when, is in the database, and so is whatever counts when a session ends. See decision
//! 0056.
//!
//! Two kinds of keys, each of which lasts for [`KEPT_FOR_MS`] after it was last written:
//!
//! - `latchkey:<installation>:room:<id of the room>`, a sorted set: a member is `here:<user>:<session>` or
//!   `away:<user>:<session>`, its score the time of the last heartbeat;
//! - `latchkey:<installation>:rooms:since`: since when Redis has forgotten nothing. What it has not remembered for as
//!   long as it takes to go grey is not believed: servers may not have said everything again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{FromRedisValue, Pipeline};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;
use types::api::RoomId;
use types::domain::{SessionId, Timestamp, UserId};

use super::metrics::{PresenceDoubt, RoomMetrics};
use super::presence::GREY_AFTER;
use super::redis_heartbeats::Written;
use crate::events::RedisConnection;
use crate::store::ParticipantRow;

/// How long a key lasts that nobody writes, in milliseconds.
const KEPT_FOR_MS: i64 = 30_000;
/// How long Redis may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// Where it has not, only heartbeats try again within this time.
const SPARED_FOR: Duration = Duration::from_secs(1);

/// Heartbeats in Redis.
pub struct RedisPresence {
    redis: Arc<RedisConnection>,
    /// What all keys of this installation begin with.
    prefix: String,
    metrics: Arc<RoomMetrics>,
    /// What this server has written. Whoever writes holds it, so that nothing older is written after something newer.
    pub written: AsyncMutex<Written>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    doubt: Option<PresenceDoubt>,
    /// When Redis last did not answer.
    failed_at: Option<Instant>,
}

/// A session that has a socket open in a room, or has not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub room_id: RoomId,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub is_away: bool,
}

impl Entry {
    fn member(&self, is_away: bool) -> String {
        let how = if is_away { "away" } else { "here" };
        format!("{how}:{}:{}", self.user_id, self.session_id)
    }
}

/// The user of a member, and whether they look at the room.
fn read_member(member: &str) -> Option<(UserId, bool)> {
    let (how, rest) = member.split_once(':')?;
    let (user, _) = rest.split_once(':')?;
    Some((user.parse().ok()?, how == "here"))
}

/// Who is connected, by room, and whether they look at it on one of their devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connected(HashMap<RoomId, HashMap<UserId, bool>>);

impl Connected {
    fn note(&mut self, room: RoomId, members: Vec<Option<String>>) {
        let users = self.0.entry(room).or_default();
        for (user, is_here) in members.into_iter().flatten().filter_map(|member| read_member(&member)) {
            *users.entry(user).or_default() |= is_here;
        }
    }

    /// Everybody, in each room.
    pub fn everybody(&self) -> HashSet<(RoomId, UserId)> {
        self.0.iter().flat_map(|(room, users)| users.keys().map(|user| (*room, *user))).collect()
    }

    /// Has those who are connected shown as that.
    pub fn add_to(&self, room: RoomId, participants: &mut [ParticipantRow], now: Timestamp) {
        let Some(users) = self.0.get(&room) else { return };
        for participant in participants {
            if let Some(is_here) = users.get(&participant.user_id) {
                participant.heartbeat_at = Some(now);
                if *is_here {
                    participant.here_at = Some(now);
                }
            }
        }
    }
}

impl RedisPresence {
    /// Of the installation of this name.
    pub fn new(redis: Arc<RedisConnection>, installation: &str, metrics: Arc<RoomMetrics>) -> Self {
        let prefix = format!("latchkey:{installation}");
        Self { redis, prefix, metrics, written: AsyncMutex::default(), state: Mutex::default() }
    }

    /// Writes a heartbeat of each of these, and takes out those who are gone, in one round trip. False where Redis is
    /// away: then the database must have them.
    pub async fn write(&self, connected: &[Entry], gone: &[Entry], now: Timestamp) -> bool {
        let Some(answers) = self.ask::<Vec<Option<i64>>>(&self.writing(connected, gone, now)).await else {
            return false;
        };
        self.judge(answers.into_iter().next().flatten(), now);
        true
    }

    /// Who is connected to these rooms. `None` where Redis is away, or may not know all of them: then the database says
    /// who is there.
    pub async fn connected(&self, rooms: &[RoomId], now: Timestamp) -> Option<Connected> {
        if self.is_spared() {
            return None;
        }
        let mut asks = redis::pipe();
        asks.cmd("MGET").arg(self.since_key());
        for room in rooms {
            asks.cmd("ZRANGEBYSCORE").arg(self.room_key(*room)).arg(now.minus(GREY_AFTER).as_millis()).arg("+inf");
        }
        let mut answers = self.ask::<Vec<Vec<Option<String>>>>(&asks).await?.into_iter();
        let since = answers.next().and_then(|answer| answer.into_iter().next().flatten());
        if !self.judge(since.and_then(|since| since.parse().ok()), now) {
            return None;
        }
        let mut connected = Connected::default();
        for (room, members) in rooms.iter().zip(answers) {
            connected.note(*room, members);
        }
        Some(connected)
    }

    /// Whether Redis has just not answered.
    pub fn is_spared(&self) -> bool {
        self.state().failed_at.is_some_and(|at| at.elapsed() < SPARED_FOR)
    }

    fn writing(&self, connected: &[Entry], gone: &[Entry], now: Timestamp) -> Pipeline {
        let mut rooms: BTreeMap<RoomId, (Vec<&Entry>, Vec<&Entry>)> = BTreeMap::new();
        for entry in connected {
            rooms.entry(entry.room_id).or_default().0.push(entry);
        }
        for entry in gone {
            rooms.entry(entry.room_id).or_default().1.push(entry);
        }
        let (mut commands, since, now_ms) = (redis::pipe(), self.since_key(), now.as_millis());
        // All or nothing: no key is written without its time.
        commands.atomic();
        commands.cmd("SET").arg(&since).arg(now_ms).arg("NX").arg("PX").arg(KEPT_FOR_MS).ignore();
        commands.cmd("PEXPIRE").arg(&since).arg(KEPT_FOR_MS).ignore();
        for (room, (connected, gone)) in rooms {
            let key = self.room_key(room);
            if !connected.is_empty() {
                commands.cmd("ZADD").arg(&key);
                for entry in &connected {
                    commands.arg(now_ms).arg(entry.member(entry.is_away));
                }
                commands.ignore();
            }
            commands.cmd("ZREM").arg(&key);
            for entry in &connected {
                commands.arg(entry.member(!entry.is_away));
            }
            for entry in &gone {
                commands.arg(entry.member(false)).arg(entry.member(true));
            }
            commands.ignore();
            // Those of servers that have died.
            let grey_before = format!("({}", now.minus(GREY_AFTER).as_millis());
            commands.cmd("ZREMRANGEBYSCORE").arg(&key).arg("-inf").arg(grey_before).ignore();
            commands.cmd("PEXPIRE").arg(&key).arg(KEPT_FOR_MS).ignore();
        }
        commands.cmd("GET").arg(&since);
        commands
    }

    async fn ask<T: FromRedisValue + Send>(&self, commands: &Pipeline) -> Option<T> {
        match tokio::time::timeout(ANSWER_WITHIN, self.redis.ask(commands)).await {
            Ok(Ok(answer)) => {
                self.state().failed_at = None;
                return Some(answer);
            }
            Ok(Err(error)) => self.note_failure(&error),
            Err(error) => self.note_failure(&error),
        }
        None
    }

    fn note_failure(&self, error: &(dyn Error + 'static)) {
        self.state().failed_at = Some(Instant::now());
        if self.doubts(Some(PresenceDoubt::Unavailable)) {
            tracing::warn!(error, "presence in Redis unavailable: heartbeats go to the database");
        }
    }

    /// Whether Redis is to be believed, which has forgotten nothing since then.
    fn judge(&self, since_ms: Option<i64>, now: Timestamp) -> bool {
        let is_believed = since_ms.is_some_and(|since| since <= now.minus(GREY_AFTER).as_millis());
        let is_new = self.doubts((!is_believed).then_some(PresenceDoubt::Forgotten));
        match (is_new, is_believed) {
            (true, true) => tracing::info!("presence in Redis used again"),
            (true, false) => tracing::info!("presence in Redis is new or was forgotten: the database has it meanwhile"),
            (false, _) => {}
        }
        is_believed
    }

    /// Notes whether presence in Redis is in doubt. True where that is new.
    fn doubts(&self, doubt: Option<PresenceDoubt>) -> bool {
        let before = std::mem::replace(&mut self.state().doubt, doubt);
        if let Some(why) = doubt.filter(|_| before != doubt) {
            self.metrics.presence_doubts.increment(why);
        }
        before != doubt
    }

    fn room_key(&self, room: RoomId) -> String {
        format!("{}:room:{room}", self.prefix)
    }

    fn since_key(&self) -> String {
        format!("{}:rooms:since", self.prefix)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ATTIC: RoomId = RoomId(Uuid::from_u128(7));
    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn participant(user_id: UserId) -> ParticipantRow {
        ParticipantRow { user_id, name: "Ada".to_owned(), joined_at: NOW, heartbeat_at: None, here_at: None }
    }

    #[test]
    fn whoever_looks_at_a_room_on_one_device_is_here() {
        let entry = |session| Entry {
            room_id: ATTIC,
            session_id: SessionId(Uuid::from_u128(session)),
            user_id: ADA,
            is_away: false,
        };
        let mut connected = Connected::default();
        let members = [entry(10).member(true), entry(11).member(false), "nonsense".to_owned()];
        connected.note(ATTIC, members.into_iter().map(Some).collect());
        assert_eq!(connected.everybody(), HashSet::from([(ATTIC, ADA)]));
        let mut participants = [participant(ADA), participant(BOB)];
        connected.add_to(ATTIC, &mut participants, NOW);
        let shown = participants.map(|participant| (participant.heartbeat_at, participant.here_at));
        assert_eq!(shown, [(Some(NOW), Some(NOW)), (None, None)]);

        let mut away = Connected::default();
        away.note(ATTIC, vec![Some(entry(10).member(true))]);
        let mut participants = [participant(ADA)];
        away.add_to(ATTIC, &mut participants, NOW);
        assert_eq!((participants[0].heartbeat_at, participants[0].here_at), (Some(NOW), None));
    }
}
