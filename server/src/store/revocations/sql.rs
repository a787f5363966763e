//! Statements: the revocation log, in one order for all servers.

use crate::store::db::dialect::statements;

statements! {
    /// Whether the log has this very session, known or not.
    IS_REVOKED = "SELECT 1 FROM revocation_log WHERE session_id = $1 AND remember_until > {now} LIMIT 1";
    /// Locks the head row until the commit, so that positions commit in order: nothing but the log rows may follow.
    ADVANCE_HEAD = "UPDATE revocation_head SET position = position + $1 WHERE id = 1 RETURNING position";
    INSERT_REVOCATION = "INSERT INTO revocation_log (position, user_id, session_id, epoch, reason, ended_by, \
        ended_by_device, at, remember_until) VALUES {rows:9}";
    /// Removes the device names of a deleted user. Refusing their tokens needs none.
    FORGET_DEVICES_OF = "UPDATE revocation_log SET ended_by_device = NULL WHERE user_id = $1 AND ended_by_device IS NOT NULL";
    /// By the tokens of all of a user's sessions.
    REMEMBERED_OF = "SELECT MAX(remember_until) FROM sessions WHERE user_id = $1";
    RAISE_EPOCH_TO = "UPDATE users SET epoch = $2 WHERE id = $1 AND epoch < $2 RETURNING epoch";
    /// One poll of the log.
    REVOCATIONS_FROM = "SELECT h.position AS head, {now} AS database_time, {is_replica} AS is_replica, \
        h.database_started IS DISTINCT FROM {started} AS has_restarted, r.position, r.user_id, r.session_id, r.epoch, \
        r.reason, r.ended_by, r.ended_by_device, r.at, r.remember_until \
        FROM revocation_head h LEFT JOIN revocation_log r ON r.position >= $1 ORDER BY r.position";
    /// The first server that sees another database than before says so in it. A new installation has lost nothing.
    NOTE_RESTART = "UPDATE revocation_head \
        SET restarted_at = CASE WHEN database_started IS NULL THEN NULL ELSE {now} END, database_started = {started} \
        WHERE id = 1 AND database_started IS DISTINCT FROM {started}";
    /// Whether the database is another than before, and when that was last seen.
    RESTARTED = "SELECT database_started IS NOT NULL AND database_started <> {started} AS has_restarted, restarted_at, \
        {now} AS database_time FROM revocation_head WHERE id = 1";
    /// Without the head: joined to it, PostgreSQL sorts all that is left of the log for each page.
    LIVE_REVOCATIONS = "SELECT position, user_id, session_id, epoch, reason, ended_by, ended_by_device, at, remember_until \
        FROM revocation_log WHERE position > $1 AND remember_until > {now} ORDER BY position LIMIT $2";
    COUNT_LIVE_REVOCATIONS = "SELECT COUNT(*) FROM revocation_log WHERE remember_until > {now}";
}
