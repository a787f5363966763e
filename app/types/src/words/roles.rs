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
    /// Declares the names, and the list of them.
    macro_rules! names {
        ($($(#[$meaning:meta])* $name:ident = $text:literal,)*) => {
            $($(#[$meaning])* pub const $name: &str = $text;)*

            /// All of them, in the order in which they are shown.
            pub const ALL: &[&str] = &[$($name),*];
        };
    }

    names! {
        /// See how the installation is doing.
        OVERVIEW_READ = "overview:read",
        /// Find users and look at them.
        USERS_READ = "users:read",
        /// Disable and enable users, and change what they have to do.
        USERS_WRITE = "users:write",
        /// Delete users.
        USERS_DELETE = "users:delete",
        /// Act as a user.
        USERS_IMPERSONATE = "users:impersonate",
        /// See sessions of users.
        SESSIONS_READ = "sessions:read",
        /// End sessions of users.
        SESSIONS_END = "sessions:end",
        /// Read the audit log.
        AUDIT_READ = "audit:read",
        /// Export the audit log.
        AUDIT_EXPORT = "audit:export",
        /// See the roles.
        ROLES_READ = "roles:read",
        /// Make, change and delete roles.
        ROLES_WRITE = "roles:write",
        /// Give roles to users, and take them.
        ROLES_ASSIGN = "roles:assign",
    }
}
