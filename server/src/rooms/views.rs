//! Rooms on the wire.

use types::api::rooms::REMOVED_FOR;
use types::api::{Participant, Room, RoomEvent, RoomJoined, RoomLeft, RoomMessage, RoomMessagePosted, RoomSummary};
use types::domain::Timestamp;
use types::words::{RoomMessageKind, RoomPresence};

use super::presence::presence;
use crate::store::{ParticipantRow, RoomMessageRow, RoomRow, RoomSummaryRow};

pub fn summary(row: RoomSummaryRow, now: Timestamp) -> RoomSummary {
    let removed_until = row.removed_at.map(|at| at.plus(REMOVED_FOR)).filter(|until| *until > now);
    RoomSummary {
        room_id: row.id,
        name: row.name,
        participants: row.participants,
        joined: row.joined,
        last_message_at: row.last_message_at,
        removed_until,
    }
}

pub fn room(row: RoomRow, participants: Vec<ParticipantRow>, now: Timestamp) -> Room {
    let participants = participants.into_iter().map(|participant| Participant {
        presence: presence(&participant, now).into(),
        user_id: participant.user_id,
        name: participant.name,
        joined_at: participant.joined_at,
    });
    Room { room_id: row.id, name: row.name, created_at: row.created_at, participants: participants.collect() }
}

pub fn message(row: &RoomMessageRow) -> RoomMessage {
    RoomMessage {
        number: row.number.unsigned_abs(),
        kind: row.kind.clone(),
        sender_id: row.sender_id,
        sender_name: row.sender_name.clone(),
        text: row.text.clone(),
        at: row.sent_at,
        removed_at: row.removed_at,
    }
}

/// The event that a message comes with.
pub fn event(row: &RoomMessageRow) -> RoomEvent {
    let (room_id, user_id, message) = (row.room_id, row.sender_id, message(row));
    match row.kind.known() {
        Some(RoomMessageKind::Joined) => {
            let participant = Participant {
                user_id,
                name: row.sender_name.clone(),
                presence: RoomPresence::Here.into(),
                joined_at: row.sent_at,
            };
            RoomEvent::Joined(RoomJoined { room_id, participant, message })
        }
        // What a newer server says is shown as what it is.
        Some(RoomMessageKind::Text) | None => RoomEvent::Message(RoomMessagePosted { room_id, message }),
        Some(
            RoomMessageKind::Left
            | RoomMessageKind::SignedOut
            | RoomMessageKind::WasSignedOut
            | RoomMessageKind::SessionExpired
            | RoomMessageKind::Removed,
        ) => RoomEvent::Left(RoomLeft { room_id, user_id, message }),
    }
}
