//! Browsers, the tokens they are known by, and who has signed in with them.

statements! {
    BROWSER_OF_TOKEN = "SELECT browser_id, created_at FROM browser_tokens WHERE digest = $1 AND expires_at > $2";
    BROWSER_OF_SESSION = "SELECT browser_id FROM sessions WHERE id = $1 AND browser_id IS NOT NULL";
    /// Makes it where it is missing, and locks it until the commit. First of all locks: before those of people.
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
    LIVE_SESSION = "SELECT id, user_id FROM sessions WHERE id = $1 AND ended_at IS NULL";

    KNOWN_BROWSER = "SELECT t.browser_id FROM browser_tokens t JOIN browser_users u ON u.browser_id = t.browser_id \
        WHERE t.digest = $1 AND t.expires_at > $2 AND u.user_id = $3";
    GRANT_AFTER_RESET = "INSERT INTO reset_grants (user_id, network, expires_at) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id, network) DO UPDATE SET expires_at = excluded.expires_at";
    GRANTED_AFTER_RESET = "SELECT expires_at FROM reset_grants WHERE user_id = $1 AND network = $2 AND expires_at > $3";
}
