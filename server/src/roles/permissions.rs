//! The permissions of those who look after roles.

use types::words::permissions as names;

use crate::auth::permissions::Permission;

pub const ROLES_READ: Permission = Permission::new(names::ROLES_READ, "See all roles and permissions.");
pub const ROLES_WRITE: Permission = Permission::new(names::ROLES_WRITE, "Make, change and delete roles.");
pub const ROLES_ASSIGN: Permission = Permission::new(names::ROLES_ASSIGN, "Give roles to users, and take them.");

pub const ALL: &[Permission] = &[ROLES_READ, ROLES_WRITE, ROLES_ASSIGN];
