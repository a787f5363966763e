//! What keeps presence true: heartbeats for all sessions that are connected here, and looking for those of whom none
//! comes any more, wherever they were connected.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::api::{RoomEvent, RoomId, RoomPresenceChanged};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::RoomPresence;

use super::actions::{Occupant, Rooms};
use super::attendances::Beat;
use super::metrics::HeartbeatsIn;
use super::presence::{GREY_AFTER, presence};
use super::redis_presence::Connected;
use crate::jobs::{Schedule, every};
use crate::store::{Heartbeat, RoomPosition, StoreError};

/// How often each session has a heartbeat: several times before it would be grey.
const BEAT: Duration = Duration::from_secs(3);
/// It has so many while its presence would run out.
const BEATS_A_TIMEOUT: u32 = 3;
/// How often rooms are polled without a hint.
const POLL: Duration = Duration::from_secs(1);
/// Hints that come together are one.
const GATHERED_FOR: Duration = Duration::from_millis(10);

/// Whom this server has shown as grey, and up to when it has polled for such.
#[derive(Clone)]
pub struct ShownGrey {
    polled_until: Timestamp,
    grey: HashSet<(RoomId, UserId)>,
    /// Who was connected when Redis was last believed.
    connected: HashSet<(RoomId, UserId)>,
}

impl ShownGrey {
    /// Nobody yet; whoever goes grey after this moment is found.
    pub fn since(now: Timestamp) -> Self {
        Self { polled_until: now.minus(GREY_AFTER), grey: HashSet::new(), connected: HashSet::new() }
    }
}

impl Rooms {
    /// Writes heartbeats until `stop`.
    pub async fn beat_until(&self, stop: &CancellationToken) {
        let period = BEAT.min(self.presence_timeout / BEATS_A_TIMEOUT);
        let schedule = Schedule::every("room heartbeats", period).woken_by(&self.attendances.beat);
        // Nothing of this server stays in Redis.
        let schedule = if self.redis.is_some() { schedule.at_stop() } else { schedule };
        every(schedule, stop, || self.beat()).await;
    }

    /// Polls until `stop` for messages of rooms that were not received here, and for whoever has gone grey.
    pub async fn poll_until(&self, stop: &CancellationToken) {
        let schedule = Schedule::every("room poll", POLL).woken_by(&self.attendances.poll);
        every(schedule, stop, || self.poll()).await;
    }

    async fn beat(&self) -> Result<(), StoreError> {
        if let Some(redis) = &self.redis {
            return self.beat_with_redis(redis).await;
        }
        let now = self.context.now();
        let beats = self.attendances.heartbeats(now, self.presence_timeout);
        self.beat_in_database(&beats, now).await
    }

    pub(super) async fn beat_in_database(&self, beats: &[Beat], now: Timestamp) -> Result<(), StoreError> {
        if beats.is_empty() {
            return Ok(());
        }
        let beats: Vec<Heartbeat> = beats.iter().map(|beat| beat.heartbeat).collect();
        let present = self.context.store.rooms().heartbeat(&beats, now).await?;
        self.metrics.heartbeats.add(HeartbeatsIn::Database, beats.len());
        let present: HashSet<(SessionId, RoomId)> = present.into_iter().collect();
        for beat in beats.iter().filter(|beat| !present.contains(&(beat.session_id, beat.room_id))) {
            self.attend_again(beat).await?;
        }
        Ok(())
    }

    /// A session is not present any more: its presence ran out while nothing could be written, or its user is not in
    /// the room any more, or it has ended.
    pub(super) async fn attend_again(&self, beat: &Heartbeat) -> Result<(), StoreError> {
        let Some((who, here)) = self.attendances.attendee(beat.room_id, beat.session_id) else { return Ok(()) };
        let entry = self.entry(beat.room_id, Occupant { user_id: who.user_id, session_id: who.session_id });
        if !self.context.store.rooms().attend_room(&entry, !here).await? {
            self.close_room(beat.room_id, |other| other.session_id == who.session_id);
        }
        Ok(())
    }

