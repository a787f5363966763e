//! Rooms on the wire: small chats, who is in them, and what is said there.

use serde::{Deserialize, Serialize};

use super::events::ServerEvent;
use super::request::request;
use super::socket::{RoomClosed, RoomTyping};
use crate::domain::{Invalid, Timestamp, UserId, shows_something};
use crate::json;
use crate::words::{EventName, OrOther, RoomMessageKind, RoomPresence};

/// `GET`: all rooms. `POST`: makes one, and joins it.
pub const ROOMS: &str = "/api/rooms";
/// `GET`: a room and who is in it. Takes a room id, as those below.
pub const ROOM: &str = "/api/rooms/{id}";
/// `POST`: joins.
pub const JOIN_ROOM: &str = "/api/rooms/{id}/join";
/// `POST`: leaves.
pub const LEAVE_ROOM: &str = "/api/rooms/{id}/leave";
/// `GET`: what was said. `POST`: says something.
pub const ROOM_MESSAGES: &str = "/api/rooms/{id}/messages";
/// `DELETE`: removes what somebody wrote. Takes the number of the message too.
pub const ROOM_MESSAGE: &str = "/api/rooms/{id}/messages/{message}";
/// `DELETE`: removes somebody from a room. Takes their user id too.
pub const ROOM_PARTICIPANT: &str = "/api/rooms/{id}/participants/{user}";

/// The name of the permission to remove messages and people.
pub const ROOMS_MODERATE: &str = "rooms:moderate";

crate::id! {
    /// One room.
    RoomId
}

/// The path of one room.
pub fn room(id: RoomId) -> String {
    format!("{ROOMS}/{id}")
}

/// The path by which somebody joins a room.
pub fn join_room(id: RoomId) -> String {
    format!("{ROOMS}/{id}/join")
}

/// The path by which somebody leaves a room.
pub fn leave_room(id: RoomId) -> String {
    format!("{ROOMS}/{id}/leave")
}

/// The path of what is said in a room.
pub fn room_messages(id: RoomId) -> String {
    format!("{ROOMS}/{id}/messages")
}

/// The path of one message.
pub fn room_message(id: RoomId, number: u64) -> String {
    format!("{ROOMS}/{id}/messages/{number}")
}

/// The path of somebody in a room.
pub fn room_participant(id: RoomId, user: UserId) -> String {
    format!("{ROOMS}/{id}/participants/{user}")
}

/// What stands in the path of one message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RoomMessagePath {
    /// The room.
    pub id: RoomId,
    /// The number of the message.
    pub message: u64,
}

/// What stands in the path of somebody in a room.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RoomParticipantPath {
    /// The room.
    pub id: RoomId,
    /// The user.
    pub user: UserId,
}

/// The name of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName(String);

impl RoomName {
    /// The most characters it may have.
    pub const MAX_CHARS: usize = 60;

    /// Reads it: trimmed, something to see, no control characters, [`Self::MAX_CHARS`] characters at most.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(text, "A name", Self::MAX_CHARS, |_| false).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody writes into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// The most characters it may have: whatever they are, its event fits into one notification of PostgreSQL.
    pub const MAX_CHARS: usize = 1500;

    /// Reads it: trimmed, something to see, no control characters but line breaks, [`Self::MAX_CHARS`] characters at
    /// most.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(&text.replace("\r\n", "\n"), "A message", Self::MAX_CHARS, |c| c == '\n').map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Trims, and refuses wrong lengths, invisible text and control characters, but for those that `allows` lets through.
/// `label` starts a sentence.
fn visible(text: &str, label: &str, max_chars: usize, allows: fn(char) -> bool) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::new("required", format!("{label} can’t be empty.")));
    }
    let chars = text.chars().count();
    if chars > max_chars {
        let message = format!("{label} can have at most {max_chars} characters; this has {chars}.");
        return Err(Invalid::new("too-long", message));
    }
    if text.chars().any(|c| c.is_control() && !allows(c)) {
        return Err(Invalid::new("malformed", format!("{label} can’t contain control characters.")));
    }
    if !shows_something(text) {
        return Err(Invalid::new("invisible", format!("{label} needs at least one visible character.")));
    }
    Ok(text.to_owned())
}

request! {
    /// Body of `POST /api/rooms`.
    CreateRoomRequest, CreateRoomFields {
        /// Its name, in 1 to 60 characters.
        name: String,
    }
}

request! {
    /// Body of `POST /api/rooms/{id}/messages`.
    PostMessageRequest, PostMessageFields {
        /// What to say, in 1 to 1,500 characters. Shown as it is: text, with line breaks.
        text: String,
    }
}

/// A room in the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomSummary {
    /// The room's id.
    pub room_id: RoomId,
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub participants: u64,
    /// Whether the user is one of them.
    pub joined: bool,
    /// When something was last said, or somebody came or went.
    pub last_message_at: Timestamp,
}

/// Answer of `GET /api/rooms`: those where something was said last come first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RoomList {
    /// At most 200 of them.
    pub rooms: Vec<RoomSummary>,
}

/// A room, as somebody in it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// The room's id.
    pub room_id: RoomId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who is in it, those who joined first come first.
    pub participants: Vec<Participant>,
}

/// Somebody in a room, on however many devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// The user.
    pub user_id: UserId,
    /// Their name as it is now.
    pub name: String,
    /// Whether they are there, by the device on which they are most.
    pub presence: OrOther<RoomPresence>,
    /// When they joined.
    pub joined_at: Timestamp,
}

