//! Statements: what administrators ask about users and sessions of others, and do to them.

use crate::store::accounts::sql::user_columns;
use crate::store::db::dialect::statements;
use crate::store::sessions::sql::session_columns;

/// What else a user must be to be listed: of the role `$4` unless it is empty, disabled, not proved.
macro_rules! user_filters {
    () => {
        " AND ($4 = '' OR EXISTS (SELECT 1 FROM user_roles r WHERE r.user_id = users.id AND r.role = $4)) \
         AND (NOT $5 OR disabled_at IS NOT NULL) AND (NOT $6 OR email_verified_at IS NULL)"
    };
}

/// A page by addresses, from `$1` on and below `$3`, without `$2`. What is said of few users comes out of an index of
/// these few.
macro_rules! users_by_email {
    ($of_few:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE email >= $1 AND email <> $2 AND email < $3",
            $of_few,
            user_filters!(),
            " ORDER BY email LIMIT $7"
        )
    };
}

/// A page of the newest users, those before `$1`, and what else they must be: of the role `$2` unless it is empty,
/// disabled, not proved. What is said of few users comes out of an index of these few.
macro_rules! newest_users {
    ($of_few:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE id < $1",
            $of_few,
            " AND ($2 = '' OR EXISTS (SELECT 1 FROM user_roles r WHERE r.user_id = users.id AND r.role = $2)) \
             AND (NOT $3 OR disabled_at IS NOT NULL) AND (NOT $4 OR email_verified_at IS NULL) \
             ORDER BY id DESC LIMIT $5"
        )
    };
}

statements! {
    USERS_BY_EMAIL = users_by_email!("");
    DISABLED_USERS_BY_EMAIL = users_by_email!(" AND disabled_at IS NOT NULL");
    UNVERIFIED_USERS_BY_EMAIL = users_by_email!(" AND email_verified_at IS NULL");
    USERS_OF_ROLE_BY_EMAIL =
        users_by_email!(" AND id IN (SELECT one.user_id FROM user_roles one WHERE one.role = $4)");
    /// SQLite compares no pair of which one is an expression by its index.
    USERS_BY_NAME = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE lower(name) >= $1 AND (lower(name) > $1 OR id > $2) AND lower(name) < $3",
        user_filters!(),
        " ORDER BY lower(name), id LIMIT $7"
    );
    NEWEST_USERS = newest_users!("");
    NEWEST_DISABLED_USERS = newest_users!(" AND disabled_at IS NOT NULL");
    NEWEST_UNVERIFIED_USERS = newest_users!(" AND email_verified_at IS NULL");
    NEWEST_USERS_OF_ROLE =
        newest_users!(" AND id IN (SELECT one.user_id FROM user_roles one WHERE one.role = $2)");
    /// Of those at one address: after `$1`, at `$2`, signed in at `$3`.
    USERS_AT_ADDRESS = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE id > $1 AND id IN (SELECT s.user_id FROM sessions s \
         WHERE s.ended_at IS NULL AND s.ip = $2 AND +s.expires_at > $3)",
        user_filters!(),
        " ORDER BY id LIMIT $7"
    );
    USERS_WITH_ROLES = "SELECT DISTINCT user_id FROM user_roles WHERE user_id IN ({list:1}) AND role <> 'user'";
    USERS_BY_IDS = concat!("SELECT ", user_columns!(), " FROM users WHERE id IN ({list:1})");
    /// Ids sort by the time they were made.
    NEWEST_SESSIONS =
        concat!("SELECT ", session_columns!(), " FROM sessions WHERE id < $1 ORDER BY id DESC LIMIT $2");
    /// The `+` prevents that the index of those past their time is taken here and below: it would find all.
    NEWEST_LIVE_SESSIONS = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE ended_at IS NULL AND +expires_at > $3 AND (created_at, id) < ($1, $2) \
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
        session_columns!(),
        " FROM sessions WHERE ended_at IS NULL AND +expires_at > $4 AND (created_at, id) > ($1, $2) \
         AND created_at < $3 ORDER BY created_at, id LIMIT $5"
    );
    LIVE_SESSIONS_BY_ADDRESS = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE ended_at IS NULL AND +expires_at > $4 AND (ip, id) > ($1, $2) AND ip < $3 \
         ORDER BY ip, id LIMIT $5"
    );
    /// In the order of their ids, as everybody locks users.
    LOCK_USERS = "SELECT id FROM users WHERE id IN ({list:1}) ORDER BY id {lock}";
    END_LISTED = "UPDATE sessions SET ended_at = $1, end_reason = $2 WHERE ended_at IS NULL AND id IN ({list:3}) \
        RETURNING user_id, id, device_name, platform, browser, os, kind, app_version, remember_until";
    /// Asks the log about each of them: PostgreSQL might read all of it for an `EXISTS`.
    TAKEN_ADDRESSES = "SELECT email, COALESCE((SELECT TRUE FROM audit_log a WHERE a.user_id = users.id \
        AND a.action = 'user_imported' LIMIT 1), FALSE) AS imported FROM users WHERE email IN ({list:1})";
    IMPORT_USERS = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, disabled_at, created_at) VALUES {rows:9} ON CONFLICT DO NOTHING RETURNING id";
    IMPORT_ROLES = "INSERT INTO user_roles (user_id, role) VALUES {rows:2}";
    INSERT_END_RUN = "INSERT INTO end_runs (id, actor_id, session_id, rule, client_reason, ip, user_agent, \
        created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    END_RUN = "SELECT id, actor_id, session_id, rule, client_reason, ip, user_agent, created_at, begun_at, \
        finished_at, total_sessions, ended_sessions FROM end_runs WHERE id = $1";
    NOTE_END_RUN = "UPDATE end_runs SET begun_at = COALESCE(begun_at, $2), \
        total_sessions = COALESCE(total_sessions, $3) WHERE id = $1";
    COUNT_IN_RUN = "UPDATE end_runs SET ended_sessions = ended_sessions + $2 WHERE id = $1";
    FINISH_END_RUN = "UPDATE end_runs SET finished_at = COALESCE(finished_at, $2) WHERE id = $1";
    /// What they say of addresses and reasons goes with them.
    DELETE_END_RUNS = "DELETE FROM end_runs WHERE id IN \
        (SELECT id FROM end_runs WHERE created_at < $1 ORDER BY created_at LIMIT $2 {skip_locked})";
    COUNT_LIVE_SESSIONS = "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND expires_at > $1";
    COUNT_OPEN_JOBS = "SELECT COUNT(CASE WHEN dead_at IS NULL THEN 1 END), \
        COUNT(CASE WHEN dead_at IS NULL AND last_error IS NOT NULL THEN 1 END), COUNT(dead_at) \
        FROM jobs WHERE kind = $1 AND done_at IS NULL";
}
