//! What users do in rooms. Each is one verb of the store; once it is committed, everybody in the room is
//! notified.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use types::api::rooms::REMOVED_FOR;
use types::api::{MessageText, RoomEvent, RoomId, RoomMessagePosted, RoomMessageRemoved, RoomName, RoomTyping};
use types::domain::{SessionId, UserId};
use types::words::AuditAction;

use super::attendances::Attendances;
use super::heartbeats::ShownGrey;
use super::metrics::{CleanedUp, Departure, RoomMetrics};
use super::redis_presence::RedisPresence;
use super::settings::RoomsConfig;
use super::views;
use crate::auth::tokens::Verified;
use crate::config::Config;
use crate::context::Context;
use crate::events::{RedisConnection, Topic};
use crate::store::{Entrance, NewAudit, Origin, RoomEntry, RoomMessageRow, StoreError};

/// How many may be in a room.
pub const MOST_PARTICIPANTS: u16 = 200;

/// Rooms, and what is done in them.
pub struct Rooms {
    pub(super) context: Context,
    /// `SERVER_ID`.
    server: String,
    pub(super) presence_timeout: Duration,
    /// How long messages are kept, and who was in a room.
    pub(super) retention: Duration,
    pub(super) metrics: Arc<RoomMetrics>,
    /// Which sockets of this server attend which rooms.
    pub(super) attendances: Attendances,
    pub(super) shown_grey: Mutex<ShownGrey>,
    /// Where heartbeats are, where there is a Redis.
    pub(super) redis: Option<RedisPresence>,
}

/// A user in a session, who is in a room or enters it.
#[derive(Clone, Copy, Debug)]
pub struct Occupant {
    pub user_id: UserId,
    pub session_id: SessionId,
}

impl Occupant {
    pub const fn of(token: &Verified) -> Self {
        Self { user_id: token.user_id, session_id: token.session_id }
    }
}

/// A moderator, and from where the request came.
pub struct Moderator {
    pub user_id: UserId,
    pub origin: Origin,
}

impl Rooms {
    pub fn new(context: &Context, config: &Config, redis: Option<Arc<RedisConnection>>) -> Self {
        let RoomsConfig { presence_timeout, retention } = *config.section::<RoomsConfig>();
        let (server, metrics) = (config.server.server_id.clone(), context.metrics.group::<RoomMetrics>());
        let shown_grey = Mutex::new(ShownGrey::since(context.now()));
        let attendances = Attendances::default();
        let redis = redis.map(|redis| RedisPresence::new(redis, &context.keys.installation(), Arc::clone(&metrics)));
        Self { context: context.clone(), server, presence_timeout, retention, metrics, attendances, shown_grey, redis }
    }

    /// Makes a room, which its creator enters.
    pub async fn create(&self, who: Occupant, name: &RoomName) -> Result<Entrance, StoreError> {
        let entry = self.entry(RoomId(self.context.new_id()), who);
        let entrance = self.context.store.rooms().create_room(name, &entry).await?;
        self.entered(&entrance);
        Ok(entrance)
    }

    /// The session enters a room, and with the first of their sessions the user joins.
    pub async fn enter(&self, who: Occupant, room: RoomId) -> Result<Entrance, StoreError> {
        let entrance = self.context.store.rooms().enter_room(&self.entry(room, who)).await?;
        self.update_redis(room, who).await;
        self.entered(&entrance);
        Ok(entrance)
    }

    /// The user leaves a room with all sessions. False where they were not in it.
    pub async fn leave(&self, who: Occupant, room: RoomId) -> Result<bool, StoreError> {
        let departure = self.context.store.rooms().leave_room(room, who.user_id, self.context.now()).await?;
        self.left(departure.as_slice());
        Ok(departure.is_some())
    }

    /// A moderator removes a user from a room. False where they were not in it.
    pub async fn remove_participant(&self, by: &Moderator, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let audit = NewAudit { user_id: Some(user), ..self.moderation(AuditAction::RoomParticipantRemoved, by, room) };
        let departure = self.context.store.rooms().remove_participant(room, user, &audit).await?;
        self.left(departure.as_slice());
        Ok(departure.is_some())
    }

    /// The user says something in a room. `None` where they are not in it.
    pub async fn post(
        &self,
        who: Occupant,
        room: RoomId,
        text: &MessageText,
    ) -> Result<Option<RoomMessageRow>, StoreError> {
        let at = self.context.now();
        let posted = self.context.store.rooms().post_message(room, who.user_id, text, at).await?;
        if let Some(message) = &posted {
            self.metrics.messages.increment();
            if self.attendances.has_said(who.session_id, room, self.context.clock.monotonic()) {
                self.publish_typing(room, who.user_id, false);
            }
            self.publish(&RoomEvent::Message(RoomMessagePosted { room_id: room, message: views::message(message) }));
        }
        Ok(posted)
    }

