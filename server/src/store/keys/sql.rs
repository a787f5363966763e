//! Statements: signing keys.

use crate::store::db::dialect::statements;

statements! {
    SIGNING_KEYS = "SELECT kid, public_key, sealed_private_key, created_at, signs_from, retires_at \
        FROM signing_keys ORDER BY created_at, kid";
    INSERT_SIGNING_KEY = "INSERT INTO signing_keys (kid, public_key, sealed_private_key, created_at, signs_from, \
        retires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    INSERT_DEVELOPMENT_SECRET = "INSERT INTO development_secret (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
    DEVELOPMENT_SECRET = "SELECT secret FROM development_secret WHERE id = 1";
    RETIRE_SIGNING_KEY = "UPDATE signing_keys SET retires_at = $2 WHERE kid = $1";
    RETIRE_SIGNING_KEYS = "UPDATE signing_keys SET retires_at = $1 WHERE retires_at IS NULL";
}
