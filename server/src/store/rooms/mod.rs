//! Rooms: small chats, who is in them, and what is said there.
//!
//! A membership lasts as long as one of the user's sessions is present in the room. Whatever changes a user's presence
//! locks the user first, so that of two servers that end two of their sessions at once the second one sees that it was
//! the last: user, session, membership and presence, room, head row of the log. A heartbeat locks presence only, and
//! never begins one. See decision 0054.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::api::{MessageText, RoomId, RoomName};
use ::types::domain::{SessionId, Timestamp, UserId};

use crate::store::NewAudit;
use crate::store::db::verbs;

verbs! {
    /// Rooms: small chats, who is in them, and what is said there.
    RoomsStore = rooms;

    /// Creates a room, which its creator enters.
    create_room(name: &RoomName, entry: &RoomEntry<'_>) -> Entrance;
    /// A session enters a room, and with the first of their sessions the user joins. What runs out is prolonged.
    enter_room(entry: &RoomEntry<'_>) -> Entrance;
    /// A user leaves a room with all sessions. `None` where they were not in it.
    leave_room(room: RoomId, user: UserId, at: Timestamp) -> Option<RoomMessageRow>;
    /// The same by a moderator: the user cannot come back at once.
    remove_participant(room: RoomId, user: UserId, audit: &NewAudit) -> Option<RoomMessageRow>;
    /// The rooms where something was said last, as this user sees them.
    rooms(user: UserId, limit: i64) -> Vec<RoomSummaryRow>;
    /// A room, and whether this user is in it.
    room(id: RoomId, user: UserId) -> Option<RoomRow>;
    /// Who is in a room, those who joined first come first.
    participants(id: RoomId, now: Timestamp) -> Vec<ParticipantRow>;
    /// The same, but with the heartbeats of those sessions only whose presence was not prolonged by `prolong_presence`.
    participants_heard(id: RoomId, now: Timestamp) -> Vec<ParticipantRow>;
    /// Writes what somebody says. `None` where they are not in the room.
    post_message(room: RoomId, user: UserId, text: &MessageText, at: Timestamp) -> Option<RoomMessageRow>;
    /// What was said in a room before a message, latest first.
    messages_before(room: RoomId, number: i64, limit: i64) -> Vec<RoomMessageRow>;
    /// What was said in a room after a message, in order. No message with a lower number is committed later.
    messages_after(room: RoomId, number: i64, limit: i64) -> Vec<RoomMessageRow>;
    /// Removes what somebody wrote. `audit` says who removes it, and is put down to whoever wrote it. `None` where
    /// there is no such message, or it was removed before.
    remove_message(room: RoomId, number: i64, audit: &NewAudit) -> Option<RoomMessageRow>;
    /// Which messages of a room were removed after a removal, in order. No removal with a lower number is committed
    /// later.
    removals_after(room: RoomId, removal: i64, limit: i64) -> Vec<RoomRemovalRow>;
    /// A session is present in a room that its user is in, until then, and looks at it or does not. False where the
    /// user is not in the room, or the session is over.
    attend_room(entry: &RoomEntry<'_>, is_away: bool) -> bool;
    /// Prolongs the presence of sessions in rooms. Gives who is present where; the others have to attend again. What
    /// has run out is not prolonged any more.
    heartbeat(beats: &[Heartbeat], now: Timestamp) -> Vec<(SessionId, RoomId)>;
    /// The same for sessions whose heartbeats are in Redis: until their presence runs out, or there is a heartbeat
    /// here, the last one counts as if it were still to come.
    prolong_presence(beats: &[Heartbeat], now: Timestamp) -> Vec<(SessionId, RoomId)>;
    /// Of whom in which rooms the last heartbeat of a session that is present lies between these moments.
    gone_grey(since: Timestamp, before: Timestamp, now: Timestamp) -> Vec<(RoomId, UserId)>;
    /// How far rooms have come. Those that are not there are left out.
    room_positions(rooms: &[RoomId]) -> Vec<(RoomId, RoomPosition)>;
    /// Ends what has run out, of `limit` sessions at the most. Gives what is said of the rooms that users leave with
    /// it: that their session expired, where it did.
    sweep_presence(now: Timestamp, limit: i64) -> PresenceSweep;
    /// Deletes messages from before a moment, `limit` of them at the most.
    delete_messages(before: Timestamp, limit: i64) -> u64;
    /// Forgets who left rooms before a moment, `limit` of them at the most.
    forget_former_members(before: Timestamp, limit: i64) -> u64;
    /// What is held on a user.
    held_by_rooms(user: UserId) -> HeldByRooms;
}
