//! The permissions of those who look after users and sessions of others.

use types::words::BuiltInRole::Moderator;
use types::words::permissions as names;

use crate::auth::permissions::Permission;

pub const OVERVIEW_READ: Permission =
    Permission::new(names::OVERVIEW_READ, "See the statistics of the installation.").held_by(Moderator);
pub const USERS_READ: Permission =
    Permission::new(names::USERS_READ, "Find users and look at them.").held_by(Moderator);
pub const USERS_WRITE: Permission =
    Permission::new(names::USERS_WRITE, "Disable and enable users, mark them verified, force a new password.");
pub const USERS_DELETE: Permission = Permission::new(names::USERS_DELETE, "Delete users.");
pub const SESSIONS_READ: Permission =
    Permission::new(names::SESSIONS_READ, "See the sessions of all users.").held_by(Moderator);
pub const SESSIONS_END: Permission =
    Permission::new(names::SESSIONS_END, "End the sessions of other users.").held_by(Moderator);
pub const AUDIT_READ: Permission = Permission::new(names::AUDIT_READ, "Read the audit log.");
pub const AUDIT_EXPORT: Permission = Permission::new(names::AUDIT_EXPORT, "Take the audit log along.");

pub const ALL: &[Permission] =
    &[OVERVIEW_READ, USERS_READ, USERS_WRITE, USERS_DELETE, SESSIONS_READ, SESSIONS_END, AUDIT_READ, AUDIT_EXPORT];
