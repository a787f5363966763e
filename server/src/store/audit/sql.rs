//! Statements: the audit log and its seals.

use crate::store::db::dialect::statements;

/// Columns of an entry as it is stored.
macro_rules! entry_columns {
    () => {
        "id, at, user_id, actor_id, session_id, action, reason, client_reason, ip, user_agent, detail"
    };
}

/// Columns of an entry that it has once it is sealed.
macro_rules! sealing_columns {
    () => {
        "position, origin_salt, origin_commitment, client_reason_salt, client_reason_commitment, mark"
    };
}

/// Columns of a seal.
macro_rules! seal_columns {
    () => {
        "number, version, sealed_at, first_position, last_position, root, previous, public_key, signature"
    };
}

/// A page of entries before `$1` and `$2`, the newest first, of which all is true that is asked for. What is said of
/// few comes out of an index of these.
macro_rules! entries_before {
    ($of_few:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM audit_log WHERE (at, id) < ($1, $2) AND at >= $3 AND ($4 = '' OR action = $4) \
             AND ($5 = '' OR ip = $5) AND ($6 OR user_id = $7) AND ($8 OR actor_id = $9)",
            $of_few,
            " ORDER BY at DESC, id DESC LIMIT $10"
        )
    };
}

statements! {
    INSERT_AUDIT = concat!("INSERT INTO audit_log (", entry_columns!(), ") VALUES {rows:11}");
    /// Entries that differ in nothing but their ids, users and sessions, and in what their seal gives them.
    INSERT_SEALED_ALIKE = concat!(
        "INSERT INTO audit_log (",
        entry_columns!(),
        ", ",
        sealing_columns!(),
        ") SELECT v.column1, $1, v.column2, $2, v.column3, $3, $4, $5, $6, $7, $8, \
         v.column4, v.column5, v.column6, v.column7, v.column8, v.column9 \
         FROM (VALUES {rows:9:uuid:uuid:uuid:bigint:bytea:bytea:bytea:bytea:bytea}) AS v"
    );
    /// Where somebody else did it, not from where: neither their address nor their session.
    ACTIVITY = "SELECT a.id, a.at, \
        CASE WHEN a.actor_id <> a.user_id AND s.id IS NULL THEN NULL ELSE a.session_id END AS session_id, \
        a.action, a.reason, a.client_reason, \
        CASE WHEN a.actor_id <> a.user_id THEN '' ELSE a.ip END AS ip, \
        CASE WHEN a.actor_id <> a.user_id THEN '' ELSE a.user_agent END AS user_agent, a.detail, s.device_name, \
        s.actor_name, s.support_reason \
        FROM audit_log a LEFT JOIN sessions s ON s.id = a.session_id AND s.user_id = a.user_id \
        WHERE a.user_id = $1 AND (a.at, a.id) < ($2, $3) ORDER BY a.at DESC, a.id DESC LIMIT $4";
    ENTRIES = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_log WHERE (at, id) > ($1, $2) AND at < $3 AND ($4 = '' OR action = $4) ORDER BY at, id LIMIT $5"
    );
    ENTRIES_OF_USER = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_log WHERE (at, id) > ($1, $2) AND at < $3 AND ($4 = '' OR action = $4) AND user_id = $6 \
         ORDER BY at, id LIMIT $5"
    );
    ENTRIES_BEFORE = entries_before!("");
    ENTRIES_BEFORE_OF_USER = entries_before!(" AND user_id = $7");
    ENTRIES_BEFORE_BY_ACTOR = entries_before!(" AND actor_id = $9");
    ENTRIES_BEFORE_AT_ADDRESS = entries_before!(" AND ip <> '' AND ip = $5");
    ENTRIES_BEFORE_OF_ACTION = entries_before!(" AND action = $4");
    COUNT_ENTRIES = "SELECT at / 3600000, COUNT(*) FROM audit_log WHERE action = $1 AND at >= $2 AND at < $3 \
        GROUP BY at / 3600000";
    STORED_COUNTS = "SELECT hour, entries FROM audit_counts WHERE action = $1 AND hour >= $2 ORDER BY hour";
    /// Another server may have counted them too.
    STORE_COUNT = "INSERT INTO audit_counts (action, hour, entries) VALUES ($1, $2, $3) \
        ON CONFLICT (action, hour) DO NOTHING";
    UNSEALED = concat!(
        "SELECT ",
        entry_columns!(),
        " FROM audit_log WHERE position IS NULL ORDER BY at, id LIMIT $1 {skip_locked}"
    );
    COUNT_UNSEALED = "SELECT COUNT(*) FROM audit_log WHERE position IS NULL";
    /// A seal that was taken away may have left its positions.
    LAST_POSITION = "SELECT COALESCE(MAX(position), 0) FROM audit_log WHERE position IS NOT NULL";
    /// Those without a position, but not said so that the index of these would be read for each: there are few of them
    /// when it is planned, and a hundred thousand when many sessions have ended.
    SEAL_ENTRIES = "UPDATE audit_log SET position = v.column2, origin_salt = v.column3, origin_commitment = v.column4, \
        client_reason_salt = v.column5, client_reason_commitment = v.column6, mark = v.column7 \
        FROM (VALUES {rows:uuid:bigint:bytea:bytea:bytea:bytea:bytea}) AS v \
        WHERE audit_log.id = v.column1 AND COALESCE(audit_log.position, 0) = 0";
    INSERT_SEAL = concat!(
        "INSERT INTO audit_seals (",
        seal_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    SEAL = concat!("SELECT ", seal_columns!(), " FROM audit_seals WHERE number = $1");
    NEWEST_SEAL = concat!(
        "SELECT ",
        seal_columns!(),
        " FROM audit_seals WHERE number > 0 ORDER BY number DESC LIMIT 1"
    );
    SEALS_AFTER = concat!(
        "SELECT ",
        seal_columns!(),
        " FROM audit_seals WHERE number > $1 ORDER BY number LIMIT $2"
    );
    SEALED_AFTER = concat!(
        "SELECT ",
        entry_columns!(),
        ", ",
        sealing_columns!(),
        " FROM audit_log WHERE position IS NOT NULL AND (position, id) > ($1, $2) ORDER BY position, id LIMIT $3"
    );
    /// What clients said in their own words goes as well. The salts go with what they hide: commitments stay.
    WIPE_ORIGINS_OF = "UPDATE audit_log SET ip = '', user_agent = '', origin_salt = NULL, client_reason = NULL, \
        client_reason_salt = NULL \
        WHERE user_id = $1 AND (ip <> '' OR user_agent <> '' OR client_reason IS NOT NULL)";
}
