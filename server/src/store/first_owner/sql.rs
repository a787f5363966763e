//! Statements: the first owner, and the links that make one.

use crate::store::db::dialect::statements;

statements! {
    HAS_OWNER = "SELECT EXISTS (SELECT 1 FROM user_roles held JOIN users u ON u.id = held.user_id \
        WHERE held.role = 'owner' AND u.disabled_at IS NULL) AS has_owner";
    INSERT_OWNER_LINK = "INSERT INTO first_owner_links (digest, expires_at) VALUES ($1, $2)";
    IS_OWNER_LINK =
        "SELECT EXISTS (SELECT 1 FROM first_owner_links WHERE digest = $1 AND expires_at > $2) AS is_good";
    USE_UP_OWNER_LINK = "DELETE FROM first_owner_links WHERE digest = $1 AND expires_at > $2";
    /// Those that have expired by then.
    DELETE_OWNER_LINKS = "DELETE FROM first_owner_links WHERE expires_at <= $1";
}
