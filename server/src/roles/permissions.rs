//! The permissions of those who run the installation.

use types::words::BuiltInRole::Moderator;
use types::words::permissions as names;

use crate::auth::permissions::Permission;

pub const USERS_IMPERSONATE: Permission = Permission::new(names::USERS_IMPERSONATE, "Act as a user, for support.");
pub const ROLES_READ: Permission = Permission::new(names::ROLES_READ, "See all roles and permissions.");
pub const ROLES_WRITE: Permission = Permission::new(names::ROLES_WRITE, "Make, change and delete roles.");
pub const ROLES_ASSIGN: Permission = Permission::new(names::ROLES_ASSIGN, "Give roles to users, and take them.");

/// All of them, for the tokens of those who have them.
pub const ALL: &[Permission] = &[
    Permission::new(names::OVERVIEW_READ, "See the figures of the installation.").held_by(Moderator),
    Permission::new(names::USERS_READ, "Find users and look at them.").held_by(Moderator),
    Permission::new(names::USERS_WRITE, "Disable and enable users, mark them verified, force a new password."),
    Permission::new(names::USERS_DELETE, "Delete users."),
    USERS_IMPERSONATE,
    Permission::new(names::SESSIONS_READ, "See the sessions of all users.").held_by(Moderator),
    Permission::new(names::SESSIONS_END, "End the sessions of other users.").held_by(Moderator),
    Permission::new(names::AUDIT_READ, "Read the audit log."),
    Permission::new(names::AUDIT_EXPORT, "Take the audit log along."),
    ROLES_READ,
    ROLES_WRITE,
    ROLES_ASSIGN,
];
