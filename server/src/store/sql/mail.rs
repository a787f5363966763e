//! The outbox.

/// Columns of a message.
macro_rules! mail_columns {
    () => {
        "id, recipient, subject, body, queued_at, attempts, sent_at, forget"
    };
}

statements! {
    QUEUE_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at, forget) \
        VALUES ($1, $2, $3, $4, $5, $5, $6)";
    /// Only where `$6` says so.
    QUEUE_MAIL_IF = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at) \
        SELECT $1, $2, $3, $4, $5, $5 WHERE $6";
    /// Only with a code that was stored.
    QUEUE_CODE_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at) \
        SELECT $1, $2, $3, $4, $5, $5 FROM registrations r WHERE r.email = $2 AND r.code_digest = $6";
    /// Only with a reset token that was stored.
    QUEUE_RESET_MAIL = "INSERT INTO mail (id, recipient, subject, body, queued_at, next_attempt_at) \
        SELECT $1, $2, $3, $4, $5, $5 WHERE EXISTS (SELECT 1 FROM password_resets WHERE digest = $6) \
        OR EXISTS (SELECT 1 FROM registrations WHERE reset_digest = $6)";
    /// Takes what is due until `$2`, so that no second server sends it too.
    CLAIM_MAIL = concat!(
        "UPDATE mail SET next_attempt_at = $2 WHERE id IN (SELECT id FROM mail WHERE sent_at IS NULL \
         AND next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $3 {skip_locked}) RETURNING ",
        mail_columns!()
    );
    FORGET_MAIL = "DELETE FROM mail WHERE id = $1 AND forget";
    /// The text is of no more use; it may hold a code or a link.
    MAIL_SENT = "UPDATE mail SET sent_at = $2, body = '' WHERE id = $1 AND sent_at IS NULL";
    MAIL_KEPT = "UPDATE mail SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL";
    MAIL_FAILED = "UPDATE mail SET attempts = attempts + 1, next_attempt_at = $2 WHERE id = $1 AND sent_at IS NULL";
    MAIL_TO = "SELECT recipient, subject, queued_at, sent_at FROM mail WHERE recipient = $1 ORDER BY queued_at, id";
    DELETE_MAIL_TO = "DELETE FROM mail WHERE recipient = $1";
    MAILBOX = concat!("SELECT ", mail_columns!(), " FROM mail ORDER BY queued_at DESC, id DESC LIMIT $1");
}
