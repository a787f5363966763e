//! Who writes in which room.

use std::time::{Duration, Instant};

use types::api::RoomId;
use types::domain::SessionId;

use super::{All, Attendances, Attendee, SocketId};

/// How long somebody counts as writing without saying so again.
const TYPING_FOR: Duration = Duration::from_secs(5);
/// How often others are notified again that somebody writes.
const TYPING_AGAIN: Duration = Duration::from_secs(1);

impl Attendee {
    pub(super) fn is_typing(&self, now: Instant) -> bool {
        self.typing_since.is_some_and(|since| now.saturating_duration_since(since) < TYPING_FOR)
    }
}

impl Attendances {
    /// The user of a socket writes in a room, or does not any more. Gives whether others should be notified; nothing
    /// where the socket does not attend the room.
    pub fn typing(&self, id: SocketId, room: RoomId, typing: bool, now: Instant) -> Option<bool> {
        let mut all = self.all();
        let attendee = all.rooms.get_mut(&room)?.attendees.get_mut(&id).filter(|attendee| attendee.is_in)?;
        let was_typing = attendee.is_typing(now);
        if !typing {
            attendee.typing_since = None;
            return Some(was_typing);
        }
        let notified = attendee.typing_since.filter(|since| now.saturating_duration_since(*since) < TYPING_AGAIN);
        if notified.is_none() {
            attendee.typing_since = Some(now);
        }
        Some(notified.is_none())
    }

    /// A session has said something in a room, and writes no more. Gives whether it did.
    pub fn has_said(&self, session: SessionId, room: RoomId, now: Instant) -> bool {
        let mut all = self.all();
        let All { sockets, rooms, .. } = &mut *all;
        let Some(attended) = rooms.get_mut(&room) else { return false };
        let mut was_typing = false;
        for (id, attendee) in &mut attended.attendees {
            if sockets.get(id).is_some_and(|socket| socket.who.session_id == session) {
                was_typing |= attendee.is_typing(now);
                attendee.typing_since = None;
            }
        }
        was_typing
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ADA, ATTIC, LAPTOP, NOW, TIMEOUT, attends, opens};
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn writing_is_told_at_once_and_now_and_then_and_ends_with_a_message_or_the_session() {
        let (attendances, now) = (Attendances::default(), SystemClock.monotonic());
        let laptop = opens(&attendances, LAPTOP);
        assert_eq!(attendances.typing(laptop.id, ATTIC, true, now), None, "not there");
        let _line = attends(&attendances, &laptop, true);
        let types = |typing, after: Duration| attendances.typing(laptop.id, ATTIC, typing, now + after);
        let [half, second] = [Duration::from_millis(500), Duration::from_secs(1)];
        assert_eq!(
            (types(true, Duration::ZERO), types(true, half), types(true, second)),
            (Some(true), Some(false), Some(true))
        );
        assert_eq!((types(false, second), types(false, second)), (Some(true), Some(false)));
        types(true, second * 2);
        assert!(attendances.has_said(LAPTOP, ATTIC, now + second * 3));
        assert!(!attendances.has_said(LAPTOP, ATTIC, now + second * 3), "once");
        types(true, second * 4);
        assert_eq!(types(false, second * 9), Some(false), "they know that it is over");
        types(true, second * 10);
        let (unattended, sockets) = attendances.end(|who| who.session_id == LAPTOP, now + second * 11);
        assert_eq!((unattended.typing, sockets), (vec![(ADA, ATTIC)], 1));
        assert!(attendances.heartbeats(NOW, TIMEOUT).is_empty(), "an ended session is not lost");
    }
}
