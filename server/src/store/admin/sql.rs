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
    /// Ids sort by the time they were made.
    NEWEST_SESSIONS =
        concat!("SELECT ", session_columns!(), " FROM sessions WHERE id < $1 ORDER BY id DESC LIMIT $2");
    /// The `+` keeps the index of those past their time from being taken here and below: it would find all.
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
}
