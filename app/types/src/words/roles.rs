//! Roles that are there by themselves, and the names of permissions.

use super::vocabulary::vocabulary;

vocabulary! {
    /// The built-in roles, lowest first: each has what those below it have.
    BuiltInRole {
        /// Everybody.
        User = "user",
        /// Looks after users: finds them, and ends their sessions.
        Moderator = "moderator",
        /// Runs the installation: changes users, gives roles, reads the audit log.
        Admin = "admin",
        /// The same, and stands above those who run it. The last one stays.
        Owner = "owner",
    }
}

/// Names of permissions, `area:action`, as tokens carry them.
pub mod permissions {
    pub const OVERVIEW_READ: &str = "overview:read";
    pub const USERS_READ: &str = "users:read";
    pub const USERS_WRITE: &str = "users:write";
    pub const USERS_DELETE: &str = "users:delete";
    pub const USERS_IMPERSONATE: &str = "users:impersonate";
    pub const SESSIONS_READ: &str = "sessions:read";
    pub const SESSIONS_END: &str = "sessions:end";
    pub const AUDIT_READ: &str = "audit:read";
    pub const AUDIT_EXPORT: &str = "audit:export";
    pub const ROLES_READ: &str = "roles:read";
    pub const ROLES_WRITE: &str = "roles:write";
    pub const ROLES_ASSIGN: &str = "roles:assign";
}
