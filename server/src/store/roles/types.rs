//! Roles, commands that change them, and what comes of those.

use types::domain::{Timestamp, UserId};
use types::words::BuiltInRole;

use crate::store::{NewAudit, NewJob, Revocation, User};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRow {
    pub name: String,
    /// The role whose permissions it has as well.
    pub inherits: Option<String>,
    /// The names of the permissions that it adds, sorted.
    pub permissions: Vec<String>,
    pub description: String,
    pub built_in: bool,
    /// The built-in role that it comes to.
    pub base: BuiltInRole,
    /// What it and the custom roles that it inherits from add to that, sorted.
    pub grants: Vec<String>,
    pub created_at: Timestamp,
    /// How many users hold it, counted to [`RoleRow::COUNTED`].
    pub holders: u64,
}

impl RoleRow {
    /// How far holders are counted. From so many on, their epochs rise in a job, and not with the change.
    pub const COUNTED: u64 = 10_001;
}

/// Who asks for a change of roles, as they are now.
#[derive(Clone, Copy)]
pub enum RoleActor<'a> {
    /// Whoever runs commands beside the database.
    Installation,
    User(&'a User),
    /// A user who is gone.
    Nobody,
}

impl<'a> RoleActor<'a> {
    /// The user of that id, as they were found; the installation where there is no id.
    pub const fn of(id: Option<UserId>, found: Option<&'a User>) -> Self {
        match (id, found) {
            (None, _) => Self::Installation,
            (Some(_), Some(user)) => Self::User(user),
            (Some(_), None) => Self::Nobody,
        }
    }
}

/// A change of custom roles that somebody asks for.
pub struct RoleCommand<'a> {
    /// Who asks; nobody on the command line.
    pub actor_id: Option<UserId>,
    /// The role.
    pub name: &'a str,
    pub at: Timestamp,
    /// Until when the log must remember raised epochs at the least.
    pub remember_until: Timestamp,
    /// Written with it.
    pub audit: NewAudit,
    /// The job that raises the epochs of holders who are too many for one transaction, without its payload.
    pub rest: NewJob,
    /// Its payload, for the holders of these roles.
    pub payload: fn(&[&str]) -> String,
}

/// What a change of custom roles is decided by.
pub struct RoleFacts<'a> {
    /// Who asks, as they are now.
    pub actor: RoleActor<'a>,
    pub roles: &'a [RoleRow],
    /// The roles that holders of this one, or of one that inherits from it, have between them.
    pub held_with: &'a [String],
    /// How many holders there are of these, counted to [`RoleRow::COUNTED`].
    pub holders: u64,
}

/// A role that was written or deleted.
#[derive(Clone, Debug)]
pub struct SavedRole {
    /// The role as it is now, or was.
    pub role: RoleRow,
    /// Raised epochs, as they stand in the log. None where a job raises them.
    pub revocations: Vec<Revocation>,
}

/// Some holders of a role whose epochs were raised.
#[derive(Clone, Debug)]
pub struct RaisedEpochs {
    /// As they stand in the log.
    pub revocations: Vec<Revocation>,
    /// The last of these holders. `None` where none was left.
    pub last: Option<UserId>,
}

/// Other roles for a user.
pub struct UserRolesCommand<'a> {
    /// Who asks; nobody on the command line.
    pub actor_id: Option<UserId>,
    pub user_id: UserId,
    /// The names of all roles from now on.
    pub roles: &'a [String],
    pub at: Timestamp,
    /// Until when the log must remember the raised epoch at the least.
    pub remember_until: Timestamp,
    /// Written with it, with the roles before and after.
    pub audit: NewAudit,
}

/// What other roles for a user are decided by.
pub struct UserRoleFacts<'a> {
    /// Who asks, as they are now.
    pub actor: RoleActor<'a>,
    /// Whose roles, as they are now.
    pub user: &'a User,
    pub roles: &'a [RoleRow],
    /// Whether somebody else is an owner who may sign in.
    pub another_owner: bool,
}

/// A user whose roles were set.
#[derive(Clone, Debug)]
pub struct SavedUserRoles {
    /// The user as they are now.
    pub user: Box<User>,
    /// The raised epoch, as it stands in the log. `None` where nothing changed.
    pub revocation: Option<Revocation>,
}

/// Why a change of roles is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRefusal {
    /// Whoever asks may not, or not any more.
    NotAllowed,
    /// There is no such role, or no such user.
    NotFound,
    /// This role reaches further than whoever asks.
    RoleAboveActor(String),
    /// These permissions are more than whoever asks has.
    PermissionsAboveActor(Vec<String>),
    /// The user reaches further than whoever asks.
    UserAboveActor,
    /// The user is the last owner who may sign in.
    LastOwner,
    /// There are no such roles: their places in what was asked for.
    UnknownRoles(Vec<usize>),
    /// There is no role of the name that is to be inherited from.
    UnknownParent,
    /// The role would inherit from itself.
    Circular,
    /// There is a role of that name.
    NameTaken,
    /// A built-in role stays as it is.
    BuiltIn,
    /// This role inherits from it.
    Inherited(String),
    /// There are as many custom roles as there may be.
    TooManyRoles,
}
