//! Statements: sessions from sign-in to their end, their histories, and tickets for the event stream.

use crate::store::db::dialect::statements;

/// Whether a session is present in a room. Asked about each of them: PostgreSQL might read all of it for an `EXISTS`.
macro_rules! in_room {
    () => {
        "COALESCE((SELECT TRUE FROM room_presence p WHERE p.session_id = sessions.id LIMIT 1), FALSE) AS in_room"
    };
}

pub(in crate::store) use in_room;

/// That a session has not ended, where it is named by its id.
///
/// PostgreSQL keeps a plan for as long as the connection, and a partial index of what has not ended is cheap for
/// everything while almost nothing has not. Kept from such a moment, the plan would read all of that index for each
/// session once many live again (docs/decisions/0058). So this is said as no index says it: the id is left to find it.
macro_rules! not_ended {
    () => {
        "COALESCE(sessions.ended_at, 0) = 0"
    };
}

/// That a session has ended, where it is named by its id, for the same reason.
macro_rules! has_ended {
    () => {
        "COALESCE(sessions.ended_at, 0) <> 0"
    };
}

/// That sessions have not ended, as one index says it and no other: `sessions_live_of_user`.
macro_rules! live_of_user {
    () => {
        "COALESCE(ended_at, -1) = -1"
    };
}

/// As `sessions_past_their_time` says it.
macro_rules! live_until {
    () => {
        "COALESCE(ended_at, -2) = -2"
    };
}

/// As `sessions_live_by_address` says it, of sessions that are called `s`.
macro_rules! live_at_address {
    () => {
        "COALESCE(s.ended_at, -3) = -3"
    };
}

/// As `sessions_live_by_start` says it.
macro_rules! live_since {
    () => {
        "COALESCE(ended_at, -4) = -4"
    };
}

pub(in crate::store) use {live_at_address, live_since, live_until};

pub(in crate::store) use not_ended;

/// Marks live sessions as ended; the condition follows.
macro_rules! end_sessions {
    ($which:literal) => {
        concat!(
            "UPDATE sessions SET ended_at = $2, end_reason = $3, ended_by = $4, ended_by_device = $5, receipt = $6 \
             WHERE user_id = $1 AND ",
            live_of_user!(),
            $which,
            " RETURNING id, device_name, platform, browser, os, kind, app_version, remember_until, ",
            in_room!()
        )
    };
}

/// Raises an epoch above all that were ever given. The database may be set back, and tokens may carry epochs that it
/// has lost. So the new epoch is never below the time (epochs are not), nor below the highest one that is known.
macro_rules! raise_epoch {
    ($seen:literal) => {
        concat!(
            "epoch = CASE WHEN epoch >= {now} AND epoch >= ",
            $seen,
            " THEN epoch + 1 WHEN ",
            $seen,
            " >= {now} THEN ",
            $seen,
            " + 1 ELSE {now} END"
        )
    };
}

pub(in crate::store) use raise_epoch;

/// Cuts off the tokens of an older system. Never moves back: a request whose commit had to wait may be older than the
/// last one.
macro_rules! cut_off {
    () => {
        "last_logout = CASE WHEN last_logout > $2 THEN last_logout ELSE $2 END"
    };
}

/// Columns of a session.
macro_rules! session_columns {
    () => {
        "id, user_id, created_at, last_active, expires_at, max_expires_at, device_name, platform, browser, os, kind, \
         app_version, ip, user_agent, place, signed_in_with, proofs, delivery, remember, refresh_digest, previous_digest, \
         rotated_at AS refreshed_at, actor_id, actor_name, support_reason, ended_at, end_reason, ended_by, ended_by_device"
    };
}

/// What a rule compares of a session.
macro_rules! session_traits {
    () => {
        "id, user_id, created_at, device_name, platform, browser, os, kind, app_version, ip, place"
    };
}

pub(in crate::store) use {session_columns, session_traits};

