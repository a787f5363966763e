//! Permissions: what a role lets its users do, and a route can ask for.
//!
//! An area declares its permissions as constants of its own. They travel in the access token by name, so that no check
//! of one reads the database.

use std::fmt;

/// Roles whose users may do everything that there is a permission for.
const ROLES_WITH_ALL: [&str; 2] = ["admin", "owner"];

/// One permission, named `area:action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission(&'static str);

impl Permission {
    /// A permission by its name, such as `rooms:open`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name, as tokens carry it.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The permissions that this server knows.
#[derive(Clone, Debug, Default)]
pub struct Permissions(Vec<Permission>);

impl Permissions {
    /// Those that the areas declare.
    pub fn new(declared: impl IntoIterator<Item = Permission>) -> Self {
        Self(declared.into_iter().collect())
    }

    /// The names of what a user with these roles may do, for a token.
    pub fn of_roles(&self, roles: &[String]) -> Vec<String> {
        let has_all = roles.iter().any(|role| ROLES_WITH_ALL.contains(&role.as_str()));
        let granted = self.0.iter().filter(|_| has_all);
        granted.map(|permission| permission.name().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_administer_get_permissions() {
        let known = Permissions::new([Permission::new("rooms:open"), Permission::new("rooms:close")]);
        let of = |roles: &[&str]| {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            known.of_roles(&roles)
        };
        assert_eq!(of(&["user"]), Vec::<String>::new());
        assert_eq!(of(&["administrator"]), Vec::<String>::new());
        assert_eq!(of(&["user", "admin"]), ["rooms:open", "rooms:close"]);
        assert_eq!(of(&["owner"]), ["rooms:open", "rooms:close"]);
    }
}
