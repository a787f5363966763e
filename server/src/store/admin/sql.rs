//! Statements: what administrators ask about users and sessions of others, and do to them.

use crate::store::accounts::sql::user_columns;
use crate::store::db::dialect::statements;
use crate::store::sessions::sql::{
    in_room, live_at_address, live_since, live_until, not_ended, session_columns, session_traits,
};

/// What the pages of users have in common, by their order: where they begin and end, the order, and the numbers of two
/// parameters, how many there are at most and a role.
macro_rules! user_order {
    (email range) => {
        "email >= $1 AND email <> $2 AND email < $3"
    };
    (email order) => {
        "email"
    };
    // SQLite compares no pair of which one is an expression by its index.
    (name range) => {
        "lower(name) >= $1 AND (lower(name) > $1 OR id > $2) AND lower(name) < $3"
    };
    (name order) => {
        "lower(name), id"
    };
    (newest range) => {
        "id < $1"
    };
    (newest order) => {
        "id DESC"
    };
    (newest limit) => {
        "$2"
    };
    (newest role) => {
        "$3"
    };
    ($by:ident limit) => {
        "$4"
    };
    ($by:ident role) => {
        "$5"
    };
}

/// A page of all users, or of those whom a partial index has.
macro_rules! users_in_order {
    ($by:ident, $whom:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE ",
            user_order!($by range),
            $whom,
            " ORDER BY ",
            user_order!($by order),
            " LIMIT ",
            user_order!($by limit)
        )
    };
}

/// A page of those with a role that few have: all of these are found first, and then sorted. The limits keep PostgreSQL
/// from walking the users in their order until it meets enough of them, and `CROSS JOIN` does SQLite.
macro_rules! few_in_order {
    ($by:ident) => {
        concat!(
            "SELECT * FROM (SELECT ",
            user_columns!(),
            " FROM (SELECT one.user_id FROM user_roles one WHERE one.role = ",
            user_order!($by role),
            " ORDER BY one.user_id LIMIT 1000) few CROSS JOIN users WHERE users.id = few.user_id AND ",
            user_order!($by range),
            " LIMIT 1000) found ORDER BY ",
            user_order!($by order),
            " LIMIT ",
            user_order!($by limit)
        )
    };
}

/// Columns of an end by rule.
macro_rules! run_columns {
    () => {
        "id, actor_id, session_id, rule, client_reason, ip, user_agent, created_at, begun_at, finished_at, \
         stopped_at, total_sessions, ended_sessions"
    };
}

