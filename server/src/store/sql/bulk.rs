//! Many rows at once, for databases that are filled to be measured. What is there already stays as it is, so that filling can be
//! taken up again where it was left.

statements! {
    SEED_PEOPLE = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
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
}
