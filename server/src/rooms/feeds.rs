//! What a room says, to all who attend it on this server: every message once, and in order, whether or not the bus has
//! brought it.
//!
//! A feed remembers the number of the last message that it has delivered. It takes what the bus brings where that is
//! the next one, and asks the database, once for everybody here, where something is missing. It is notified of newer
//! numbers by `heartbeats`, which asks for them whenever the revocation log says that somebody was signed out, and
//! every second anyway.

use std::sync::Arc;
use std::time::Duration;

use types::api::{Hello, RoomEvent, RoomId, ServerEvent};
use types::domain::UserId;
use uuid::Uuid;

use super::actions::Rooms;
use super::attendances::FeedLine;
use super::views;
use crate::events::{SubscriberId, Subscription, Topic};
use crate::jobs::Backoff;
use crate::store::{RoomMessageRow, StoreError};

/// The most messages that are read at once.
const PAGE: i64 = 100;
/// The pauses before a database that did not answer is asked again.
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(2));
/// Feeds listen for nobody in particular.
const NOBODY: SubscriberId = SubscriberId(Uuid::nil());

/// Delivers what one room says to all who attend it here.
pub struct Feed {
    rooms: Arc<Rooms>,
    room: RoomId,
    subscription: Subscription,
    line: FeedLine,
    /// The number of the last message that was delivered, or was there before.
    last: i64,
}

impl Feed {
    /// One that listens from now on, and does not deliver yet.
    pub fn new(rooms: &Arc<Rooms>, room: RoomId, line: FeedLine) -> Self {
        let subscription = rooms.context.events.topics().subscribe(Topic::Room(room), NOBODY);
        Self { rooms: Arc::clone(rooms), room, subscription, line, last: 0 }
    }

    /// Delivers until nobody attends the room here any more.
    pub async fn run(mut self) {
        if !self.begin().await {
            return;
        }
        // Whoever waited may be gone.
        let _ = self.line.is_ready.send(true);
        loop {
            tokio::select! {
                biased;
                changed = self.line.newest.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let newest = *self.line.newest.borrow_and_update();
                    if newest > self.last {
                        self.catch_up().await;
                    }
                }
                event = self.subscription.next() => match event {
                    Some(event) => self.receive(&event).await,
                    None => self.listen_anew().await,
                }
            }
        }
    }

    /// Learns what was said before. False where nobody waits for it any more.
    async fn begin(&mut self) -> bool {
        let mut pauses = RETRY.pauses();
        loop {
            if let Ok(positions) = self.rooms.context.store.rooms().room_positions(&[self.room]).await {
                self.last = positions.first().map_or(0, |(_, position)| position.last_number);
                return true;
            }
            if self.is_over_after(pauses.next_pause()).await {
                return false;
            }
        }
    }

    async fn receive(&mut self, event: &Arc<ServerEvent>) {
        match &**event {
            ServerEvent::Room(written) => match written.read() {
                Some(Ok(room_event)) => self.receive_room_event(event, &room_event).await,
                // Of a newer server.
                Some(Err(_)) | None => self.deliver(event),
            },
            // Events of other servers may have been missed.
            ServerEvent::Hello(_) => self.catch_up().await,
            _ => {}
        }
    }

    async fn receive_room_event(&mut self, event: &Arc<ServerEvent>, room_event: &RoomEvent) {
        let Some(number) = number_of(room_event) else {
            self.deliver(event);
            return;
        };
        if number > self.last + 1 {
            self.catch_up().await;
        }
        if number > self.last {
            self.last = number;
            self.deliver(event);
            if let RoomEvent::Left(left) = room_event {
                self.remove_departed(left.user_id).await;
            }
        }
    }

    /// Delivers what the database has and the bus has not brought.
    async fn catch_up(&mut self) {
        let mut pauses = RETRY.pauses();
        loop {
            match self.next_page().await {
                Ok(page) => {
                    pauses.reset();
                    let is_last = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
                    for row in page {
                        self.deliver_missed(&row).await;
                    }
                    if is_last {
                        return;
                    }
                }
                // The poll of the revocation log has logged it.
                Err(_) => {
                    if self.is_over_after(pauses.next_pause()).await {
                        return;
                    }
                }
            }
        }
    }

    async fn next_page(&self) -> Result<Vec<RoomMessageRow>, StoreError> {
        self.rooms.context.store.rooms().messages_after(self.room, self.last, PAGE).await
    }

    async fn deliver_missed(&mut self, row: &RoomMessageRow) {
        self.last = self.last.max(row.number);
        let room_event = views::event(row);
        self.rooms.metrics.messages_caught_up.increment();
        if let Ok(event) = room_event.write() {
            self.deliver(&Arc::new(event));
        }
        if let RoomEvent::Left(left) = room_event {
            self.remove_departed(left.user_id).await;
        }
    }

    /// Whoever has left the room gets nothing more of it, unless they have come back since.
    async fn remove_departed(&self, user: UserId) {
        let attends = self.rooms.attendances.attendees(self.room).iter().any(|(who, _)| who.user_id == user);
        if !attends {
            return;
        }
        // Where it cannot be asked they get nothing more either: their client attends anew.
        let is_in = self.rooms.context.store.rooms().room(self.room, user).await;
        if !is_in.is_ok_and(|room| room.is_some_and(|room| room.joined)) {
            self.rooms.close_room(self.room, |who| who.user_id == user);
        }
    }

    /// This server could not keep up, or is about to stop. The `hello` has those here load everything anew.
    async fn listen_anew(&mut self) {
        if self.rooms.context.events.topics().is_closed() {
            // Everybody's events end, and everybody goes.
            while self.line.newest.changed().await.is_ok() {}
            return;
        }
        self.subscription = self.rooms.context.events.topics().subscribe(Topic::Room(self.room), NOBODY);
        self.catch_up().await;
        let server_time = self.rooms.context.now();
        for (who, sender) in self.rooms.attendances.attendees(self.room) {
            sender.send(Arc::new(ServerEvent::Hello(Hello { session_id: who.session_id, server_time })));
        }
    }

    fn deliver(&self, event: &Arc<ServerEvent>) {
        let count = self.rooms.attendances.deliver(self.room, event);
        self.rooms.metrics.events_delivered.add(count);
    }

    /// Waits. Whether nobody attends the room any more after that.
    async fn is_over_after(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        self.line.newest.has_changed().is_err()
    }
}

/// The number of the message that comes with an event, where one does.
fn number_of(event: &RoomEvent) -> Option<i64> {
    let message = match event {
        RoomEvent::Joined(joined) => &joined.message,
        RoomEvent::Left(left) => &left.message,
        RoomEvent::Message(posted) => &posted.message,
        RoomEvent::Presence(_) | RoomEvent::MessageRemoved(_) | RoomEvent::Typing(_) | RoomEvent::Closed(_) => {
            return None;
        }
    };
    i64::try_from(message.number).ok()
}