    /// A moderator removes what somebody wrote. False where there is no such message.
    pub async fn remove_message(&self, by: &Moderator, room: RoomId, number: i64) -> Result<bool, StoreError> {
        let audit = self.moderation(AuditAction::RoomMessageRemoved, by, room);
        let removed = self.context.store.rooms().remove_message(room, number, &audit).await?;
        if let Some(message) = &removed {
            self.metrics.messages_removed.increment();
            let number = message.number.unsigned_abs();
            self.publish(&RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: room, number, at: audit.at }));
        }
        Ok(removed.is_some())
    }

    /// Users have left rooms because sessions have ended.
    pub fn left_with_sessions(&self, departures: &[RoomMessageRow]) {
        self.metrics.cleaned_up.add(CleanedUp::Memberships, departures.len());
        tracing::info!(count = departures.len(), "rooms left with ended sessions");
        self.left(departures);
    }

    /// Publishes that users are not in a room any more.
    pub fn left(&self, departures: &[RoomMessageRow]) {
        for departure in departures {
            if let Some(how) = departure.kind.known().and_then(Departure::of) {
                self.metrics.departures.increment(how);
            }
            self.publish(&views::event(departure));
        }
    }

    /// Publishes that a user has joined, where one has.
    fn entered(&self, entrance: &Entrance) {
        let Entrance::Entered { joined: Some(message), .. } = entrance else { return };
        self.metrics.joins.increment();
        self.publish(&views::event(message));
    }

    /// Publishes that a user writes in a room, or does not any more.
    pub(super) fn publish_typing(&self, room_id: RoomId, user_id: UserId, typing: bool) {
        self.publish(&RoomEvent::Typing(RoomTyping { room_id, user_id, typing }));
    }

    pub(super) fn publish(&self, event: &RoomEvent) {
        // What is said here can be written.
        if let Ok(written) = event.write() {
            self.context.events.publish(Topic::Room(event.room_id()), &written, None);
        }
    }

    pub(super) fn entry(&self, room_id: RoomId, Occupant { user_id, session_id }: Occupant) -> RoomEntry<'_> {
        let at = self.context.now();
        RoomEntry {
            room_id,
            user_id,
            session_id,
            server: &self.server,
            at,
            until: at.plus(self.presence_timeout),
            removed_after: at.minus(REMOVED_FOR),
            most: i64::from(MOST_PARTICIPANTS),
        }
    }

    fn moderation(&self, action: AuditAction, by: &Moderator, room: RoomId) -> NewAudit {
        let detail = serde_json::json!({ "room": room }).to_string();
        NewAudit { actor_id: Some(by.user_id), detail: Some(detail), ..self.context.audit(action, &by.origin) }
    }
}

#[cfg(test)]
mod tests {
    use types::api::{RoomLeft, ServerEvent};
    use types::domain::{DisplayName, Timestamp};
    use types::words::RoomMessageKind;
    use uuid::Uuid;

    use super::*;
    use crate::auth::secrets::Keys;
    use crate::clock::{Clock, ManualClock};
    use crate::events::SubscriberId;
    use crate::lifecycle::Tasks;
    use crate::metrics::Metrics;
    use crate::random::SeededRandom;
    use crate::store::{Notifications, Store};

    const ATTIC: RoomId = RoomId(Uuid::from_u128(7));
    const KITCHEN: RoomId = RoomId(Uuid::from_u128(8));
    const ADA: UserId = UserId(Uuid::from_u128(1));

    /// Of which nothing is longer.
    fn longest_message() -> RoomMessageRow {
        RoomMessageRow {
            room_id: ATTIC,
            number: i64::MAX,
            sender_id: ADA,
            sender_name: "🦀".repeat(DisplayName::MAX_CHARS),
            kind: RoomMessageKind::Text.into(),
            text: "🦀".repeat(MessageText::MAX_CHARS),
            sent_at: Timestamp::from_millis(1_000),
            removed_at: None,
        }
    }

    #[test]
    fn the_longest_message_fits_on_every_bus() {
        // The message around the data, the envelope and its tag.
        const AROUND: usize = 400;
        let message = views::message(&longest_message());
        let event = RoomEvent::Message(RoomMessagePosted { room_id: ATTIC, message }).write().expect("JSON");
        let length = event.data().expect("JSON").len();
        assert!(length + AROUND < Notifications::LONGEST, "{length}");
    }

    #[tokio::test]
    async fn those_who_listen_to_a_room_are_told_who_has_left_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let context = Context {
            store: Store::connect(&url, 1).await.expect("a database"),
            random: Arc::new(SeededRandom::new(1)),
            keys: Arc::new(Keys::derive("only-for-tests-0123456789-abcdefghijkl").expect("keys")),
            metrics: Arc::new(Metrics::new(Arc::clone(&clock))),
            events: Arc::default(),
            tasks: Tasks::new(),
            clock,
        };
        let rooms = Rooms::new(&context, &Config::for_tests(folder.path(), &[]).expect("settings"), None);
        let listen = |room| context.events.topics().subscribe(Topic::Room(room), SubscriberId(Uuid::from_u128(10)));
        let (mut attic, mut kitchen) = (listen(ATTIC), listen(KITCHEN));
        let departure =
            RoomMessageRow { kind: RoomMessageKind::SignedOut.into(), text: String::new(), ..longest_message() };
        rooms.left_with_sessions(std::slice::from_ref(&departure));
        let event = attic.next().await.expect("an event");
        let ServerEvent::Room(written) = &*event else { panic!("{event:?}") };
        let left = RoomEvent::Left(RoomLeft { room_id: ATTIC, user_id: ADA, message: views::message(&departure) });
        assert_eq!(written.read(), Some(Ok(left)));
        assert!(attic.try_next().is_none() && kitchen.try_next().is_none());
    }
}
