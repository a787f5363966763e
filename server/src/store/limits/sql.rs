//! Statements: tries that are counted, once for all servers.

use crate::store::db::dialect::statements;

statements! {
    /// Takes one, unless the bucket is empty: then no row comes back.
    TAKE_FROM_BUCKET = "INSERT INTO try_limits (bucket, full_at) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT)) \
        ON CONFLICT (bucket) DO UPDATE SET full_at = \
        CASE WHEN try_limits.full_at > $2 THEN try_limits.full_at ELSE $2 END + $3 \
        WHERE try_limits.full_at <= CAST($2 AS BIGINT) + CAST($4 AS BIGINT) RETURNING full_at";
    /// A try that was taken and turned out to be none.
    GIVE_BACK = "UPDATE try_limits SET full_at = full_at - $2 WHERE bucket = $1";
    DELETE_BUCKET = "DELETE FROM try_limits WHERE bucket = $1";
    BUCKET = "SELECT full_at FROM try_limits WHERE bucket = $1";
}
