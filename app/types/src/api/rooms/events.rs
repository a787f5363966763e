//! What happens in rooms, for those who are in them.

use serde::{Deserialize, Serialize};

use super::{Participant, RoomId, RoomMessage};
use crate::api::events::ServerEvent;
use crate::api::socket::{RoomClosed, RoomTyping};
use crate::domain::{Timestamp, UserId};
use crate::json;
use crate::words::{EventName, OrOther, RoomPresence};

/// What happens in a room, for those who are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// Somebody joined.
    Joined(RoomJoined),
    /// Somebody is not in the room any more.
    Left(RoomLeft),
    /// Somebody came back, went away, or lost the connection.
    Presence(RoomPresenceChanged),
    /// Somebody wrote something.
    Message(RoomMessagePosted),
    /// A message was removed.
    MessageRemoved(RoomMessageRemoved),
    /// An account was deleted, and with it all that it said.
    UserDeleted(RoomUserDeleted),
    /// Somebody writes, or does not any more.
    Typing(RoomTyping),
    /// The room cannot be attended.
    Closed(RoomClosed),
}

/// Somebody joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomJoined {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub participant: Participant,
    /// What the room says of it.
    pub message: RoomMessage,
}

/// Somebody is not in the room any more, on any device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomLeft {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// What the room says of it: its kind says why they left.
    pub message: RoomMessage,
}

/// Somebody came back, went away, or lost the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomPresenceChanged {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// How they are there now.
    pub presence: OrOther<RoomPresence>,
}

/// Somebody wrote something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomMessagePosted {
    /// The room.
    pub room_id: RoomId,
    /// What they wrote.
    pub message: RoomMessage,
}

/// A message was removed: its text is not shown any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomMessageRemoved {
    /// The room.
    pub room_id: RoomId,
    /// The number of the message.
    pub number: u64,
    /// When.
    pub at: Timestamp,
}

/// An account was deleted: all that its user said in the room is gone, and so is what the room said of them. They may
/// not have been in the room, now or ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomUserDeleted {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
}

/// An event of a room with its data as JSON still. It is written once for everybody in the room, and read where rooms
/// are shown only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenRoomEvent {
    /// Which.
    pub name: EventName,
    /// The JSON of its data.
    pub data: String,
}

impl RoomEvent {
    /// Its name.
    pub const fn name(&self) -> EventName {
        match self {
            Self::Joined(_) => EventName::RoomJoined,
            Self::Left(_) => EventName::RoomLeft,
            Self::Presence(_) => EventName::RoomPresence,
            Self::Message(_) => EventName::RoomMessage,
            Self::MessageRemoved(_) => EventName::RoomMessageRemoved,
            Self::UserDeleted(_) => EventName::RoomUserDeleted,
            Self::Typing(_) => EventName::RoomTyping,
            Self::Closed(_) => EventName::RoomClosed,
        }
    }

    /// The room that it happened in.
    pub const fn room_id(&self) -> RoomId {
        match self {
            Self::Joined(event) => event.room_id,
            Self::Left(event) => event.room_id,
            Self::Presence(event) => event.room_id,
            Self::Message(event) => event.room_id,
            Self::MessageRemoved(event) => event.room_id,
            Self::UserDeleted(event) => event.room_id,
            Self::Typing(event) => event.room_id,
            Self::Closed(event) => event.room_id,
        }
    }

    /// As it travels.
    pub fn write(&self) -> Result<ServerEvent, json::Unreadable> {
        let data = match self {
            Self::Joined(event) => json::write(event),
            Self::Left(event) => json::write(event),
            Self::Presence(event) => json::write(event),
            Self::Message(event) => json::write(event),
            Self::MessageRemoved(event) => json::write(event),
            Self::UserDeleted(event) => json::write(event),
            Self::Typing(event) => json::write(event),
            Self::Closed(event) => json::write(event),
        }?;
        Ok(ServerEvent::Room(WrittenRoomEvent { name: self.name(), data }))
    }
}

impl WrittenRoomEvent {
    /// Reads it. `None` for one that is not of a room.
    pub fn read(&self) -> Option<Result<RoomEvent, json::Unreadable>> {
        Some(match self.name {
            EventName::RoomJoined => json::read(&self.data).map(RoomEvent::Joined),
            EventName::RoomLeft => json::read(&self.data).map(RoomEvent::Left),
            EventName::RoomPresence => json::read(&self.data).map(RoomEvent::Presence),
            EventName::RoomMessage => json::read(&self.data).map(RoomEvent::Message),
            EventName::RoomMessageRemoved => json::read(&self.data).map(RoomEvent::MessageRemoved),
            EventName::RoomUserDeleted => json::read(&self.data).map(RoomEvent::UserDeleted),
            EventName::RoomTyping => json::read(&self.data).map(RoomEvent::Typing),
            EventName::RoomClosed => json::read(&self.data).map(RoomEvent::Closed),
            EventName::Hello
            | EventName::SessionCreated
            | EventName::SessionUpdated
            | EventName::SessionEnded
            | EventName::SessionExpiring
            | EventName::UserUpdated
            | EventName::SecurityAlert => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::words::RoomMessageKind;

    const ATTIC: RoomId = RoomId(Uuid::from_u128(7));
    const ADA: UserId = UserId(Uuid::from_u128(1));

    #[test]
    fn an_event_is_read_as_it_was_written() {
        let at = Timestamp::from_millis(1_000);
        let message = RoomMessage {
            number: 42,
            kind: RoomMessageKind::SignedOut.into(),
            sender_id: ADA,
            sender_name: "Ada".to_owned(),
            text: String::new(),
            at,
            removed_at: None,
        };
        let participant =
            Participant { user_id: ADA, name: "Ada".to_owned(), presence: RoomPresence::Here.into(), joined_at: at };
        for event in [
            RoomEvent::Joined(RoomJoined { room_id: ATTIC, participant, message: message.clone() }),
            RoomEvent::Left(RoomLeft { room_id: ATTIC, user_id: ADA, message: message.clone() }),
            RoomEvent::Presence(RoomPresenceChanged {
                room_id: ATTIC,
                user_id: ADA,
                presence: RoomPresence::Grey.into(),
            }),
            RoomEvent::Message(RoomMessagePosted { room_id: ATTIC, message }),
            RoomEvent::MessageRemoved(RoomMessageRemoved { room_id: ATTIC, number: 42, at }),
            RoomEvent::UserDeleted(RoomUserDeleted { room_id: ATTIC, user_id: ADA }),
            RoomEvent::Typing(RoomTyping { room_id: ATTIC, user_id: ADA, typing: true }),
            RoomEvent::Closed(RoomClosed { room_id: ATTIC }),
        ] {
            let written = event.write().expect("JSON");
            let data = written.data().expect("JSON");
            let received = ServerEvent::parse(written.name().as_str(), &data).expect("a name").expect("JSON");
            assert_eq!(received, written);
            let ServerEvent::Room(written) = received else { panic!("{received:?}") };
            assert_eq!(written.read(), Some(Ok(event)));
        }
        assert_eq!(WrittenRoomEvent { name: EventName::Hello, data: "{}".to_owned() }.read(), None);
    }
}