statements! {
    USERS_BY_EMAIL = users_in_order!(email, "");
    DISABLED_USERS_BY_EMAIL = users_in_order!(email, " AND disabled_at IS NOT NULL");
    UNVERIFIED_USERS_BY_EMAIL = users_in_order!(email, " AND email_verified_at IS NULL");
    FEW_USERS_BY_EMAIL = few_in_order!(email);
    USERS_BY_NAME = users_in_order!(name, "");
    DISABLED_USERS_BY_NAME = users_in_order!(name, " AND disabled_at IS NOT NULL");
    UNVERIFIED_USERS_BY_NAME = users_in_order!(name, " AND email_verified_at IS NULL");
    FEW_USERS_BY_NAME = few_in_order!(name);
    NEWEST_USERS = users_in_order!(newest, "");
    NEWEST_DISABLED_USERS = users_in_order!(newest, " AND disabled_at IS NOT NULL");
    NEWEST_UNVERIFIED_USERS = users_in_order!(newest, " AND email_verified_at IS NULL");
    NEWEST_FEW_USERS = few_in_order!(newest);
    /// Of the first thousand whose address begins with `$2`, and as many whose name begins with `$4`: before `$1`. Ids
    /// sort by the time they were made, so that only the users of the page are read.
    NEWEST_USERS_BEGINNING = concat!(
        "SELECT ",
        user_columns!(),
        " FROM (SELECT few.user_id FROM (SELECT seen.id AS user_id FROM \
         (SELECT id FROM users WHERE email >= $2 AND email < $3 ORDER BY email LIMIT 1000) seen \
         UNION SELECT seen.id AS user_id FROM (SELECT id FROM users WHERE lower(name) >= $4 AND lower(name) < $5 \
         ORDER BY lower(name), id LIMIT 1000) seen) few WHERE few.user_id < $1 \
         ORDER BY few.user_id DESC LIMIT $6) found CROSS JOIN users WHERE users.id = found.user_id ORDER BY id DESC"
    );
    /// How many have a role, counted no further than one more than few.
    COUNT_FEW_OF_ROLE =
        "SELECT COUNT(*) FROM (SELECT one.user_id FROM user_roles one WHERE one.role = $1 LIMIT 1001) few";
    /// Of those at one address, by its newest sessions: after `$1`, at `$2`, signed in at `$3`. The address is a range,
    /// so that no index but that of addresses has the order; the limits are for PostgreSQL, as above.
    USERS_AT_ADDRESS = concat!(
        "SELECT * FROM (SELECT ",
        user_columns!(),
        " FROM (SELECT DISTINCT seen.user_id FROM (SELECT s.user_id FROM sessions s WHERE ",
        live_at_address!(),
        " AND s.ip >= $2 AND s.ip <= $2 AND s.expires_at > $3 \
         ORDER BY s.ip DESC, s.id DESC LIMIT 2000) seen) few \
         CROSS JOIN users WHERE users.id = few.user_id AND users.id > $1 LIMIT 2000) found ORDER BY id LIMIT $4"
    );
    /// Who has another role than the one of everybody, counted no further than one more than few. Below and above in
    /// the index of roles: not equal is said by no index.
    FEW_USERS_WITH_ROLES = "SELECT user_id FROM \
        (SELECT below.user_id FROM user_roles below WHERE below.role < 'user' LIMIT 1001) few UNION ALL SELECT user_id FROM \
        (SELECT above.user_id FROM user_roles above WHERE above.role > 'user' LIMIT 1001) few";
    USERS_WITH_ROLES = "SELECT DISTINCT user_id FROM user_roles WHERE user_id IN ({list:1}) AND role <> 'user'";
    USERS_BY_IDS = concat!("SELECT ", user_columns!(), " FROM users WHERE id IN ({list:1})");
    /// Ids sort by the time they were made.
    NEWEST_SESSIONS =
        concat!("SELECT ", session_columns!(), " FROM sessions WHERE id < $1 ORDER BY id DESC LIMIT $2");
    SESSIONS_BY_IDS = concat!("SELECT ", session_columns!(), " FROM sessions WHERE id IN ({list:1})");
    NEWEST_LIVE_SESSIONS = concat!(
        "SELECT ",
        session_traits!(),
        " FROM sessions WHERE ",
        live_since!(),
        " AND expires_at > $3 AND (created_at, id) < ($1, $2) \
         ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    NEWEST_SESSIONS_OF = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE user_id = $1 AND id < $2 AND (NOT $3 OR (ended_at IS NULL AND expires_at > $4)) \
         ORDER BY id DESC LIMIT $5"
    );
    LIVE_SESSIONS_BY_START = concat!(
        "SELECT ",
        session_traits!(),
        " FROM sessions WHERE ",
        live_since!(),
        " AND expires_at > $4 AND (created_at, id) > ($1, $2) \
         AND created_at < $3 ORDER BY created_at, id LIMIT $5"
    );
    LIVE_SESSIONS_BY_ADDRESS = concat!(
        "SELECT ",
        session_traits!(),
        " FROM sessions s WHERE ",
        live_at_address!(),
        " AND expires_at > $4 AND (ip, id) > ($1, $2) AND ip < $3 \
         ORDER BY ip, id LIMIT $5"
    );
    /// In the order of their ids, as everybody locks users.
    LOCK_USERS = "SELECT id FROM users WHERE id IN ({list:1}) ORDER BY id {lock}";
    END_LISTED = concat!(
        "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE ",
        not_ended!(),
        " AND id IN ({list:3}) RETURNING user_id, id, device_name, platform, browser, os, kind, app_version, remember_until, ",
        in_room!()
    );
    /// Asks the log about each of them: PostgreSQL might read all of it for an `EXISTS`. The action is said as no index
    /// says it: whatever is known of the table, it is the entries of one user that are read, not those of all imports.
    TAKEN_ADDRESSES = "SELECT email, COALESCE((SELECT TRUE FROM audit_log a WHERE a.user_id = users.id \
        AND COALESCE(a.action, '') = 'user_imported' LIMIT 1), FALSE) AS imported FROM users WHERE email IN ({list:1})";
    IMPORT_USERS = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, disabled_at, password_reset_required_at, created_at) VALUES {rows:10} ON CONFLICT DO NOTHING RETURNING id";
    IMPORT_ROLES = "INSERT INTO user_roles (user_id, role) VALUES {rows:2}";
    INSERT_END_RUN = "INSERT INTO end_runs (id, actor_id, session_id, rule, client_reason, ip, user_agent, \
        created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    END_RUN = concat!("SELECT ", run_columns!(), " FROM end_runs WHERE id = $1");
    END_RUNS = concat!(
        "SELECT ",
        run_columns!(),
        " FROM end_runs WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3"
    );
    NOTE_END_RUN = "UPDATE end_runs SET begun_at = COALESCE(begun_at, $2), \
        total_sessions = COALESCE(total_sessions, $3) WHERE id = $1";
    COUNT_IN_RUN = "UPDATE end_runs SET ended_sessions = ended_sessions + $2 WHERE id = $1";
    FINISH_END_RUN = "UPDATE end_runs SET finished_at = COALESCE(finished_at, $2) WHERE id = $1";
    STOP_END_RUN = "UPDATE end_runs SET finished_at = $2, stopped_at = $2 WHERE id = $1 AND finished_at IS NULL";
    /// Those whose job was given up: none takes a day.
    STOP_LEFT_END_RUNS = "UPDATE end_runs SET finished_at = $1, stopped_at = $1 WHERE id IN \
        (SELECT id FROM end_runs WHERE finished_at IS NULL AND created_at < $1 - 86400000 ORDER BY created_at LIMIT $2 \
        {skip_locked})";
    /// What they say of addresses and reasons goes with them.
    DELETE_END_RUNS = "DELETE FROM end_runs WHERE id IN \
        (SELECT id FROM end_runs WHERE created_at < $1 ORDER BY created_at LIMIT $2 {skip_locked})";
    COUNT_LIVE_SESSIONS = concat!("SELECT COUNT(*) FROM sessions WHERE ", live_until!(), " AND expires_at > $1");
    COUNT_OPEN_JOBS = "SELECT COUNT(CASE WHEN dead_at IS NULL THEN 1 END), \
        COUNT(CASE WHEN dead_at IS NULL AND last_error IS NOT NULL THEN 1 END), COUNT(dead_at) \
        FROM jobs WHERE kind = $1 AND done_at IS NULL";
}
