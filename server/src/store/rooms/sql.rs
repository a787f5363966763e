//! Statements: rooms, who is in them, and what is said there.

use crate::store::db::dialect::statements;

/// Columns of a message.
macro_rules! message_columns {
    () => {
        "room_id, number, sender_id, sender_name, kind, text, sent_at, removed_at"
    };
}

/// Presences that a condition finds, under lock, in the order in which everybody locks them.
macro_rules! presences {
    ($which:literal) => {
        concat!(
            " WHERE (room_id, session_id) IN (SELECT p.room_id, p.session_id FROM room_presence p WHERE ",
            $which,
            " ORDER BY p.session_id, p.room_id {lock})"
        )
    };
}

/// Who is in a room, with the last heartbeats of those presences that a condition finds.
macro_rules! participants {
    ($which:literal) => {
        concat!(
            "SELECT m.user_id, u.name, m.joined_at, (SELECT MAX(p.heartbeat_at) FROM room_presence p \
             WHERE p.user_id = m.user_id AND p.room_id = m.room_id AND p.until > $2",
            $which,
            ") AS heartbeat_at, (SELECT MAX(p.heartbeat_at) FROM room_presence p \
             WHERE p.user_id = m.user_id AND p.room_id = m.room_id AND p.until > $2 AND NOT p.is_away",
            $which,
            ") AS here_at FROM room_members m JOIN users u ON u.id = m.user_id \
             WHERE m.room_id = $1 AND m.left_at IS NULL ORDER BY m.joined_at, m.user_id"
        )
    };
}

/// Prolongs presences, which a list of pairs names, and notes this as their last heartbeat.
macro_rules! prolong {
    ($heartbeat:literal) => {
        concat!(
            "UPDATE room_presence SET heartbeat_at = ",
            $heartbeat,
            ", until = $2, is_away = $3",
            presences!("p.until > $1 AND ({pairs:4:p.session_id:p.room_id})"),
            " RETURNING session_id, room_id"
        )
    };
}

