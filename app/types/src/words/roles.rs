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
    /// See how the installation is doing.
    pub const OVERVIEW_READ: &str = "overview:read";
    /// Find users and look at them.
    pub const USERS_READ: &str = "users:read";
    /// Disable and enable users, and change what they have to do.
    pub const USERS_WRITE: &str = "users:write";
    /// Delete users.
    pub const USERS_DELETE: &str = "users:delete";
    /// Act as a user.
    pub const USERS_IMPERSONATE: &str = "users:impersonate";
    /// See sessions of users.
    pub const SESSIONS_READ: &str = "sessions:read";
    /// End sessions of users.
    pub const SESSIONS_END: &str = "sessions:end";
    /// Read the audit log.
    pub const AUDIT_READ: &str = "audit:read";
    /// Export the audit log.
    pub const AUDIT_EXPORT: &str = "audit:export";
    /// See the roles.
    pub const ROLES_READ: &str = "roles:read";
    /// Make, change and delete roles.
    pub const ROLES_WRITE: &str = "roles:write";
    /// Give roles to users, and take them.
    pub const ROLES_ASSIGN: &str = "roles:assign";
}
