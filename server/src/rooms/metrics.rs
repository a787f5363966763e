//! What Prometheus is shown of rooms.

use types::words::RoomMessageKind;

use crate::metrics::{Counter, Counters, labels, metrics};

metrics! {
    /// What is counted of rooms.
    pub struct RoomMetrics {
        /// Users who joined a room.
        joins: Counter = "latchkey_room_joins_total",
        /// Users who left a room, by how.
        departures: Counters<Departure> = "latchkey_room_departures_total",
        /// Messages that users wrote in rooms.
        messages: Counter = "latchkey_room_messages_total",
        /// Messages that moderators removed.
        messages_removed: Counter = "latchkey_room_messages_removed_total",
        /// Presences of sessions in rooms that ran out, mostly because a connection was lost.
        presences_run_out: Counter = "latchkey_room_presences_run_out_total",
    }
}

labels! {
    /// How a user left a room.
    Departure = "how" {
        /// They left, or their connection was lost for too long.
        Left = "left",
        /// They signed out.
        SignedOut = "signed_out",
        /// They were signed out.
        WasSignedOut = "was_signed_out",
        /// Their session expired.
        SessionExpired = "session_expired",
        /// A moderator removed them.
        Removed = "removed",
    }
}

impl Departure {
    /// By what the room says of it. `None` for what is no departure.
    pub const fn of(kind: RoomMessageKind) -> Option<Self> {
        match kind {
            RoomMessageKind::Left => Some(Self::Left),
            RoomMessageKind::SignedOut => Some(Self::SignedOut),
            RoomMessageKind::WasSignedOut => Some(Self::WasSignedOut),
            RoomMessageKind::SessionExpired => Some(Self::SessionExpired),
            RoomMessageKind::Removed => Some(Self::Removed),
            RoomMessageKind::Text | RoomMessageKind::Joined => None,
        }
    }
}
