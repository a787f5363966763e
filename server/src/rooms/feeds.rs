//! What a room says, to all who attend it on this server: every message once, and in order, and which of them are
//! removed, whether or not the bus has brought it.
//!
//! A feed remembers the number of the last message that it has delivered (`delivered`). It takes what the bus brings
//! where that is the next one, and asks the database, once for everybody here, where something is missing. It is
//! notified of newer numbers by `heartbeats`, which asks for them whenever the revocation log says that somebody was
//! signed out, and every second anyway. Removals have numbers as well, by which it finds those that are missing.
//!
//! Where the database was set back, numbers are given again. A feed sees that by a number that is lower than it has
//! delivered, or is of another message; it has everybody here load the room anew, and goes on from there.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use types::api::{Hello, RoomEvent, RoomId, RoomMessage, RoomMessageRemoved, ServerEvent};
use types::domain::UserId;
use uuid::Uuid;

use super::actions::Rooms;
use super::attendances::FeedLine;
use super::delivered::{Arrival, Delivered, Said};
use super::views;
use crate::events::{SubscriberId, Subscription, Topic};
use crate::jobs::Backoff;
use crate::store::{RoomMessageRow, RoomPosition, RoomRemovalRow, StoreError};

/// The most messages, or removals of some, that are read at once.
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
    delivered: Delivered,
    /// Who has left. What another server has said of them just before comes late, and is not true any more.
    departed: HashSet<UserId>,
}

impl Feed {
    /// One that listens from now on, and does not deliver yet.
    pub fn new(rooms: &Arc<Rooms>, room: RoomId, line: FeedLine) -> Self {
        let subscription = rooms.context.events.topics().subscribe(Topic::Room(room), NOBODY);
        let delivered = Delivered::up_to(RoomPosition::default());
        Self { rooms: Arc::clone(rooms), room, subscription, line, delivered, departed: HashSet::new() }
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
                    self.follow(newest).await;
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
        let Some(position) = self.position().await else { return false };
        self.delivered = Delivered::up_to(position);
        true
    }

    /// How far the room has come, by the database. `None` where nobody waits for it any more.
    async fn position(&self) -> Option<RoomPosition> {
        let positions = self.answered(|| self.read_position()).await?;
        // A room that is not there has come nowhere.
        Some(positions.first().map_or_else(RoomPosition::default, |(_, position)| *position))
    }

    async fn read_position(&self) -> Result<Vec<(RoomId, RoomPosition)>, StoreError> {
        self.rooms.context.store.rooms().room_positions(&[self.room]).await
    }

    /// Delivers what the poll has found and the bus has not brought.
    async fn follow(&mut self, newest: RoomPosition) {
        if newest.is_behind(self.delivered.position()) {
            // The bus may have been faster than the poll. What it has brought was committed before, so that what the
            // database says now counts.
            match self.position().await {
                Some(now) if now.is_behind(self.delivered.position()) => self.start_again(now),
                Some(_) => {}
                None => return,
            }
        }
        if newest.last_number > self.delivered.position().last_number {
            self.catch_up().await;
            if newest.last_number > self.delivered.position().last_number {
                self.skip_to(newest.last_number);
            }
        }
        if newest.last_removal > self.delivered.position().last_removal {
            self.catch_up_removals(newest.last_removal).await;
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
        if let RoomEvent::MessageRemoved(removed) = room_event {
            self.delivered.note_removed(removed.number);
        }
        let Some(said) = message_of(room_event).and_then(Said::of) else {
            if !self.is_of_departed(room_event) {
                self.deliver(event);
            }
            return;
        };
        match self.delivered.arrival(said) {
            Arrival::Next => {}
            Arrival::Ahead => self.catch_up().await,
            Arrival::Repeat => return,
            arrival @ (Arrival::Reused | Arrival::Unknown) => self.doubt(said, arrival).await,
        }
        if said.number > self.delivered.position().last_number {
            self.delivered.note(said);
            self.deliver(event);
            self.note_membership(room_event).await;
        }
    }

    /// A message has come with a number that was delivered. Unless it comes a second time, the database was set back.
    async fn doubt(&mut self, said: Said, arrival: Arrival) {
        let Some(now) = self.position().await else { return };
        if arrival == Arrival::Reused || now.is_behind(self.delivered.position()) {
            self.start_again(RoomPosition { last_number: now.last_number.min(said.number - 1), ..now });
        }
    }

    /// The database was set back. Those here load the room anew, and get what is said after this position.
    fn start_again(&mut self, position: RoomPosition) {
        tracing::warn!(room = %self.room, "room set back with the database: clients load it anew");
        self.delivered = Delivered::up_to(position);
        self.departed.clear();
        self.say_hello();
    }

    /// What was said up to there is gone with the account that said it, and with it that they have left: those here
    /// load the room anew.
    fn skip_to(&mut self, number: i64) {
        self.delivered.skip_to(number);
        self.say_hello();
    }

    /// Delivers what the database has and the bus has not brought.
    async fn catch_up(&mut self) {
        while let Some(page) = self.answered(|| self.next_page()).await {
            let is_last = is_last(&page);
            for row in page {
                if row.number > self.delivered.position().last_number + 1 {
                    self.skip_to(row.number - 1);
                }
                self.deliver_missed(&row).await;
            }
            if is_last {
                return;
            }
        }
    }

    async fn next_page(&self) -> Result<Vec<RoomMessageRow>, StoreError> {
        let last = self.delivered.position().last_number;
        self.rooms.context.store.rooms().messages_after(self.room, last, PAGE).await
    }

    async fn deliver_missed(&mut self, row: &RoomMessageRow) {
        self.delivered.note(Said::from(row));
        let room_event = views::event(row);
        self.rooms.metrics.messages_caught_up.increment();
        if let Ok(event) = room_event.write() {
            self.deliver(&Arc::new(event));
        }
        self.note_membership(&room_event).await;
    }

    /// Whether it says how somebody is in the room who has left it.
    fn is_of_departed(&self, event: &RoomEvent) -> bool {
        match event {
            RoomEvent::Presence(changed) => self.departed.contains(&changed.user_id),
            RoomEvent::Typing(typing) => self.departed.contains(&typing.user_id),
            _ => false,
        }
    }

    async fn note_membership(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::Joined(joined) => {
                self.departed.remove(&joined.participant.user_id);
            }
            RoomEvent::Left(left) => {
                self.departed.insert(left.user_id);
                self.remove_departed(left.user_id).await;
            }
            _ => {}
        }
    }

