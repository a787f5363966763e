//! People, what proves who they are, and the audit log.

/// Columns of a person; roles come as one text, in no order.
macro_rules! user_columns {
    () => {
        "id, email, name, account_type, password_hash, password_changed_at, email_verified_at, disabled_at, epoch, \
         last_logout, created_at, \
         (SELECT string_agg(role, ',') FROM user_roles WHERE user_roles.user_id = users.id) AS roles"
    };
}

statements! {
    INSERT_USER = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email) DO NOTHING";
    INSERT_ROLE = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT (user_id, role) DO NOTHING";
    USER_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1");
    USER_BY_ID = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1");
    /// Everything that changes a person's sessions as a whole takes this lock first, then those of sessions, then
    /// that of the head row: nobody waits in a circle.
    LOCK_USER = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1 {lock}");
    LOCK_USER_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1 {lock}");
    COUNT_USERS = "SELECT COUNT(*) FROM users";
    UPDATE_PROFILE = "UPDATE users SET name = COALESCE($2, name), account_type = COALESCE($3, account_type) \
        WHERE id = $1";
    UPGRADE_PASSWORD_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4 \
        WHERE id = $1 AND password_hash = $2";
    SET_DISABLED = "UPDATE users SET disabled_at = $2 WHERE id = $1";

    /// Nothing where the person is gone or disabled, or the last one is younger than `$5`.
    REPLACE_RESET = "INSERT INTO password_resets (user_id, digest, created_at, expires_at) \
        SELECT u.id, $2, $3, $4 FROM users u WHERE u.id = $1 AND u.disabled_at IS NULL \
        ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, created_at = excluded.created_at, \
        expires_at = excluded.expires_at WHERE password_resets.created_at <= $5";
    USER_OF_RESET = concat!(
        "SELECT ",
        user_columns!(),
        " FROM users WHERE disabled_at IS NULL \
         AND id = (SELECT r.user_id FROM password_resets r WHERE r.digest = $1 AND r.expires_at > $2)"
    );
    /// Only with a token that is good. Where nobody had proved the address, nothing stays of what a stranger may have typed.
    RESET_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4, \
        name = CASE WHEN email_verified_at IS NULL THEN $5 ELSE name END, \
        account_type = CASE WHEN email_verified_at IS NULL THEN 'INDIVIDUAL' ELSE account_type END, \
        email_verified_at = COALESCE(email_verified_at, $4) WHERE id = $1 AND disabled_at IS NULL AND EXISTS \
        (SELECT 1 FROM password_resets r WHERE r.user_id = users.id AND r.digest = $2 AND r.expires_at > $4)";
    DELETE_RESET = "DELETE FROM password_resets WHERE user_id = $1";
    /// Takes sessions with their histories, roles, tokens and what browsers are known by with it.
    DELETE_USER = "DELETE FROM users WHERE id = $1";

    INSERT_AUDIT = "INSERT INTO audit_log (id, at, user_id, actor_id, session_id, action, reason, client_reason, ip, \
        user_agent) VALUES {rows:10}";
    ACTIVITY = "SELECT a.id, a.at, a.session_id, a.action, a.reason, a.client_reason, a.ip, a.user_agent, \
        s.device_name FROM audit_log a LEFT JOIN sessions s ON s.id = a.session_id \
        WHERE a.user_id = $1 AND (a.at, a.id) < ($2, $3) ORDER BY a.at DESC, a.id DESC LIMIT $4";
    /// What clients said in their own words goes as well.
    WIPE_ORIGINS_OF = "UPDATE audit_log SET ip = '', user_agent = '', client_reason = NULL \
        WHERE user_id = $1 AND (ip <> '' OR user_agent <> '' OR client_reason IS NOT NULL)";
}