    async fn poll(&self) -> Result<(), StoreError> {
        tokio::time::sleep(GATHERED_FOR).await;
        let rooms = self.attendances.rooms();
        if rooms.is_empty() {
            *self.shown_grey() = ShownGrey::since(self.context.now());
            return Ok(());
        }
        let positions = self.context.store.rooms().room_positions(&rooms).await?;
        let positions: HashMap<RoomId, RoomPosition> = positions.into_iter().collect();
        for room in rooms {
            // Of one that the database does not have any more nothing is left.
            self.attendances.set_newest(room, positions.get(&room).copied().unwrap_or_default());
        }
        self.show_grey().await
    }

    /// Shows those as grey of whom no heartbeat comes any more, and those as present again of whom one does. Every
    /// server polls for itself, so that it needs nobody to notify it.
    async fn show_grey(&self) -> Result<(), StoreError> {
        let now = self.context.now();
        let ShownGrey { polled_until, grey: were_grey, connected: were_connected } = self.shown_grey().clone();
        let before = polled_until.max(now.minus(GREY_AFTER));
        let mut asked: HashMap<(RoomId, bool), HashSet<UserId>> = HashMap::new();
        let by_redis = self.connected(&self.attendances.rooms(), now).await;
        let connected = by_redis.as_ref().map_or_else(|| were_connected.clone(), Connected::everybody);
        let gone_grey = self.context.store.rooms().gone_grey(polled_until, before, now).await?;
        let lost = were_connected.difference(&connected).chain(&were_grey).copied();
        for (room, user) in gone_grey.into_iter().chain(lost) {
            asked.entry((room, were_grey.contains(&(room, user)))).or_default().insert(user);
        }
        asked.retain(|(room, _), _| self.attendances.is_attended(*room));
        // Where Redis is not believed, whoever was grey before stays it until there is a heartbeat of theirs.
        let nobody = self.redis.as_ref().map(|_| Connected::default());
        let mut grey = HashSet::new();
        for ((room, was_grey), users) in asked {
            let by_redis = by_redis.as_ref().or_else(|| nobody.as_ref().filter(|_| was_grey));
            let participants = self.participants_with(by_redis, room, now).await?;
            for participant in participants.iter().filter(|participant| users.contains(&participant.user_id)) {
                let (user, presence) = (participant.user_id, presence(participant, now));
                let is_grey = presence == RoomPresence::Grey;
                if is_grey {
                    grey.insert((room, user));
                }
                if !is_grey || !was_grey {
                    self.deliver_here(&presence_changed(room, user, presence));
                }
            }
        }
        *self.shown_grey() = ShownGrey { polled_until: before, grey, connected };
        Ok(())
    }

    /// Delivers to those who attend a room here.
    fn deliver_here(&self, event: &RoomEvent) {
        // What is said here can be written.
        if let Ok(written) = event.write() {
            let count = self.attendances.deliver(event.room_id(), &Arc::new(written));
            self.metrics.events_delivered.add(count);
        }
    }

    /// Publishes to everybody in a room how a user is there now, by the device on which they are most.
    pub async fn publish_presence(&self, room: RoomId, user: UserId) -> Result<(), StoreError> {
        let now = self.context.now();
        let participants = self.participants(room, now).await?;
        if let Some(participant) = participants.iter().find(|participant| participant.user_id == user) {
            self.publish(&presence_changed(room, user, presence(participant, now)));
        }
        Ok(())
    }

    fn shown_grey(&self) -> MutexGuard<'_, ShownGrey> {
        self.shown_grey.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn presence_changed(room_id: RoomId, user_id: UserId, presence: RoomPresence) -> RoomEvent {
    RoomEvent::Presence(RoomPresenceChanged { room_id, user_id, presence: presence.into() })
}
