//! Rooms on the wire: small chats, who is in them, and what is said there.

mod events;
#[cfg(feature = "schema")]
mod examples;
mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::request;
use crate::domain::{Timestamp, UserId};
use crate::words::{OrOther, RoomMessageKind, RoomPresence};

pub use events::{
    RoomEvent, RoomJoined, RoomLeft, RoomMessagePosted, RoomMessageRemoved, RoomPresenceChanged, RoomUserDeleted,
    WrittenRoomEvent,
};
pub use text::{MessageText, RoomName};

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

/// Whom a moderator has removed cannot join the room again for so long.
pub const REMOVED_FOR: Duration = Duration::from_hours(1);

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
    /// Until when the user cannot join, where a moderator has removed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_until: Option<Timestamp>,
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
