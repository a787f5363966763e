//! Statements: users, what proves who they are, and registrations that wait to be proved.

use crate::store::db::dialect::statements;
use crate::store::jobs::sql::insert_job;
use crate::store::sessions::sql::not_ended;

/// Columns of a user. Roles come as one text, in no order: of each its name, the built-in role that it comes to, and
/// the permissions that it adds to that. So what a user may do is as of the same moment as the epoch beside it. A role
/// that was deleted is held by nobody any more, although it is taken from many holders one after the other.
macro_rules! user_columns {
    () => {
        "id, email, name, account_type, password_hash, password_changed_at, email_verified_at, disabled_at, \
         password_reset_required_at, epoch, last_logout, created_at, \
         (SELECT string_agg(held.role || ' ' || roles.base || ' ' || roles.grants, ',') FROM user_roles held \
         JOIN roles ON roles.name = held.role AND (roles.built_in OR roles.inherits IS NOT NULL) \
         WHERE held.user_id = users.id) AS roles"
    };
}

pub(in crate::store) use user_columns;

statements! {
    INSERT_USER = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email) DO NOTHING";
    INSERT_ROLE = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT (user_id, role) DO NOTHING";
    USER_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1");
    USER_BY_ID = concat!("SELECT ", user_columns!(), " FROM users WHERE id = $1");
    /// Everything that changes a user's sessions as a whole takes this lock first, then those of sessions, then
    /// that of the head row: nobody waits in a circle, which `tests/it/model/locks.rs` tries.
    LOCK_USER = "SELECT id FROM users WHERE id = $1 {lock}";
    LOCK_USER_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users WHERE email = $1 {lock}");
    /// Those that do not begin with `OWN_HASHES`: an index has these few.
    ANY_IMPORTED_HASH = "SELECT password_hash FROM users \
        WHERE substr(password_hash, 1, 31) <> '$argon2id$v=19$m=19456,t=2,p=1$' ORDER BY password_hash LIMIT 1";
    COUNT_USERS = "SELECT COUNT(*) FROM users";
    UPDATE_PROFILE = "UPDATE users SET name = COALESCE($2, name), account_type = COALESCE($3, account_type) \
        WHERE id = $1";
    UPGRADE_PASSWORD_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4, \
        password_reset_required_at = NULL \
        WHERE id = $1 AND password_hash = $2";
    REQUIRE_PASSWORD_RESET = "UPDATE users SET password_reset_required_at = $2 WHERE id = $1";
    SET_DISABLED = "UPDATE users SET disabled_at = $2 WHERE id = $1";
    /// Nothing where the user is gone or disabled, or the last one is younger than `$5`.
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
    /// Only with a token that is good. Where nobody had proved the address, nothing stays of what a stranger may have
    /// typed.
    RESET_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4, \
        password_reset_required_at = NULL, \
        name = CASE WHEN email_verified_at IS NULL THEN $5 ELSE name END, \
        account_type = CASE WHEN email_verified_at IS NULL THEN 'INDIVIDUAL' ELSE account_type END, \
        email_verified_at = COALESCE(email_verified_at, $4) WHERE id = $1 AND disabled_at IS NULL AND EXISTS \
        (SELECT 1 FROM password_resets r WHERE r.user_id = users.id AND r.digest = $2 AND r.expires_at > $4)";
    DELETE_RESET = "DELETE FROM password_resets WHERE user_id = $1";
    /// Takes sessions with their histories, roles, tokens and what browsers are known by with it.
    DELETE_USER = "DELETE FROM users WHERE id = $1";
    IS_PROVED = "SELECT COUNT(*) FROM users WHERE email = $1 AND email_verified_at IS NOT NULL";
    /// In place of an earlier one, of which nothing stays but a link that was sent to the address, and what was
    /// counted: the same network does not get new guesses by registering anew.
    STORE_REGISTRATION = "INSERT INTO registrations (email, id, name, account_type, password_hash, network, browser, \
        created_at, expires_at, code_digest, code_sent_at, code_expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $11) \
        ON CONFLICT (email) DO UPDATE SET id = excluded.id, name = excluded.name, account_type = excluded.account_type, \
        password_hash = excluded.password_hash, network = excluded.network, browser = excluded.browser, \
        created_at = excluded.created_at, expires_at = excluded.expires_at, code_digest = excluded.code_digest, \
        code_sent_at = excluded.code_sent_at, code_expires_at = excluded.code_expires_at, attempts = 0, \
        failures = CASE WHEN registrations.network = excluded.network THEN registrations.failures ELSE 0 END, \
        stranger_attempts = 0";
    REGISTRATION = "SELECT id, password_hash, network, browser FROM registrations WHERE email = $1 AND expires_at > $2";
    /// For an account from a time when addresses needed no proof, once its password was given: it waits for a code like
    /// any registration, of whoever knew the password. Not in place of a registration.
    TAKE_UP_UNPROVED = "INSERT INTO registrations (email, id, name, account_type, password_hash, network, browser, \
        created_at, expires_at, code_digest, code_sent_at, code_expires_at) \
        SELECT u.email, u.id, u.name, u.account_type, u.password_hash, $2, $3, u.created_at, $4, $5, 0, 0 FROM users u \
        WHERE u.id = $1 AND u.email_verified_at IS NULL ON CONFLICT (email) DO UPDATE SET network = excluded.network, \
        browser = excluded.browser, expires_at = excluded.expires_at WHERE registrations.id = excluded.id";
    /// Nothing where the last code is younger than `$6`, somebody has proved the address meanwhile, or may not sign in,
    /// or `$8` says so.
    REPLACE_CODE = "UPDATE registrations SET code_digest = $3, code_sent_at = $4, code_expires_at = $5, expires_at = $7, \
        attempts = 0, stranger_attempts = 0 WHERE email = $1 AND id = $2 AND code_sent_at <= $6 AND $8 \
        AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email = $1 \
        AND (u.email_verified_at IS NOT NULL OR u.disabled_at IS NOT NULL))";
    /// Counts a guess before it is looked at, against whoever registered (`$6`) or against strangers; gives what it is
    /// compared with.
    COUNT_GUESS = "UPDATE registrations SET \
        attempts = attempts + CASE WHEN $6 THEN 1 ELSE 0 END, failures = failures + CASE WHEN $6 THEN 1 ELSE 0 END, \
        stranger_attempts = stranger_attempts + CASE WHEN $6 THEN 0 ELSE 1 END, \
        stranger_failures = stranger_failures + CASE WHEN $6 THEN 0 ELSE 1 END \
        WHERE email = $1 AND id = $2 AND code_expires_at > $3 \
        AND CASE WHEN $6 THEN attempts ELSE stranger_attempts END < $4 \
        AND CASE WHEN $6 THEN failures ELSE stranger_failures END < $5 RETURNING code_digest";
    MAKE_ACCOUNT = "INSERT INTO users (id, email, name, account_type, password_hash, password_changed_at, \
        email_verified_at, created_at) SELECT id, email, name, account_type, password_hash, created_at, $2, created_at \
        FROM registrations WHERE email = $1 ON CONFLICT (email) DO NOTHING";
    /// With the password of the registration, which is the account's own.
    PROVE_EMAIL = "UPDATE users SET email_verified_at = $2 WHERE id = $1";
    DELETE_REGISTRATION = "DELETE FROM registrations WHERE email = $1";
    DELETE_REGISTRATION_OF = "DELETE FROM registrations WHERE email = (SELECT email FROM users WHERE id = $1)";
    /// Nothing where the address has an account, or the last link is younger than `$5`.
    REPLACE_RESET_OF_REGISTRATION = "UPDATE registrations SET reset_digest = $2, reset_sent_at = $3, reset_expires_at = $4 \
        WHERE email = $1 AND expires_at > $3 AND (reset_sent_at IS NULL OR reset_sent_at <= $5) \
        AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email = $1)";
    EMAIL_OF_RESET = "SELECT email FROM registrations WHERE reset_digest = $1 AND reset_expires_at > $2";
    USE_UP_RESET_OF_REGISTRATION = "DELETE FROM registrations WHERE reset_digest = $1 AND reset_expires_at > $2 \
        RETURNING email";
    /// The mail, which is `$1` to `$8`, only with a code that was stored.
    ENQUEUE_CODE_MAIL = concat!(insert_job!(), "FROM registrations r WHERE r.email = $4 AND r.code_digest = $9");
    /// The mail, which is `$1` to `$8`, only with a reset token that was stored.
    ENQUEUE_RESET_MAIL = concat!(
        insert_job!(),
        "WHERE EXISTS (SELECT 1 FROM password_resets WHERE digest = $9) \
         OR EXISTS (SELECT 1 FROM registrations WHERE reset_digest = $9)"
    );
    BROWSER_OF_TOKEN = "SELECT browser_id, created_at FROM browser_tokens WHERE digest = $1 AND expires_at > $2";
    BROWSER_OF_SESSION = "SELECT browser_id FROM sessions WHERE id = $1 AND browser_id IS NOT NULL";
    /// Makes it where it is missing, and locks it until the commit. First of all locks: before those of users.
    HOLD_BROWSER = "INSERT INTO browsers (id, expires_at) VALUES ($1, $2) \
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at";
    DELETE_BROWSER = "DELETE FROM browsers WHERE id = $1";
    /// Nothing where another browser came first with this token: two tabs that sign in at once for the first time.
    INSERT_TOKEN = "INSERT INTO browser_tokens (digest, browser_id, created_at, expires_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (digest) DO NOTHING";
    /// Those from before the one that was presented: whoever has a newer one has stopped using them.
    SUPERSEDE_TOKENS = "UPDATE browser_tokens SET expires_at = $3 \
        WHERE browser_id = $1 AND created_at < $2 AND expires_at > $3";
    INSERT_BROWSER_USER = "INSERT INTO browser_users (browser_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    LIVE_IN_BROWSER = "SELECT id, user_id FROM sessions WHERE browser_id = $1 AND ended_at IS NULL";
    LIVE_SESSION = concat!("SELECT id, user_id FROM sessions WHERE id = $1 AND ", not_ended!());
    KNOWN_BROWSER = "SELECT t.browser_id FROM browser_tokens t JOIN browser_users u ON u.browser_id = t.browser_id \
        WHERE t.digest = $1 AND t.expires_at > $2 AND u.user_id = $3";
    GRANT_AFTER_RESET = "INSERT INTO reset_grants (user_id, network, expires_at) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id, network) DO UPDATE SET expires_at = excluded.expires_at";
    GRANTED_AFTER_RESET = "SELECT expires_at FROM reset_grants WHERE user_id = $1 AND network = $2 AND expires_at > $3";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OWN_HASHES;

    #[test]
    fn imported_hashes_are_those_that_our_own_hasher_does_not_write() {
        assert!(ANY_IMPORTED_HASH.contains(&format!("{}) <> '{OWN_HASHES}'", OWN_HASHES.len())));
    }
}
