//! Statements: roles, and who has them.

use crate::store::db::dialect::statements;
use crate::store::sessions::sql::raise_epoch;

statements! {
    ROLES = "SELECT name, inherits, permissions, description, built_in, base, grants, created_at, \
        (SELECT COUNT(*) FROM (SELECT 1 FROM user_roles u WHERE u.role = roles.name LIMIT 10001) held) AS holders \
        FROM roles ORDER BY name";
    /// Built-in roles stay as they are.
    SAVE_ROLE = "INSERT INTO roles (name, inherits, permissions, description, built_in, base, grants, created_at) \
        VALUES ($1, $2, $3, $4, FALSE, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET inherits = excluded.inherits, \
        permissions = excluded.permissions, description = excluded.description, base = excluded.base, \
        grants = excluded.grants WHERE NOT roles.built_in";
    /// Takes it from its holders.
    DELETE_ROLE = "DELETE FROM roles WHERE name = $1 AND NOT built_in";
    DELETE_ROLES_OF = "DELETE FROM user_roles WHERE user_id = $1";
    /// By their ids, like everybody who locks several users.
    LOCK_HOLDERS = "SELECT id FROM users WHERE id IN (SELECT user_id FROM user_roles WHERE role IN ({rows:1})) \
        ORDER BY id LIMIT 10001 {lock}";
    HELD_WITH = "SELECT DISTINCT role FROM user_roles \
        WHERE user_id IN (SELECT user_id FROM user_roles WHERE role IN ({rows:1}))";
    /// With until when the tokens of their sessions have the log remember it.
    RAISE_EPOCHS = concat!(
        "UPDATE users SET ",
        raise_epoch!("0"),
        " WHERE id IN (SELECT user_id FROM user_roles WHERE role IN ({rows:1})) \
         RETURNING id, epoch, (SELECT MAX(s.remember_until) FROM sessions s WHERE s.user_id = users.id) AS tokens"
    );
    ANOTHER_OWNER = "SELECT EXISTS (SELECT 1 FROM user_roles held JOIN users u ON u.id = held.user_id \
        WHERE held.role = 'owner' AND held.user_id <> $1 AND u.disabled_at IS NULL) AS another_owner";
}
