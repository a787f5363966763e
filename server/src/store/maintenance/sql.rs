//! Statements: what keeps the database in shape: migrations, clean-up, and rows to be measured with.

use crate::store::db::dialect::statements;
use crate::store::sessions::sql::live_until;

statements! {
    SEED_USERS = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, created_at) VALUES {rows:8} ON CONFLICT (id) DO NOTHING";
    SEED_ROLES = "INSERT INTO user_roles (user_id, role) VALUES {rows:2} ON CONFLICT (user_id, role) DO NOTHING";
    SEED_SESSIONS = "INSERT INTO sessions (id, user_id, created_at, last_active, expires_at, max_expires_at, \
        device_name, platform, browser, os, kind, app_version, ip, user_agent, signed_in_with, delivery, remember, \
        refresh_digest, rotated_at, ended_at, end_reason) VALUES {rows:21} ON CONFLICT (id) DO NOTHING";
    /// How each session between two ids began, as signing in writes it; the entry has the session's own id.
    SEED_HISTORIES = "INSERT INTO session_history (id, session_id, at, kind, detail, ip) \
        SELECT id, id, created_at, 'signed_in', signed_in_with, ip FROM sessions WHERE id BETWEEN $1 AND $2 \
        ON CONFLICT (id) DO NOTHING";
    SEED_AUDIT = "INSERT INTO audit_log (id, at, user_id, actor_id, session_id, action, ip, user_agent) \
        SELECT id, created_at, user_id, user_id, id, 'sign_in', ip, user_agent FROM sessions \
        WHERE id BETWEEN $1 AND $2 ON CONFLICT (id) DO NOTHING";
    /// One that is present in a room leaves it first: its presence runs out with it, and is swept.
    MARK_EXPIRED = concat!(
        "UPDATE sessions SET ended_at = expires_at, end_reason = CASE WHEN expires_at < max_expires_at THEN $3 \
         ELSE 'session_expired' END WHERE id IN (SELECT id FROM sessions WHERE ",
        live_until!(),
        " AND expires_at <= $1 AND NOT EXISTS (SELECT 1 FROM room_presence p WHERE p.session_id = sessions.id) \
         ORDER BY expires_at LIMIT $2 {skip_locked}) RETURNING id, user_id, ended_at, end_reason"
    );
    DELETE_REVOCATIONS = "DELETE FROM revocation_log WHERE position IN \
        (SELECT position FROM revocation_log WHERE remember_until <= $1 ORDER BY remember_until LIMIT $2 \
        {skip_locked})";
    DELETE_REGISTRATIONS = "DELETE FROM registrations WHERE email IN \
        (SELECT email FROM registrations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip_locked})";
    DELETE_BROWSER_TOKENS = "DELETE FROM browser_tokens WHERE digest IN \
        (SELECT digest FROM browser_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip_locked})";
    /// Takes the tokens that are left with it.
    DELETE_BROWSERS = "DELETE FROM browsers WHERE id IN \
        (SELECT id FROM browsers WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip_locked})";
    DELETE_GRANTS = "DELETE FROM reset_grants WHERE (user_id, network) IN \
        (SELECT user_id, network FROM reset_grants WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 \
        {skip_locked})";
    DELETE_RESETS = "DELETE FROM password_resets WHERE user_id IN \
        (SELECT user_id FROM password_resets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip_locked})";
    DELETE_TICKETS = "DELETE FROM stream_tickets WHERE digest IN \
        (SELECT digest FROM stream_tickets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip_locked})";
    DELETE_BUCKETS = "DELETE FROM try_limits WHERE bucket IN \
        (SELECT bucket FROM try_limits WHERE full_at <= $1 ORDER BY full_at LIMIT $2 {skip_locked})";
    /// Before their sessions: a long life is thousands of entries, too many for one cascade.
    DELETE_HISTORIES = "DELETE FROM session_history WHERE id IN (SELECT h.id FROM session_history h \
        WHERE h.session_id IN (SELECT id FROM sessions WHERE ended_at IS NOT NULL AND ended_at < $1 \
        ORDER BY ended_at LIMIT $2) LIMIT $2 {skip_locked})";
    DELETE_SESSIONS = "DELETE FROM sessions WHERE id IN (SELECT s.id FROM sessions s \
        WHERE s.ended_at IS NOT NULL AND s.ended_at < $1 ORDER BY s.ended_at LIMIT $2 {skip_locked})";
    WIPE_SESSION_ORIGINS = "UPDATE sessions SET ip = '', user_agent = '', place = NULL WHERE id IN \
        (SELECT id FROM sessions WHERE last_active < $1 AND (ip <> '' OR user_agent <> '') \
        ORDER BY last_active LIMIT $2 {skip_locked})";
    /// What a change of network says is addresses too.
    WIPE_HISTORY_ORIGINS = "UPDATE session_history SET ip = '', \
        detail = CASE WHEN kind = 'network_changed' THEN NULL ELSE detail END WHERE id IN \
        (SELECT id FROM session_history WHERE at < $1 AND ip <> '' ORDER BY at LIMIT $2 {skip_locked})";
    WIPE_AUDIT_ORIGINS = "UPDATE audit_log SET ip = '', user_agent = '', origin_salt = NULL WHERE id IN \
        (SELECT id FROM audit_log WHERE at < $1 AND (ip <> '' OR user_agent <> '') ORDER BY at LIMIT $2 \
        {skip_locked})";
    TIME = "SELECT {now} AS database_time";
}
