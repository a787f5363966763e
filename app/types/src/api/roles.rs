//! Roles and permissions on the wire.

use serde::{Deserialize, Serialize};

use super::request::request;
use crate::domain::UserId;
use crate::words::{BuiltInRole, OrOther};

/// `GET`: all roles. `POST`: makes a custom one.
pub const ROLES: &str = "/api/roles";
/// `PATCH`: changes a custom role. `DELETE`: deletes it. Takes its name.
pub const ROLE: &str = "/api/roles/{name}";
/// `GET`: all permissions.
pub const PERMISSIONS: &str = "/api/permissions";
/// `PUT`: sets the roles of a user. Takes a user id.
pub const USER_ROLES: &str = "/api/users/{id}/roles";
/// `GET`: what the token of the request allows.
pub const HELD_PERMISSIONS: &str = "/api/user/permissions";

/// The path of one role.
pub fn role(name: impl std::fmt::Display) -> String {
    format!("{ROLES}/{name}")
}

/// The path of the roles of one user.
pub fn user_roles(id: UserId) -> String {
    format!("/api/users/{id}/roles")
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether it is there by itself, and stays as it is.
    pub built_in: bool,
    /// The role whose permissions it has as well; absent for the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherits: Option<String>,
    /// What it is for.
    pub description: String,
    /// The permissions that it adds to those, by name.
    pub permissions: Vec<String>,
    /// All permissions that its holders have by it, by name.
    pub all_permissions: Vec<String>,
    /// How many users hold it, counted to 10,001.
    pub holders: u64,
}

/// Answer of `GET /api/roles`: built-in roles first, lowest first; then custom ones by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RoleList {
    /// All of them.
    pub roles: Vec<Role>,
}

request! {
    /// Body of `POST /api/roles`.
    CreateRoleRequest, CreateRoleFields {
        /// Its name: 2 to 40 small letters, digits and hyphens.
        name: String,
        /// The role whose permissions it has as well.
        inherits: String,
        /// The permissions that it adds, by name; none where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions: Option<Vec<String>>,
        /// What it is for, in at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

request! {
    /// Body of `PATCH /api/roles/{name}`: what is absent stays.
    #[derive(Default)]
    ChangeRoleRequest, ChangeRoleFields {
        /// The role whose permissions it has as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inherits: Option<String>,
        /// All permissions that it adds, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions: Option<Vec<String>>,
        /// What it is for, in at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionSummary {
    /// Its name, `area:action`.
    pub name: String,
    /// What it allows.
    pub allows: String,
    /// The lowest built-in role that has it.
    pub held_from: OrOther<BuiltInRole>,
}

/// Answer of `GET /api/permissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PermissionList {
    /// All of them.
    pub permissions: Vec<PermissionSummary>,
}

request! {
    /// Body of `PUT /api/users/{id}/roles`.
    SetRolesRequest, SetRolesFields {
        /// All roles that the user has from now on, by name: at least one.
        roles: Vec<String>,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

/// The roles of a user, and what those allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserRoles {
    /// The user.
    pub user_id: UserId,
    /// Roles by name, sorted.
    pub roles: Vec<String>,
    /// Permissions by name.
    pub permissions: Vec<String>,
}

/// Answer of `GET /api/user/permissions`: what the token of the request allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HeldPermissions {
    /// Roles by name, sorted.
    pub roles: Vec<String>,
    /// Permissions by name.
    pub permissions: Vec<String>,
    /// Whether one of them is for administering: not every user has it.
    pub administers: bool,
}

/// The roles of a user before and after a change, sorted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RolesChange {
    /// By name.
    pub before: Vec<String>,
    /// By name.
    pub after: Vec<String>,
}

#[cfg(feature = "schema")]
mod examples {
    use super::{
        ChangeRoleRequest, CreateRoleRequest, HeldPermissions, PermissionList, Role, RoleList, SetRolesRequest,
        UserRoles,
    };
    use crate::api::examples::Example;

    /// A custom role.
    macro_rules! role {
        () => {
            r#"{
                "name": "support", "builtIn": false, "inherits": "user", "description": "Answers calls.",
                "permissions": ["users:read"], "allPermissions": ["users:read"], "holders": 3
            }"#
        };
    }

    impl Example for Role {
        const EXAMPLE: &'static str = role!();
    }

    impl Example for RoleList {
        const EXAMPLE: &'static str = concat!(r#"{"roles": ["#, role!(), "]}");
    }

    impl Example for CreateRoleRequest {
        const EXAMPLE: &'static str = r#"{
            "name": "support", "inherits": "user", "permissions": ["users:read"], "description": "Answers calls."
        }"#;
    }

    impl Example for ChangeRoleRequest {
        const EXAMPLE: &'static str = r#"{"permissions": ["users:read", "sessions:read"]}"#;
    }

    impl Example for PermissionList {
        const EXAMPLE: &'static str = r#"{
            "permissions": [{"name": "users:read", "allows": "Find users and look at them.", "heldFrom": "moderator"}]
        }"#;
    }

    impl Example for SetRolesRequest {
        const EXAMPLE: &'static str = r#"{"roles": ["moderator"]}"#;
    }

    impl Example for UserRoles {
        const EXAMPLE: &'static str = r#"{
            "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "roles": ["moderator"],
            "permissions": ["users:read", "sessions:read", "sessions:end", "overview:read"]
        }"#;
    }

    impl Example for HeldPermissions {
        const EXAMPLE: &'static str =
            r#"{"roles": ["moderator"], "permissions": ["users:read", "sessions:read"], "administers": true}"#;
    }
}