statements! {
    DEVICE_NAME = "SELECT device_name FROM sessions WHERE id = $1";
    END_ONE = end_sessions!(" AND id = $7");
    END_OTHERS = end_sessions!(" AND created_at <= $8 AND id <> $7");
    END_ALL = end_sessions!(" AND created_at <= $7");
    RAISE_EPOCH = concat!("UPDATE users SET ", raise_epoch!("0"), " WHERE id = $1 RETURNING epoch");
    RAISE_EPOCH_AND_CUT_OFF = concat!(
        "UPDATE users SET ",
        raise_epoch!("$3"),
        ", ",
        cut_off!(),
        " WHERE id = $1 RETURNING epoch"
    );
    /// The requesting session's end, where it has one.
    REQUESTER = "SELECT expires_at, ended_at FROM sessions WHERE id = $1 AND user_id = $2";
    /// Whether there is such a session, of any user.
    IS_THERE = "SELECT 1 FROM sessions WHERE id = $1";
    CUT_OFF = concat!("UPDATE users SET ", cut_off!(), " WHERE id = $1");
    MARK_NOTIFIED =
        concat!("UPDATE sessions SET told_at = $2 WHERE id = $1 AND ", has_ended!(), " AND told_at IS NULL");
    CONFIRM_END = concat!(
        "UPDATE sessions SET confirmed_at = COALESCE(confirmed_at, $2) WHERE id = $1 AND ",
        has_ended!()
    );
    RECEIPT = "SELECT id, device_name, platform, browser, os, kind, app_version, ended_by, told_at AS notified_at, \
        confirmed_at FROM sessions WHERE receipt = $1 ORDER BY last_active DESC, id DESC";
    INSERT_SESSION = "INSERT INTO sessions (id, user_id, created_at, last_active, expires_at, max_expires_at, \
        device_name, platform, browser, os, kind, app_version, ip, user_agent, signed_in_with, delivery, remember, \
        refresh_digest, rotated_at, place, remember_until, browser_id, proofs) \
        VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $3, $18, $19, $20, $21)";
    SESSION = concat!("SELECT ", session_columns!(), " FROM sessions WHERE id = $1");
    LOCK_SESSION = concat!("SELECT ", session_columns!(), " FROM sessions WHERE id = $1 {lock}");
    /// Locks them in order, before all are deleted with their user: the deletion itself would lock them in no order.
    LOCK_SESSIONS_OF = "SELECT id, ended_at FROM sessions WHERE user_id = $1 ORDER BY id {lock}";
    SESSION_OF = concat!("SELECT ", session_columns!(), " FROM sessions WHERE id = $1 AND user_id = $2");
    /// Comes out of its index in order.
    LIVE_SESSIONS = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE user_id = $1 AND ",
        live_of_user!(),
        " AND expires_at > $2 \
         ORDER BY last_active DESC, id DESC"
    );
    /// Comes out of the same index, from where the page before ended.
    LIVE_SESSIONS_PAGE = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE user_id = $1 AND ",
        live_of_user!(),
        " AND expires_at > $2 AND (last_active, id) < ($3, $4) \
         AND id <> $5 ORDER BY last_active DESC, id DESC LIMIT $6"
    );
    COUNT_LIVE_SESSIONS =
        concat!("SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND ", live_of_user!(), " AND expires_at > $2");
    LIVE_SESSION = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE id = $1 AND user_id = $2 AND ",
        not_ended!(),
        " AND expires_at > $3"
    );
    /// Ended ones too.
    SESSIONS_OF = concat!("SELECT ", session_columns!(), " FROM sessions WHERE user_id = $1 ORDER BY created_at, id");
    RENAME_SESSION = concat!(
        "UPDATE sessions SET device_name = $3 WHERE id = $1 AND user_id = $2 AND ",
        not_ended!(),
        " AND expires_at > $4 RETURNING ",
        session_columns!()
    );
    STANDING = "SELECT {is_replica} AS is_replica, s.expires_at, s.ended_at, s.end_reason, s.ended_by, s.ended_by_device, u.epoch \
        FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND s.user_id = $2";
    /// Of these sessions those that have not ended. An expired one counts as ended only once its end is written.
    LIVING = concat!(
        "SELECT {is_replica} AS is_replica, sessions.id, u.epoch FROM sessions JOIN users u ON u.id = sessions.user_id \
         WHERE ",
        not_ended!(),
        " AND sessions.id IN ({rows:1})"
    );
    REFRESH_SESSION = concat!(
        "UPDATE sessions SET previous_digest = refresh_digest, refresh_digest = $2, rotated_at = $3, \
         last_active = CASE WHEN last_active < $3 THEN $3 ELSE last_active END, \
         expires_at = CASE WHEN max_expires_at < $4 THEN max_expires_at ELSE $4 END, ip = $5, user_agent = $6, \
         place = $7, remember_until = CASE WHEN remember_until < $8 THEN $8 ELSE remember_until END \
         WHERE id = $1 RETURNING ",
        session_columns!()
    );
    REPEAT_REFRESH = concat!(
        "UPDATE sessions SET last_active = CASE WHEN last_active < $2 THEN $2 ELSE last_active END, ip = $3, \
         user_agent = $4, place = $5, \
         remember_until = CASE WHEN remember_until < $6 THEN $6 ELSE remember_until END WHERE id = $1 RETURNING ",
        session_columns!()
    );
    /// Asked where nothing was found: the row may only not be here yet.
    IS_REPLICA = "SELECT {is_replica}";
    /// Only as long as the successor was not used.
    RESTART_GRACE = concat!(
        "UPDATE sessions SET rotated_at = $3 WHERE id = $1 AND refresh_digest = $2 AND ",
        not_ended!(),
        " AND rotated_at < $3"
    );
    /// A row that is locked is being refreshed or ended at this moment: it needs no sighting. A batch that skips it
    /// never takes part in a deadlock.
    TOUCH_SESSION = concat!(
        "UPDATE sessions SET last_active = $2, ip = CASE WHEN $3 = '' THEN ip ELSE $3 END, \
         place = CASE WHEN $3 = '' THEN place ELSE $4 END, \
         expires_at = CASE WHEN $5 <= expires_at THEN expires_at WHEN $5 <= max_expires_at THEN $5 ELSE max_expires_at END \
         WHERE id = (SELECT id FROM sessions WHERE id = $1 AND ",
        not_ended!(),
        " AND last_active < $2 {skip_locked})"
    );
    /// Only for a session that is still there.
    INSERT_HISTORY_ENTRY = "INSERT INTO session_history (id, session_id, at, kind, detail, ip) \
        SELECT $1, s.id, $3, $4, $5, $6 FROM sessions s WHERE s.id = $2";
    INSERT_HISTORY = "INSERT INTO session_history (id, session_id, at, kind, detail, ip) VALUES {rows:6}";
    HISTORY = "SELECT at, kind, detail, ip FROM session_history WHERE session_id = $1 ORDER BY at, id";
    HISTORIES_OF = "SELECT h.session_id, h.at, h.kind, h.detail, h.ip FROM sessions s \
        JOIN session_history h ON h.session_id = s.id WHERE s.user_id = $1 ORDER BY h.session_id, h.at, h.id";
    /// Where the session itself was last refreshed from: sightings move `sessions.ip` in between, and a rename carries
    /// the address of the device that renamed.
    LAST_REFRESHED_FROM = "SELECT ip FROM session_history WHERE session_id = $1 AND ip <> '' \
        AND kind IN ('signed_in', 'refreshed', 'repeated_two_tabs', 'repeated_lost_reply') ORDER BY at DESC, id DESC LIMIT 1";
    INSERT_TICKET = "INSERT INTO stream_tickets (digest, session_id, user_id, epoch, session_expires_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    DELETE_TICKETS_OF = "DELETE FROM stream_tickets WHERE user_id = $1";
    TAKE_TICKET = "DELETE FROM stream_tickets WHERE digest = $1 AND expires_at > $2 \
        RETURNING session_id, user_id, epoch, session_expires_at, expires_at";
}
