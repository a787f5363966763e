//! Registrations that wait to be proved. Whatever is asked about one, the same statements run whoever has the address: where there
//! is nothing to do they find nothing (ASVS 6.3.8).

statements! {
    IS_PROVED = "SELECT COUNT(*) FROM users WHERE email = $1 AND email_verified_at IS NOT NULL";
    /// In place of an earlier one, of which nothing stays but a link that was sent to the address, and what was counted: the
    /// same network does not get new guesses by registering anew.
    KEEP_REGISTRATION = "INSERT INTO registrations (email, id, name, account_type, password_hash, network, browser, \
        created_at, expires_at, code_digest, code_sent_at, code_expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $8, $11) \
        ON CONFLICT (email) DO UPDATE SET id = excluded.id, name = excluded.name, account_type = excluded.account_type, \
        password_hash = excluded.password_hash, network = excluded.network, browser = excluded.browser, \
        created_at = excluded.created_at, expires_at = excluded.expires_at, code_digest = excluded.code_digest, \
        code_sent_at = excluded.code_sent_at, code_expires_at = excluded.code_expires_at, attempts = 0, \
        failures = CASE WHEN registrations.network = excluded.network THEN registrations.failures ELSE 0 END, \
        stranger_attempts = 0";
    REGISTRATION = "SELECT id, password_hash, network, browser FROM registrations WHERE email = $1 AND expires_at > $2";
    /// For an account from a time when addresses needed no proof, once its password was given: it waits for a code like any
    /// registration, of whoever knew the password. Not in place of a registration.
    TAKE_UP_UNPROVED = "INSERT INTO registrations (email, id, name, account_type, password_hash, network, browser, \
        created_at, expires_at, code_digest, code_sent_at, code_expires_at) \
        SELECT u.email, u.id, u.name, u.account_type, u.password_hash, $2, $3, u.created_at, $4, $5, 0, 0 FROM users u \
        WHERE u.id = $1 AND u.email_verified_at IS NULL ON CONFLICT (email) DO UPDATE SET network = excluded.network, \
        browser = excluded.browser, expires_at = excluded.expires_at WHERE registrations.id = excluded.id";
    /// Nothing where the last code is younger than `$6`, somebody has proved the address meanwhile, or may not sign in, or `$8` says so.
    REPLACE_CODE = "UPDATE registrations SET code_digest = $3, code_sent_at = $4, code_expires_at = $5, expires_at = $7, \
        attempts = 0, stranger_attempts = 0 WHERE email = $1 AND id = $2 AND code_sent_at <= $6 AND $8 \
        AND NOT EXISTS (SELECT 1 FROM users u WHERE u.email = $1 \
        AND (u.email_verified_at IS NOT NULL OR u.disabled_at IS NOT NULL))";
    /// Counts a guess before it is looked at, against whoever registered (`$6`) or against strangers; gives what it is compared with.
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
}
