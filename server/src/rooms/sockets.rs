//! What a socket does in rooms: it attends some, and notifies others that its user writes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use types::api::{RoomClosed, RoomEvent, RoomId};
use types::domain::Timestamp;

use super::actions::{Occupant, Rooms};
use super::attendances::SocketId;
use super::feeds::Feed;
use crate::events::EventSender;
use crate::sessions::Subscriber;
use crate::store::{Heartbeat, StoreError};

/// How long the feed of a room may take until it delivers.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// A socket in rooms. Dropping it loses the connection.
pub struct RoomSocket {
    rooms: Arc<Rooms>,
    id: SocketId,
    who: Subscriber,
    events: EventSender,
}

/// A room could not be attended, because the database is away. It may be tried again.
#[derive(Debug)]
pub struct CannotAttend;

impl From<StoreError> for CannotAttend {
    fn from(_: StoreError) -> Self {
        // The poll of the revocation log has logged it.
        Self
    }
}

impl Rooms {
    /// A socket is open; its events go into this queue.
    pub fn open_socket(self: &Arc<Self>, who: Subscriber, events: EventSender) -> RoomSocket {
        let id = self.attendances.open(who, events.clone());
        RoomSocket { rooms: Arc::clone(self), id, who, events }
    }

    /// Sockets here do not attend a room any more, because their users are not in it.
    pub(super) fn close_room(&self, room: RoomId, of: impl Fn(&Subscriber) -> bool) {
        for events in self.attendances.expel(room, of) {
            send_closed(&events, room);
        }
    }
}

impl RoomSocket {
    /// The socket attends these rooms and no others; `true` where its user looks at the room.
    ///
    /// # Errors
    /// Where the database is away. The socket may attend some of them then.
    pub async fn attend(&self, wanted: &HashMap<RoomId, bool>) -> Result<(), CannotAttend> {
        let attended = self.rooms.attendances.rooms_of(self.id);
        for room in attended.keys().filter(|room| !wanted.contains_key(*room)) {
            self.leave(*room).await?;
        }
        for (room, here) in wanted {
            if attended.get(room) != Some(here) {
                self.enter(*room, *here).await?;
            }
        }
        Ok(())
    }

    /// Rooms of these that the socket does not attend yet, or not in this way: what attending them costs.
    pub fn count_new(&self, wanted: &HashMap<RoomId, bool>) -> usize {
        let attended = self.rooms.attendances.rooms_of(self.id);
        wanted.iter().filter(|(room, here)| attended.get(*room) != Some(*here)).count()
    }

    async fn enter(&self, room: RoomId, here: bool) -> Result<(), CannotAttend> {
        let Some((line, mut is_ready)) = self.rooms.attendances.reserve(self.id, room) else { return Ok(()) };
        if let Some(line) = line {
            self.rooms.context.tasks.spawn("room feed", Feed::new(&self.rooms, room, line).run());
        }
        let is_ready = tokio::time::timeout(READY_WITHIN, is_ready.wait_for(|is_ready| *is_ready));
        if !is_ready.await.is_ok_and(|ready| ready.is_ok()) {
            return Err(CannotAttend);
        }
        let entry = self.rooms.entry(room, self.occupant());
        let is_in = self.rooms.context.store.rooms().attend_room(&entry, !here).await?;
        if !is_in {
            self.rooms.attendances.leave(self.id, room, self.rooms.context.clock.monotonic());
            send_closed(&self.events, room);
            return Ok(());
        }
        // What is said from now on is received. Its client knows by the presence that comes next.
        if self.rooms.attendances.attend(self.id, room, here) {
            self.rooms.update_redis(room, self.occupant()).await;
            self.rooms.publish_presence(room, self.who.user_id).await?;
        }
        Ok(())
    }

    async fn leave(&self, room: RoomId) -> Result<(), CannotAttend> {
        let detached = self.rooms.attendances.leave(self.id, room, self.rooms.context.clock.monotonic());
        let Some(detached) = detached else { return Ok(()) };
        if detached.was_typing {
            self.rooms.publish_typing(room, self.who.user_id, false);
        }
        if detached.is_lost {
            let now = self.rooms.context.now();
            let until = now.plus(self.rooms.presence_timeout).min(self.who.session_expires_at);
            let beat = Heartbeat { until, is_away: true, session_id: self.who.session_id, room_id: room };
            self.rooms.context.store.rooms().heartbeat(&[beat], now).await?;
            self.rooms.update_redis(room, self.occupant()).await;
            self.rooms.publish_presence(room, self.who.user_id).await?;
        }
        Ok(())
    }

    /// Its user writes in a room, or does not any more. Only those in the room are notified.
    pub fn types(&self, room: RoomId, typing: bool) {
        match self.rooms.attendances.typing(self.id, room, typing, self.rooms.context.clock.monotonic()) {
            Some(true) => self.rooms.publish_typing(room, self.who.user_id, typing),
            // Others know it.
            Some(false) => {}
            None => send_closed(&self.events, room),
        }
    }

    /// Its session ends then unless it is refreshed.
    pub fn prolong(&mut self, expires_at: Timestamp) {
        if expires_at > self.who.session_expires_at {
            self.who.session_expires_at = expires_at;
            self.rooms.attendances.prolong(self.id, expires_at);
        }
    }

    const fn occupant(&self) -> Occupant {
        Occupant { user_id: self.who.user_id, session_id: self.who.session_id }
    }
}

impl Drop for RoomSocket {
    fn drop(&mut self) {
        let unattended = self.rooms.attendances.close(self.id, self.rooms.context.clock.monotonic());
        for (user, room) in unattended.typing {
            self.rooms.publish_typing(room, user, false);
        }
    }
}

/// Tells one socket that it does not attend a room.
fn send_closed(events: &EventSender, room_id: RoomId) {
    // What is said here can be written.
    if let Ok(closed) = RoomEvent::Closed(RoomClosed { room_id }).write() {
        events.send(Arc::new(closed));
    }
}
