//! Statements: mail that waits to be sent, and what was sent.

use crate::store::db::dialect::statements;

/// Columns of a message.
macro_rules! mail_columns {
    () => {
        "id, recipient, subject, body, queued_at, attempts, sent_at, forget"
    };
}

statements! {
    QUEUE_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at, domain, priority, forget) \
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)";
    /// Only where `$8` says so.
    QUEUE_MAIL_IF = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at, domain, priority) \
        SELECT $1, $2, $3, $4, $5, $5, $6, $7 WHERE $8";
    /// Only with a code that was stored.
    QUEUE_CODE_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at, domain, priority) \
        SELECT $1, $2, $3, $4, $5, $5, $7, 0 FROM registrations r WHERE r.email = $2 AND r.code_digest = $6";
    /// Only with a reset token that was stored.
    QUEUE_RESET_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at, domain, priority) \
        SELECT $1, $2, $3, $4, $5, $5, $7, 0 WHERE EXISTS (SELECT 1 FROM password_resets WHERE digest = $6) \
        OR EXISTS (SELECT 1 FROM registrations WHERE reset_digest = $6)";
    /// Takes what is due until `$2`, so that no second server sends it too: what somebody waits for first, notices only where `$6` is 1, and
    /// of each domain only so many that with those under way on any server there are no more than `$4`, of notices `$5`.
    CLAIM_MAIL = concat!(
        "UPDATE mail SET next_attempt_at = $2, claimed_until = $2 WHERE id IN (\
         SELECT m.id FROM mail m WHERE m.sent_at IS NULL AND m.next_attempt_at <= $1 AND m.id IN (\
         SELECT due.id FROM (SELECT id, domain, priority, \
         ROW_NUMBER() OVER (PARTITION BY domain ORDER BY priority, next_attempt_at, id) AS place \
         FROM mail WHERE sent_at IS NULL AND next_attempt_at <= $1 AND priority <= $6) due \
         WHERE due.place <= CASE WHEN due.priority = 0 THEN CAST($4 AS BIGINT) ELSE CAST($5 AS BIGINT) END - (SELECT COUNT(*) FROM mail busy \
         WHERE busy.domain = due.domain AND busy.sent_at IS NULL AND busy.claimed_until > $1)) \
         ORDER BY m.priority, m.next_attempt_at LIMIT $3 {skip_locked}) RETURNING ",
        mail_columns!()
    );
    FORGET_MAIL = "DELETE FROM mail WHERE id = $1 AND forget";
    /// The text is of no more use; it may hold a code or a link.
    MAIL_SENT = "UPDATE mail SET sent_at = $2, body = '' WHERE id = $1 AND sent_at IS NULL";
    MAIL_KEPT = "UPDATE mail SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL";
    MAIL_FAILED = "UPDATE mail SET attempts = attempts + 1, next_attempt_at = $2, claimed_until = NULL WHERE id = $1 AND sent_at IS NULL";
    MAIL_TO = "SELECT recipient, subject, queued_at, sent_at FROM mail WHERE recipient = $1 ORDER BY queued_at, id";
    DELETE_MAIL_TO = "DELETE FROM mail WHERE recipient = $1";
    MAILBOX = concat!("SELECT ", mail_columns!(), " FROM mail ORDER BY queued_at DESC, id DESC LIMIT $1");
}
