//! Roles, and who has them.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{Timestamp, UserId};

use crate::store::db::verbs;

/// Decides about a change of roles, by what is stored while no other change of roles is under way. Gives the roles to
/// be written, the one that is asked about first.
pub(in crate::store) type DecideRoles<'a> =
    &'a (dyn Fn(&RoleFacts<'_>) -> Result<Vec<RoleRow>, RoleRefusal> + Send + Sync);

/// The same about the roles of a user.
pub(in crate::store) type DecideUserRoles<'a> =
    &'a (dyn Fn(&UserRoleFacts<'_>) -> Result<(), RoleRefusal> + Send + Sync);

verbs! {
    /// Roles, and who has them. Of changes one is decided and committed after the other, on all servers.
    RolesStore = roles;

    /// All roles, by name.
    roles() -> Vec<RoleRow>;
    /// The names of all roles, in order.
    role_names() -> Vec<String>;
    /// Makes or changes custom roles as `decide` says, with the audit entry. Where their holders may then do something
    /// else, the epochs of these rise, or a job is enqueued that raises them.
    save_roles(command: &RoleCommand<'_>, decide: DecideRoles<'_>) -> Result<SavedRole, RoleRefusal>;
    /// Deletes a custom role where `decide` lets it, with the audit entry: its holders lose it, and their epochs rise.
    /// Where they are many it is hidden and allows nothing any more, and a job is enqueued that does the rest.
    delete_role(command: &RoleCommand<'_>, decide: DecideRoles<'_>) -> Result<SavedRole, RoleRefusal>;
    /// Raises the epochs of the next holders of a role, by their ids, and takes it from them where it was deleted. One
    /// that was deleted and that nobody holds any more is gone.
    raise_epochs_of(
        role: &str, after: UserId, limit: i64, at: Timestamp, remember_until: Timestamp
    ) -> RaisedEpochs;
    /// Sets the roles of a user where `decide` lets it, with the audit entry, and raises the user's epoch. Nothing is
    /// written where they are these already.
    set_user_roles(
        command: &UserRolesCommand<'_>, decide: DecideUserRoles<'_>
    ) -> Result<SavedUserRoles, RoleRefusal>;
}
