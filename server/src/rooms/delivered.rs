//! What a feed has delivered: how far it has come, and the last messages. Pure.
//!
//! A database that was set back gives numbers again. By the last messages, one with the number of another is told from
//! one that comes a second time.

use std::collections::{HashSet, VecDeque};

use types::api::RoomMessage;
use types::domain::{Timestamp, UserId};

use crate::store::{RoomMessageRow, RoomPosition, RoomRemovalRow};

/// How many messages are remembered.
const REMEMBERED: usize = 64;

/// A message, by what tells it from another one with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub number: i64,
    sender_id: UserId,
    at: Timestamp,
}

impl Said {
    /// `None` where no database has such a number.
    pub fn of(message: &RoomMessage) -> Option<Self> {
        let number = i64::try_from(message.number).ok()?;
        Some(Self { number, sender_id: message.sender_id, at: message.at })
    }
}

impl From<&RoomMessageRow> for Said {
    fn from(row: &RoomMessageRow) -> Self {
        Self { number: row.number, sender_id: row.sender_id, at: row.sent_at }
    }
}

/// How a message comes that the bus has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// After the last one.
    Next,
    /// Later: others may be missing before it.
    Ahead,
    /// A second time.
    Repeat,
    /// With the number of another one: the database was set back.
    Reused,
    /// With a number from so long ago that nobody remembers whose it was.
    Unknown,
}

/// What a feed has delivered.
pub struct Delivered {
    /// Of the last that was delivered, or was there before.
    position: RoomPosition,
    last_messages: VecDeque<Said>,
    /// The messages that were removed, as the bus has said since removals were last read. It does not say which removal
    /// of the room each of them was.
    removed: HashSet<u64>,
}

impl Delivered {
    /// Everything up to there, be it by whoever loads the room.
    pub fn up_to(position: RoomPosition) -> Self {
        Self { position, last_messages: VecDeque::new(), removed: HashSet::new() }
    }

    pub const fn position(&self) -> RoomPosition {
        self.position
    }

    pub fn arrival(&self, said: Said) -> Arrival {
        let last = self.position.last_number;
        if said.number > last {
            return if said.number == last + 1 { Arrival::Next } else { Arrival::Ahead };
        }
        match self.last_messages.iter().find(|known| known.number == said.number) {
            Some(known) if *known == said => Arrival::Repeat,
            Some(_) => Arrival::Reused,
            None => Arrival::Unknown,
        }
    }

    /// Notes that a message is delivered.
    pub fn note(&mut self, said: Said) {
        self.position.last_number = self.position.last_number.max(said.number);
        if self.last_messages.len() == REMEMBERED {
            self.last_messages.pop_front();
        }
        self.last_messages.push_back(said);
    }

    /// There is nothing more up to this number.
    pub fn skip_to(&mut self, number: i64) {
        self.position.last_number = self.position.last_number.max(number);
    }

    /// Notes that the bus has brought the removal of a message, which is delivered.
    pub fn note_removed(&mut self, number: u64) {
        self.removed.insert(number);
    }

    /// Takes a removal as it was read. Whether it is still to be delivered: the bus has not brought it.
    pub fn take_removal(&mut self, row: &RoomRemovalRow) -> bool {
        self.position.last_removal = self.position.last_removal.max(row.removal);
        !self.removed.remove(&row.number.unsigned_abs())
    }

    /// Every removal up to this one was read, if its message is still there.
    pub fn removals_are_read(&mut self, last: i64) {
        self.position.last_removal = self.position.last_removal.max(last);
        // One that the bus brings late, or that comes after this, is delivered twice: it is the same.
        self.removed.clear();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// What a user says in the millisecond of this number.
    fn said(number: i64, user: u128, at: i64) -> Said {
        Said { number, sender_id: UserId(Uuid::from_u128(user)), at: Timestamp::from_millis(at) }
    }

    #[test]
    fn what_comes_a_second_time_is_told_from_what_has_the_number_of_another() {
        let mut delivered = Delivered::up_to(RoomPosition { last_number: 6, last_removal: 0 });
        assert_eq!(delivered.arrival(said(7, 1, 70)), Arrival::Next);
        assert_eq!(delivered.arrival(said(8, 1, 80)), Arrival::Ahead);
        for number in 7..=9 {
            delivered.note(said(number, 1, number * 10));
        }
        assert_eq!(delivered.position(), RoomPosition { last_number: 9, last_removal: 0 });
        assert_eq!(delivered.arrival(said(8, 1, 80)), Arrival::Repeat);
        assert_eq!(delivered.arrival(said(8, 1, 95)), Arrival::Reused);
        assert_eq!(delivered.arrival(said(9, 2, 90)), Arrival::Reused, "of somebody else");
        assert_eq!(delivered.arrival(said(6, 1, 60)), Arrival::Unknown);
    }

    #[test]
    fn removals_that_the_bus_has_brought_are_not_delivered_once_more() {
        let removal = |removal, number| RoomRemovalRow { removal, number, removed_at: Timestamp::from_millis(1) };
        let mut delivered = Delivered::up_to(RoomPosition { last_number: 9, last_removal: 2 });
        delivered.note_removed(7);
        delivered.note_removed(8);
        assert!(!delivered.take_removal(&removal(3, 8)));
        assert!(delivered.take_removal(&removal(4, 6)), "it was lost");
        assert!(!delivered.take_removal(&removal(5, 7)), "it has come before");
        assert_eq!(delivered.position().last_removal, 5);
        delivered.note_removed(9);
        delivered.removals_are_read(6);
        assert_eq!(delivered.position(), RoomPosition { last_number: 9, last_removal: 6 });
        assert!(delivered.removed.is_empty());
    }

    #[test]
    fn only_the_last_messages_are_remembered() {
        let mut delivered = Delivered::up_to(RoomPosition::default());
        for number in 1..=100 {
            delivered.note(said(number, 1, number));
        }
        assert_eq!(delivered.last_messages.len(), REMEMBERED);
        assert_eq!(delivered.arrival(said(100, 1, 100)), Arrival::Repeat);
        assert_eq!(delivered.arrival(said(37, 1, 37)), Arrival::Repeat);
        assert_eq!(delivered.arrival(said(36, 1, 36)), Arrival::Unknown);
    }
}
