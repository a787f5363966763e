//! Rooms, who is in them, and what is said there.

use types::api::RoomId;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, OrOther, RoomMessageKind};

/// A session that enters a room.
#[derive(Clone, Copy, Debug)]
pub struct RoomEntry<'a> {
    pub room_id: RoomId,
    pub user_id: UserId,
    pub session_id: SessionId,
    /// The server that holds the connection: its `SERVER_ID`.
    pub server: &'a str,
    pub at: Timestamp,
    /// Until when it counts as present without a heartbeat; never longer than the session lasts.
    pub until: Timestamp,
    /// Whom a moderator has removed after this moment does not get in.
    pub removed_after: Timestamp,
    /// How many may be in a room.
    pub most: i64,
}

/// What comes of entering a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// The session is present.
    Entered {
        room: RoomRow,
        /// What the room says of it, where the user has joined and was not in it before.
        joined: Option<RoomMessageRow>,
    },
    NoSuchRoom,
    /// As many are in it as may be.
    Full,
    /// A moderator removed the user at this moment.
    Removed(Timestamp),
    /// The session is over.
    SessionEnded,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    pub id: RoomId,
    pub name: String,
    pub created_at: Timestamp,
    /// Whether the user who asks is in it.
    pub joined: bool,
}

/// A room in the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummaryRow {
    pub id: RoomId,
    pub name: String,
    pub participants: u64,
    /// Whether the user who asks is in it.
    pub joined: bool,
    pub last_message_at: Timestamp,
    /// When a moderator removed the user who asks, if they have not joined again since.
    pub removed_at: Option<Timestamp>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRow {
    pub user_id: UserId,
    pub name: String,
    pub joined_at: Timestamp,
    /// The last heartbeat of their sessions; none where all of them have run out.
    pub heartbeat_at: Option<Timestamp>,
    /// The last one of those that are not away.
    pub here_at: Option<Timestamp>,
}

/// What somebody wrote, or what the room says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMessageRow {
    pub room_id: RoomId,
    /// Its place in the room, in the order of commits.
    pub number: i64,
    pub sender_id: UserId,
    /// The name as it was.
    pub sender_name: String,
    pub kind: OrOther<RoomMessageKind>,
    /// Empty where nobody wrote it, or it was removed.
    pub text: String,
    pub sent_at: Timestamp,
    pub removed_at: Option<Timestamp>,
}

/// How far a room has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomPosition {
    /// The number of its last message, 0 before the first.
    pub last_number: i64,
    /// The number of the last removal of one, 0 before the first.
    pub last_removal: i64,
}

impl RoomPosition {
    /// Whether something has happened at the other position that has not at this one.
    pub const fn is_behind(self, other: Self) -> bool {
        self.last_number < other.last_number || self.last_removal < other.last_removal
    }
}

/// A message that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomRemovalRow {
    /// The place of the removal among those of its room, in the order of commits.
    pub removal: i64,
    /// The number of the message.
    pub number: i64,
    pub removed_at: Timestamp,
}

/// A sign of life of a session in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heartbeat {
    /// Until when it counts as present without another one: not longer than the session lasts.
    pub until: Timestamp,
    /// Whether the user does something else.
    pub is_away: bool,
    pub session_id: SessionId,
    pub room_id: RoomId,
}

/// What a sweep has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceSweep {
    /// How many sessions had run out in a room.
    pub ended: usize,
    /// What is said of the rooms that users have left.
    pub departures: Vec<RoomMessageRow>,
}

/// A session that has ended while it was present in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepartingSession {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub reason: EndReason,
    /// The session that asked for it, where one did.
    pub ended_by: Option<SessionId>,
    pub at: Timestamp,
}

impl DepartingSession {
    /// What a room says of a user who leaves it with the session: whether they signed out there, or somewhere else.
    pub fn kind(&self) -> RoomMessageKind {
        match self.reason {
            EndReason::UserInitiatedLogout => RoomMessageKind::SignedOut,
            EndReason::LogoutAll if self.ended_by == Some(self.session_id) => RoomMessageKind::SignedOut,
            EndReason::SessionExpired | EndReason::IdleTimeout => RoomMessageKind::SessionExpired,
            EndReason::LogoutAll
            | EndReason::RevokedFromOtherDevice
            | EndReason::PasswordChanged
            | EndReason::PasswordReset
            | EndReason::RefreshReuse
            | EndReason::AdminRevoked
            | EndReason::AccountDisabled
            | EndReason::AccountDeleted
            | EndReason::Replaced => RoomMessageKind::WasSignedOut,
        }
    }
}

/// What rooms hold on a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldByRooms {
    pub memberships: Vec<HeldMembership>,
    pub messages: Vec<HeldMessage>,
}

/// A room that the user is in, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMembership {
    /// The name of the room.
    pub room: String,
    /// Whether the user made it.
    pub is_creator: bool,
    pub joined_at: Timestamp,
    pub left_at: Option<Timestamp>,
}

/// What the user wrote, or what a room says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMessage {
    /// The name of the room.
    pub room: String,
    pub kind: OrOther<RoomMessageKind>,
    pub text: String,
    pub at: Timestamp,
}
