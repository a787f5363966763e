//! Ending sessions, the revocation log, and receipts.

/// Marks live sessions as ended; the condition follows.
macro_rules! end_sessions {
    ($which:literal) => {
        concat!(
            "UPDATE sessions SET ended_at = $2, end_reason = $3, ended_by = $4, ended_by_device = $5, receipt = $6 \
             WHERE user_id = $1 AND ended_at IS NULL",
            $which,
            " RETURNING id, device_name, platform, browser, os, kind, app_version, remember_until"
        )
    };
}

/// Raises an epoch above all that were ever given. The database may be set back, and epochs from what it has lost may be about in tokens:
/// so it is never below the time, which they were not either, nor below what was seen of them.
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

/// Cuts off the tokens of an older system. Never moves back: a wish whose commit had to wait may be older than the last one.
macro_rules! cut_off {
    () => {
        "last_logout = CASE WHEN last_logout > $2 THEN last_logout ELSE $2 END"
    };
}

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
    /// What has become of the session that wants others ended.
    ASKER = "SELECT expires_at, ended_at FROM sessions WHERE id = $1 AND user_id = $2";
    /// Whether there is such a session, of whoever.
    IS_THERE = "SELECT 1 FROM sessions WHERE id = $1";
    /// Whether the log has this very session, known or not.
    IS_REVOKED = "SELECT 1 FROM revocation_log WHERE session_id = $1 AND remember_until > {now} LIMIT 1";
    CUT_OFF = concat!("UPDATE users SET ", cut_off!(), " WHERE id = $1");

    /// Locks the head row until the commit, so that positions commit in order: nothing but the log rows may follow.
    ADVANCE_HEAD = "UPDATE revocation_head SET position = position + $1 WHERE id = 1 RETURNING position";
    INSERT_REVOCATION = "INSERT INTO revocation_log (position, user_id, session_id, epoch, reason, ended_by, \
        ended_by_device, at, remember_until) VALUES {rows:9}";
    /// The names of devices of somebody who is gone. That their tokens are refused needs none.
    FORGET_DEVICES_OF = "UPDATE revocation_log SET ended_by_device = NULL WHERE user_id = $1 AND ended_by_device IS NOT NULL";
    TIME = "SELECT {now} AS database_time";
    /// By the tokens of all of a person's sessions.
    REMEMBERED_OF = "SELECT MAX(remember_until) FROM sessions WHERE user_id = $1";
    RAISE_EPOCH_TO = "UPDATE users SET epoch = $2 WHERE id = $1 AND epoch < $2 RETURNING epoch";
    /// One look at the log.
    REVOCATIONS_FROM = "SELECT h.position AS head, {now} AS database_time, {is_replica} AS is_replica, r.position, r.user_id, r.session_id, r.epoch, \
        r.reason, r.ended_by, r.ended_by_device, r.at, r.remember_until \
        FROM revocation_head h LEFT JOIN revocation_log r ON r.position >= $1 ORDER BY r.position";
    /// Without the head: joined to it, PostgreSQL sorts all that is left of the log for each page.
    LIVE_REVOCATIONS = "SELECT position, user_id, session_id, epoch, reason, ended_by, ended_by_device, at, remember_until \
        FROM revocation_log WHERE position > $1 AND remember_until > {now} ORDER BY position LIMIT $2";
    COUNT_LIVE_REVOCATIONS = "SELECT COUNT(*) FROM revocation_log WHERE remember_until > {now}";

    MARK_TOLD = "UPDATE sessions SET told_at = $2 WHERE id = $1 AND ended_at IS NOT NULL AND told_at IS NULL";
    CONFIRM_END = "UPDATE sessions SET confirmed_at = COALESCE(confirmed_at, $2) \
        WHERE id = $1 AND ended_at IS NOT NULL";
    RECEIPT = "SELECT id, device_name, platform, browser, os, kind, app_version, ended_by, told_at, confirmed_at \
        FROM sessions WHERE receipt = $1 ORDER BY last_active DESC, id DESC";
}
