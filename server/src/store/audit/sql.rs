//! Statements: the audit log.

use crate::store::db::dialect::statements;

statements! {
    INSERT_AUDIT = "INSERT INTO audit_log (id, at, user_id, actor_id, session_id, action, reason, client_reason, ip, \
        user_agent, detail) VALUES {rows:11}";
    /// Where somebody else did it, not from where.
    ACTIVITY = "SELECT a.id, a.at, a.session_id, a.action, a.reason, a.client_reason, \
        CASE WHEN a.actor_id <> a.user_id THEN '' ELSE a.ip END AS ip, \
        CASE WHEN a.actor_id <> a.user_id THEN '' ELSE a.user_agent END AS user_agent, a.detail, s.device_name \
        FROM audit_log a LEFT JOIN sessions s ON s.id = a.session_id \
        WHERE a.user_id = $1 AND (a.at, a.id) < ($2, $3) ORDER BY a.at DESC, a.id DESC LIMIT $4";
    /// What clients said in their own words goes as well.
    WIPE_ORIGINS_OF = "UPDATE audit_log SET ip = '', user_agent = '', client_reason = NULL \
        WHERE user_id = $1 AND (ip <> '' OR user_agent <> '' OR client_reason IS NOT NULL)";
}
