//! Permissions: what a role lets its users do, and a route can ask for.
//!
//! An area declares its permissions as constants of its own, each with the lowest built-in role that has it. They
//! travel in the access token by name, so that no check of one reads the database.

use std::fmt;

use types::words::BuiltInRole;

/// One permission, named `area:action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    name: &'static str,
    allows: &'static str,
    held_from: BuiltInRole,
}

impl Permission {
    /// A permission of admins, by its name, such as `rooms:open`, and in a sentence what it allows.
    pub const fn new(name: &'static str, allows: &'static str) -> Self {
        Self { name, allows, held_from: BuiltInRole::Admin }
    }

    /// The same, where this is the lowest built-in role that has it.
    #[must_use]
    pub const fn held_by(self, lowest: BuiltInRole) -> Self {
        Self { held_from: lowest, ..self }
    }

    /// Its name, as tokens carry it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub const fn allows(self) -> &'static str {
        self.allows
    }

    /// The lowest built-in role that has it.
    pub const fn held_from(self) -> BuiltInRole {
        self.held_from
    }

    /// Whether it is one of those who administer: not every user has it by themselves.
    pub fn administers(self) -> bool {
        self.held_from > BuiltInRole::User
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
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

    pub fn all(&self) -> &[Permission] {
        &self.0
    }

    /// Whether there is one of that name.
    pub fn is_known(&self, name: &str) -> bool {
        self.0.iter().any(|permission| permission.name == name)
    }

    /// The names of what a user may do, for a token: what the built-in role has that their roles come to, and what
    /// custom roles add. What this server does not know is left out.
    pub fn of(&self, base: BuiltInRole, added: &[String]) -> Vec<String> {
        let is_held =
            |permission: &&Permission| permission.held_from <= base || added.iter().any(|name| name == permission.name);
        self.0.iter().filter(is_held).map(|permission| permission.name.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_user_may_do_is_no_administration() {
        let enter = Permission::new("rooms:enter", "Enter rooms.");
        assert!(enter.administers() && enter.held_by(BuiltInRole::Moderator).administers());
        assert!(!enter.held_by(BuiltInRole::User).administers());
    }

    #[test]
    fn a_role_has_what_those_below_it_have_and_what_is_added() {
        let known = Permissions::new([
            Permission::new("rooms:enter", "Enter rooms.").held_by(BuiltInRole::User),
            Permission::new("rooms:watch", "Look into rooms.").held_by(BuiltInRole::Moderator),
            Permission::new("rooms:close", "Close rooms."),
            Permission::new("rooms:sell", "Sell rooms.").held_by(BuiltInRole::Owner),
        ]);
        let of = |base, added: &[&str]| {
            let added: Vec<String> = added.iter().map(|name| (*name).to_owned()).collect();
            known.of(base, &added)
        };
        assert_eq!(of(BuiltInRole::User, &[]), ["rooms:enter"]);
        assert_eq!(of(BuiltInRole::Moderator, &[]), ["rooms:enter", "rooms:watch"]);
        assert_eq!(of(BuiltInRole::Admin, &[]), ["rooms:enter", "rooms:watch", "rooms:close"]);
        assert_eq!(of(BuiltInRole::Owner, &[]), ["rooms:enter", "rooms:watch", "rooms:close", "rooms:sell"]);
        assert_eq!(of(BuiltInRole::User, &["rooms:sell", "rooms:of-a-newer-server"]), ["rooms:enter", "rooms:sell"]);
    }
}