/// What somebody wrote, or what the room says of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomMessage {
    /// Its number in its room: later messages have higher ones. Some may be missing.
    pub number: u64,
    /// What it is.
    pub kind: OrOther<RoomMessageKind>,
    /// Who wrote it, or whom it is about.
    pub sender_id: UserId,
    /// Their name as it was then.
    pub sender_name: String,
    /// What they wrote; empty where they did not, and where it was removed.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// When a moderator removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

/// Answer of `GET /api/rooms/{id}/messages`: a page of what was said, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomMessages {
    /// The messages.
    pub messages: Vec<RoomMessage>,
    /// What stands for the page of older ones; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

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

#[cfg(feature = "schema")]
mod examples {
    use super::{
        CreateRoomRequest, PostMessageRequest, Room, RoomId, RoomJoined, RoomLeft, RoomList, RoomMessage,
        RoomMessagePath, RoomMessagePosted, RoomMessageRemoved, RoomMessages, RoomParticipantPath, RoomPresenceChanged,
    };
    use crate::api::examples::Example;

    /// Somebody in a room.
    macro_rules! participant {
        () => {
            r#"{
                "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "name": "Ada Lovelace", "presence": "here",
                "joinedAt": "2026-11-29T09:30:00.000Z"
            }"#
        };
    }

    /// A message of this kind, with this text.
    macro_rules! message {
        ($kind:literal, $text:literal) => {
            concat!(
                r#"{"number": 42, "kind": ""#,
                $kind,
                r#"", "senderId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "senderName": "Ada Lovelace", "text": ""#,
                $text,
                r#"", "at": "2026-11-29T09:31:00.000Z"}"#
            )
        };
    }

    impl Example for RoomId {
        const EXAMPLE: &'static str = r#""0198ad30-2c33-7a64-9d75-3e4f5a6b7c82""#;
    }

    impl Example for RoomMessagePath {
        const EXAMPLE: &'static str = r#"{"id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "message": 42}"#;
    }

    impl Example for RoomParticipantPath {
        const EXAMPLE: &'static str = r#"{
            "id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70"
        }"#;
    }

    impl Example for CreateRoomRequest {
        const EXAMPLE: &'static str = r#"{"name": "Attic"}"#;
    }

    impl Example for PostMessageRequest {
        const EXAMPLE: &'static str = r#"{"text": "Good morning"}"#;
    }

    impl Example for RoomList {
        const EXAMPLE: &'static str = r#"{
            "rooms": [{
                "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "name": "Attic", "participants": 3, "joined": true,
                "lastMessageAt": "2026-11-29T09:31:00.000Z"
            }]
        }"#;
    }

    impl Example for Room {
        const EXAMPLE: &'static str = concat!(
            r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "name": "Attic",
                "createdAt": "2026-11-29T09:00:00.000Z", "participants": ["#,
            participant!(),
            "]}"
        );
    }

    impl Example for RoomMessage {
        const EXAMPLE: &'static str = message!("text", "Good morning");
    }

    impl Example for RoomMessages {
        const EXAMPLE: &'static str =
            concat!(r#"{"messages": ["#, message!("text", "Good morning"), r#"], "nextCursor": "42"}"#);
    }

    impl Example for RoomJoined {
        const EXAMPLE: &'static str = concat!(
            r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "participant": "#,
            participant!(),
            r#", "message": "#,
            message!("joined", ""),
            "}"
        );
    }

    impl Example for RoomLeft {
        const EXAMPLE: &'static str = concat!(
            r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82",
                "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "message": "#,
            message!("signed_out", ""),
            "}"
        );
    }

    impl Example for RoomPresenceChanged {
        const EXAMPLE: &'static str = r#"{
            "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70",
            "presence": "away"
        }"#;
    }

    impl Example for RoomMessagePosted {
        const EXAMPLE: &'static str = concat!(
            r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "message": "#,
            message!("text", "Good morning"),
            "}"
        );
    }

    impl Example for RoomMessageRemoved {
        const EXAMPLE: &'static str = r#"{
            "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "number": 42, "at": "2026-11-29T09:32:00.000Z"
        }"#;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ATTIC: RoomId = RoomId(Uuid::from_u128(7));
    const ADA: UserId = UserId(Uuid::from_u128(1));

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(RoomName::parse("  The attic ").map(|name| name.as_str().to_owned()), Ok("The attic".to_owned()));
        for (text, code) in [("", "required"), (" ", "required"), ("\u{200b}", "invisible"), ("a\nb", "malformed")] {
            assert_eq!(RoomName::parse(text).map_err(|invalid| invalid.code), Err(code), "{text:?}");
        }
        assert!(RoomName::parse(&"ü".repeat(60)).is_ok());
        assert_eq!(RoomName::parse(&"ü".repeat(61)).map_err(|invalid| invalid.code), Err("too-long"));
    }

    #[test]
    fn a_message_may_have_lines_and_nothing_else_that_controls() {
        let text = |text: &str| MessageText::parse(text).map(|text| text.as_str().to_owned());
        assert_eq!(text(" one\r\ntwo\n"), Ok("one\ntwo".to_owned()));
        assert_eq!(text("<b>&amp;</b>"), Ok("<b>&amp;</b>".to_owned()));
        for (text, code) in [("\n", "required"), ("a\u{7}b", "malformed"), ("a\u{0}b", "malformed")] {
            assert_eq!(MessageText::parse(text).map_err(|invalid| invalid.code), Err(code), "{text:?}");
        }
        assert!(MessageText::parse(&"a".repeat(1500)).is_ok());
        assert_eq!(MessageText::parse(&"a".repeat(1501)).map_err(|invalid| invalid.code), Err("too-long"));
    }

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
