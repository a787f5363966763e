//! Statements: roles, and who has them.

use crate::store::db::dialect::statements;
use crate::store::sessions::sql::raise_epoch;

statements! {
    /// Without those that were deleted and that somebody holds still: they inherit from none.
    ROLES = "SELECT name, inherits, permissions, description, built_in, base, grants, created_at, \
        (SELECT COUNT(*) FROM (SELECT 1 FROM user_roles u WHERE u.role = roles.name LIMIT 10001) held) AS holders \
        FROM roles WHERE built_in OR inherits IS NOT NULL ORDER BY name";
    /// The same by name only: counting who holds them takes a tenth of a second where there are many.
    ROLE_NAMES = "SELECT name FROM roles WHERE built_in OR inherits IS NOT NULL ORDER BY name";
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
    /// Whether a role of this name was deleted, and somebody holds it still.
    IS_GOING = "SELECT EXISTS (SELECT 1 FROM roles WHERE name = $1 AND NOT built_in AND inherits IS NULL) AS going";
    HOLDERS_AFTER = "SELECT user_id FROM user_roles WHERE role = $1 AND user_id > $2 ORDER BY user_id LIMIT $3";
    LOCK_HOLDERS_BETWEEN = "SELECT id FROM users WHERE id IN \
        (SELECT user_id FROM user_roles WHERE role = $1 AND user_id > $2 AND user_id <= $3) ORDER BY id {lock}";
    RAISE_EPOCHS_BETWEEN = concat!(
        "UPDATE users SET ",
        raise_epoch!("0"),
        " WHERE id IN (SELECT user_id FROM user_roles WHERE role = $1 AND user_id > $2 AND user_id <= $3) \
         RETURNING id, epoch, (SELECT MAX(s.remember_until) FROM sessions s WHERE s.user_id = users.id) AS tokens"
    );
    TAKE_GOING = "DELETE FROM user_roles WHERE role = $1 AND user_id > $2 AND user_id <= $3 \
        AND EXISTS (SELECT 1 FROM roles WHERE name = $1 AND NOT built_in AND inherits IS NULL)";
    /// Another job may have taken it from all behind this one, and not from those before.
    DELETE_GOING = "DELETE FROM roles WHERE name = $1 AND NOT built_in AND inherits IS NULL \
        AND NOT EXISTS (SELECT 1 FROM user_roles held WHERE held.role = $1)";
    ANOTHER_OWNER = "SELECT EXISTS (SELECT 1 FROM user_roles held JOIN users u ON u.id = held.user_id \
        WHERE held.role = 'owner' AND held.user_id <> $1 AND u.disabled_at IS NULL) AS another_owner";
}
