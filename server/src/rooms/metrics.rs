//! What Prometheus is shown of rooms.

use types::words::RoomMessageKind;

use crate::metrics::{Counter, Counters, Gauge, labels, metrics};

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
        /// Heartbeats of sessions in rooms, by where they were written.
        heartbeats: Counters<HeartbeatsIn> = "latchkey_room_heartbeats_total",
        /// How often presence in Redis was not believed any more, by why; the database had it then.
        presence_doubts: Counters<PresenceDoubt> = "latchkey_room_presence_doubts_total",
        /// Sockets that are open here.
        sockets_open: Gauge = "latchkey_sockets_open",
        /// Sockets that were closed, by why.
        sockets_closed: Counters<SocketEnd> = "latchkey_sockets_closed_total",
        /// Rooms that somebody attends here.
        rooms_attended: Gauge = "latchkey_rooms_attended",
        /// Events of rooms that were put into the queues of sockets.
        events_delivered: Counter = "latchkey_room_events_delivered_total",
        /// Messages of rooms, and removals of some, that the bus had not brought when they were read in the database.
        messages_caught_up: Counter = "latchkey_room_messages_caught_up_total",
        /// What ended with sessions, by what it was.
        cleaned_up: Counters<CleanedUp> = "latchkey_session_cleanup_total",
    }
}

labels! {
    /// Where heartbeats were written.
    HeartbeatsIn = "store" {
        /// In Redis.
        Redis = "redis",
        /// In the database.
        Database = "database",
    }
}

labels! {
    /// Why presence in Redis is not believed.
    PresenceDoubt = "why" {
        /// Redis does not answer, or refuses.
        Unavailable = "unavailable",
        /// Redis is new, or has forgotten everything, and servers may not have said everything again.
        Forgotten = "forgotten",
    }
}

labels! {
    /// What has ended with sessions.
    CleanedUp = "kind" {
        /// Sockets that attended rooms.
        Sockets = "sockets",
        /// Rooms that they attended.
        Attendances = "attendances",
        /// Rooms in which somebody was writing.
        Typing = "typing",
        /// Rooms that users were in.
        Memberships = "memberships",
    }
}

labels! {
    /// Why a socket was closed.
    SocketEnd = "why" {
        /// Its session ended.
        SessionEnded = "session_ended",
        /// An operator disconnected it.
        Disconnected = "disconnected",
        /// What it sent was no message.
        Malformed = "malformed",
        /// Its token or ticket was refused.
        Unauthenticated = "unauthenticated",
        /// It did not say in time who it is.
        NotAuthenticated = "not_authenticated",
        /// It sent too much, or there are too many.
        TooMany = "too_many",
        /// It did not keep up.
        Slow = "slow",
        /// This server stops, or could not confirm the session.
        Unavailable = "unavailable",
        /// The client has gone, or what it sent could not be read.
        Gone = "gone",
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