    /// Delivers which messages were removed, up to this removal at least, where the bus has not brought it.
    async fn catch_up_removals(&mut self, newest: i64) {
        while let Some(page) = self.answered(|| self.next_removals()).await {
            let is_last = is_last(&page);
            for row in page {
                self.deliver_missed_removal(&row);
            }
            if is_last {
                self.delivered.removals_are_read(newest);
                return;
            }
        }
    }

    async fn next_removals(&self) -> Result<Vec<RoomRemovalRow>, StoreError> {
        let last = self.delivered.position().last_removal;
        self.rooms.context.store.rooms().removals_after(self.room, last, PAGE).await
    }

    fn deliver_missed_removal(&mut self, row: &RoomRemovalRow) {
        if !self.delivered.take_removal(row) {
            return;
        }
        self.rooms.metrics.messages_caught_up.increment();
        let number = row.number.unsigned_abs();
        let removed = RoomMessageRemoved { room_id: self.room, number, at: row.removed_at };
        if let Ok(event) = RoomEvent::MessageRemoved(removed).write() {
            self.deliver(&Arc::new(event));
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

    /// This server could not keep up, or is about to stop.
    async fn listen_anew(&mut self) {
        if self.rooms.context.events.topics().is_closed() {
            // Everybody's events end, and everybody goes.
            while self.line.newest.changed().await.is_ok() {}
            return;
        }
        self.subscription = self.rooms.context.events.topics().subscribe(Topic::Room(self.room), NOBODY);
        self.catch_up().await;
        self.say_hello();
    }

    /// Has those here load everything anew.
    fn say_hello(&self) {
        let server_time = self.rooms.context.now();
        for (who, sender) in self.rooms.attendances.attendees(self.room) {
            sender.send(Arc::new(ServerEvent::Hello(Hello { session_id: who.session_id, server_time })));
        }
    }

    fn deliver(&self, event: &Arc<ServerEvent>) {
        let count = self.rooms.attendances.deliver(self.room, event);
        self.rooms.metrics.events_delivered.add(count);
    }

    /// What the database answers, however often it has to be asked. `None` where nobody waits for it any more.
    async fn answered<T, A>(&self, ask: impl Fn() -> A) -> Option<T>
    where
        A: Future<Output = Result<T, StoreError>>,
    {
        let mut pauses = RETRY.pauses();
        loop {
            // The poll of the revocation log logs what is wrong with it.
            if let Ok(answer) = ask().await {
                return Some(answer);
            }
            if self.is_over_after(pauses.next_pause()).await {
                return None;
            }
        }
    }

    /// Waits. Whether nobody attends the room any more after that.
    async fn is_over_after(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        self.line.newest.has_changed().is_err()
    }
}

/// Whether nothing comes after a page.
fn is_last<T>(page: &[T]) -> bool {
    i64::try_from(page.len()).is_ok_and(|count| count < PAGE)
}

/// The message that comes with an event, where one does.
const fn message_of(event: &RoomEvent) -> Option<&RoomMessage> {
    match event {
        RoomEvent::Joined(joined) => Some(&joined.message),
        RoomEvent::Left(left) => Some(&left.message),
        RoomEvent::Message(posted) => Some(&posted.message),
        RoomEvent::Presence(_)
        | RoomEvent::MessageRemoved(_)
        | RoomEvent::UserDeleted(_)
        | RoomEvent::Typing(_)
        | RoomEvent::Closed(_) => None,
    }
}