statements! {
    INSERT_ROOM = "INSERT INTO rooms (id, name, created_at, last_message_at) VALUES ($1, $2, $3, $3)";
    ROOM = "SELECT id, name, created_at, EXISTS (SELECT 1 FROM room_members m WHERE m.room_id = rooms.id \
        AND m.user_id = $2 AND m.left_at IS NULL) AS joined FROM rooms WHERE id = $1";
    ROOMS = "SELECT id, name, last_message_at, \
        (SELECT COUNT(*) FROM room_members m WHERE m.room_id = rooms.id AND m.left_at IS NULL) AS participants, \
        EXISTS (SELECT 1 FROM room_members o WHERE o.room_id = rooms.id AND o.user_id = $1 AND o.left_at IS NULL) \
        AS joined, (SELECT e.removed_at FROM room_members e WHERE e.room_id = rooms.id AND e.user_id = $1) \
        AS removed_at FROM rooms ORDER BY last_message_at DESC, id DESC LIMIT $2";
    MEMBERSHIP = "SELECT left_at, removed_at FROM room_members WHERE room_id = $1 AND user_id = $2";
    COUNT_MEMBERS = "SELECT COUNT(*) FROM room_members WHERE room_id = $1 AND left_at IS NULL";
    JOIN = "INSERT INTO room_members (room_id, user_id, is_creator, joined_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (room_id, user_id) DO UPDATE SET joined_at = excluded.joined_at, left_at = NULL, \
        removed_at = NULL WHERE room_members.left_at IS NOT NULL";
    LEAVE = "UPDATE room_members SET left_at = $3, removed_at = $4 \
        WHERE room_id = $1 AND user_id = $2 AND left_at IS NULL";
    /// Everywhere where none of a user's sessions is present. Asked once theirs have ended, under the lock of the user.
    /// *Now* is said as no index says it, so that those of the user are read (docs/decisions/0058).
    LEAVE_ABSENT = "UPDATE room_members SET left_at = $1 WHERE COALESCE(left_at, 0) = 0 AND user_id IN ({list:2}) \
        AND NOT EXISTS (SELECT 1 FROM room_presence p WHERE p.user_id = room_members.user_id \
        AND p.room_id = room_members.room_id AND p.until > $1) \
        RETURNING room_id, user_id, (SELECT u.name FROM users u WHERE u.id = room_members.user_id) AS name";
    PARTICIPANTS = participants!("");
    /// The same by the heartbeats that the database has: not by sessions whose heartbeats Redis has.
    PARTICIPANTS_HEARD = participants!(" AND p.heartbeat_at < p.until");
    ENTER = "INSERT INTO room_presence (room_id, session_id, user_id, server, is_away, entered_at, heartbeat_at, \
        until) VALUES ($1, $2, $3, $4, $7, $5, $5, $6) ON CONFLICT (room_id, session_id) DO UPDATE SET \
        server = excluded.server, is_away = excluded.is_away, heartbeat_at = excluded.heartbeat_at, \
        until = excluded.until";
    HEARTBEAT = prolong!("$1");
    /// For a session whose heartbeats Redis has: while its presence lasts, the database does not say that none comes.
    PROLONG_PRESENCE = prolong!("$2");
    /// Of all who are present: as many rows as there are sessions in rooms.
    GONE_GREY = "SELECT DISTINCT room_id, user_id FROM room_presence \
        WHERE until > $3 AND heartbeat_at >= $1 AND heartbeat_at < $2";
    ROOM_POSITIONS = "SELECT id, last_number, last_removal FROM rooms WHERE id IN ({list:1})";
    END_PRESENCE = concat!("DELETE FROM room_presence", presences!("p.session_id IN ({list:1})"));
    END_PRESENCE_IN = concat!("DELETE FROM room_presence", presences!("p.user_id = $1 AND p.room_id = $2"));
    RUN_OUT = "SELECT user_id FROM room_presence WHERE until <= $1 ORDER BY until LIMIT $2";
    /// Nobody should be: what takes the last presence of somebody ends the membership with it.
    MEMBERS_WITHOUT_PRESENCE = "SELECT user_id FROM room_members m WHERE m.left_at IS NULL \
        AND NOT EXISTS (SELECT 1 FROM room_presence p WHERE p.user_id = m.user_id AND p.room_id = m.room_id) \
        ORDER BY m.room_id, m.joined_at LIMIT $1";
    END_RUN_OUT = concat!(
        "DELETE FROM room_presence",
        presences!("p.until <= $1 AND p.user_id IN ({list:2})"),
        " RETURNING user_id, (SELECT s.expires_at FROM sessions s WHERE s.id = room_presence.session_id) AS expires_at"
    );
    /// Gives numbers to messages. Locks the room until the commit, so that they commit in order.
    ADVANCE = "UPDATE rooms SET last_number = last_number + $2, last_message_at = $3 WHERE id = $1 \
        RETURNING last_number";
    INSERT_MESSAGES = "INSERT INTO room_messages (room_id, number, sender_id, sender_name, kind, text, sent_at) \
        VALUES {rows:7}";
    MESSAGES_BEFORE = concat!(
        "SELECT ",
        message_columns!(),
        " FROM room_messages WHERE room_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
    );
    MESSAGES_AFTER = concat!(
        "SELECT ",
        message_columns!(),
        " FROM room_messages WHERE room_id = $1 AND number > $2 ORDER BY number LIMIT $3"
    );
    /// Gives a number to a removal. Locks the room until the commit, so that they commit in order.
    NUMBER_REMOVAL = "UPDATE rooms SET last_removal = last_removal + 1 WHERE id = $1 RETURNING last_removal";
    REMOVE_MESSAGE = concat!(
        "UPDATE room_messages SET text = '', removed_at = $3, removed_by = $4, removal = $6 \
         WHERE room_id = $1 AND number = $2 AND removed_at IS NULL AND kind = $5 RETURNING ",
        message_columns!()
    );
    REMOVALS_AFTER = "SELECT removal, number, removed_at FROM room_messages WHERE room_id = $1 AND removal > $2 \
        ORDER BY removal LIMIT $3";
    DELETE_MESSAGES = "DELETE FROM room_messages WHERE (room_id, number) IN \
        (SELECT m.room_id, m.number FROM room_messages m WHERE m.sent_at < $1 ORDER BY m.sent_at LIMIT $2 \
        {skip_locked})";
    FORGET_FORMER_MEMBERS = "DELETE FROM room_members WHERE (room_id, user_id) IN \
        (SELECT m.room_id, m.user_id FROM room_members m WHERE m.left_at IS NOT NULL AND m.left_at < $1 \
        ORDER BY m.left_at LIMIT $2 {skip_locked})";
    MEMBERSHIPS_OF = "SELECT r.name AS room, m.is_creator, m.joined_at, m.left_at FROM room_members m \
        JOIN rooms r ON r.id = m.room_id WHERE m.user_id = $1 ORDER BY m.joined_at, m.room_id";
    MESSAGES_OF = "SELECT r.name AS room, m.kind, m.text, m.sent_at FROM room_messages m \
        JOIN rooms r ON r.id = m.room_id WHERE m.sender_id = $1 ORDER BY m.sent_at, m.number";
}
