//! Who may change which role, and whose roles. Pure: the store asks under the lock of all roles, so what is decided
//! here is so still when it is committed.
//!
//! The one idea: a role, a user, or whoever asks *reaches* as far as the built-in role and the permissions that it
//! comes to. Nobody gives, takes, makes or changes what reaches further than they do themselves. So nobody raises
//! themselves either: what they may give, they have.

use std::collections::BTreeSet;

use types::domain::Timestamp;
use types::words::BuiltInRole;

use super::permissions::{ROLES_ASSIGN, ROLES_WRITE};
use crate::auth::permissions::{Permission, Permissions};
use crate::store::{RoleActor, RoleFacts, RoleRefusal, RoleRow, User, UserRoleFacts};

/// How many custom roles there may be.
pub const MAX_ROLES: usize = 100;

/// How far somebody or something reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    base: BuiltInRole,
    /// By name. Those that this server does not know count as well.
    permissions: BTreeSet<String>,
}

impl Reach {
    fn new(known: &Permissions, base: BuiltInRole, added: &[String]) -> Self {
        Self { base, permissions: known.of(base, &[]).into_iter().chain(added.iter().cloned()).collect() }
    }

    /// How far a user's roles reach.
    pub fn of_user(known: &Permissions, user: &User) -> Self {
        Self::new(known, user.base_role, &user.added_permissions)
    }

    /// How far a role reaches.
    pub fn of_role(known: &Permissions, role: &RoleRow) -> Self {
        Self::new(known, role.base, &role.grants)
    }

    /// Whether it has this permission.
    pub fn has(&self, permission: Permission) -> bool {
        self.permissions.contains(permission.name())
    }

    /// Whether it reaches at least as far.
    pub fn covers(&self, other: &Self) -> bool {
        other.base <= self.base && other.permissions.is_subset(&self.permissions)
    }
}

/// How far whoever asks reaches.
enum Acting {
    /// As far as anybody: the command line. What reads the settings and writes to the database may do everything.
    Everywhere,
    As(Reach),
}

impl Acting {
    fn covers(&self, other: &Reach) -> bool {
        match self {
            Self::Everywhere => true,
            Self::As(reach) => reach.covers(other),
        }
    }
}

/// A role that somebody would make.
pub struct NewRole {
    pub name: String,
    /// The role whose permissions it has as well.
    pub inherits: String,
    /// The names of the permissions that it adds.
    pub permissions: Vec<String>,
    pub description: String,
    pub at: Timestamp,
}

/// What would change about a role; `None` stays.
#[derive(Default)]
pub struct RoleChange {
    /// The role whose permissions it has as well.
    pub inherits: Option<String>,
    /// The names of all permissions that it adds.
    pub permissions: Option<Vec<String>>,
    pub description: Option<String>,
}

/// Decides whether a user may be given exactly these roles.
pub fn decide_user_roles(known: &Permissions, facts: &UserRoleFacts<'_>, after: &[String]) -> Result<(), RoleRefusal> {
    let UserRoleFacts { actor, user, roles, another_owner } = *facts;
    let actor = acting(known, actor, ROLES_ASSIGN)?;
    if !actor.covers(&Reach::of_user(known, user)) {
        return Err(RoleRefusal::UserAboveActor);
    }
    let is_unknown = |name: &String| find(roles, name).is_none();
    let unknown: Vec<usize> = (0..after.len()).filter(|place| is_unknown(&after[*place])).collect();
    if !unknown.is_empty() {
        return Err(RoleRefusal::UnknownRoles(unknown));
    }
    let changes = roles.iter().filter(|role| user.roles.contains(&role.name) != after.contains(&role.name));
    for role in changes {
        if !actor.covers(&Reach::of_role(known, role)) {
            return Err(RoleRefusal::RoleAboveActor(role.name.clone()));
        }
    }
    let is_owner = |roles: &[String]| roles.iter().any(|role| role == BuiltInRole::Owner.as_str());
    let leaves = user.disabled_at.is_none() && is_owner(&user.roles) && !is_owner(after);
    if leaves && !another_owner {
        return Err(RoleRefusal::LastOwner);
    }
    Ok(())
}

/// Decides whether a role may be made. Gives it as it is to be written.
pub fn decide_new_role(known: &Permissions, facts: &RoleFacts<'_>, new: &NewRole) -> Result<Vec<RoleRow>, RoleRefusal> {
    let actor = acting(known, facts.actor, ROLES_WRITE)?;
    if find(facts.roles, &new.name).is_some() {
        return Err(RoleRefusal::NameTaken);
    }
    if facts.roles.iter().filter(|role| !role.built_in).count() >= MAX_ROLES {
        return Err(RoleRefusal::TooManyRoles);
    }
    let parent = find(facts.roles, &new.inherits).ok_or(RoleRefusal::UnknownParent)?;
    let role = RoleRow {
        name: new.name.clone(),
        inherits: Some(new.inherits.clone()),
        permissions: sorted(&new.permissions),
        description: new.description.clone(),
        built_in: false,
        base: parent.base,
        grants: Vec::new(),
        created_at: new.at,
        holders: 0,
    };
    let role = below(role, parent);
    within(known, &actor, &role)?;
    Ok(vec![role])
}

/// Decides whether a role may be changed. Gives it as it is to be written, and those that inherit from it after it.
pub fn decide_role_change(
    known: &Permissions,
    facts: &RoleFacts<'_>,
    name: &str,
    change: &RoleChange,
) -> Result<Vec<RoleRow>, RoleRefusal> {
    let actor = acting(known, facts.actor, ROLES_WRITE)?;
    let role = changeable(known, &actor, facts.roles, name)?;
    let inherits = change.inherits.as_deref().or(role.inherits.as_deref()).unwrap_or_default();
    let parent = find(facts.roles, inherits).ok_or(RoleRefusal::UnknownParent)?;
    if line_of(facts.roles, parent).any(|above| above.name == name) {
        return Err(RoleRefusal::Circular);
    }
    let changed = RoleRow {
        inherits: Some(inherits.to_owned()),
        permissions: change.permissions.as_ref().map_or_else(|| role.permissions.clone(), |all| sorted(all)),
        description: change.description.as_ref().unwrap_or(&role.description).clone(),
        ..role.clone()
    };
    let mut saved = vec![below(changed, parent)];
    let mut next = 0;
    while let Some(parent) = saved.get(next).filter(|_| next < facts.roles.len()).cloned() {
        let heirs = facts.roles.iter().filter(|heir| heir.inherits.as_deref() == Some(parent.name.as_str()));
        saved.extend(heirs.map(|heir| below(heir.clone(), &parent)));
        next += 1;
    }
    for role in &saved {
        within(known, &actor, role)?;
    }
    let is_moved = |after: &RoleRow| {
        find(facts.roles, &after.name).is_none_or(|before| before.base != after.base || before.grants != after.grants)
    };
    if saved.iter().any(is_moved) {
        may_concern_holders(known, &actor, facts)?;
    }
    Ok(saved)
}

/// Decides whether a role may be deleted.
pub fn decide_deletion(known: &Permissions, facts: &RoleFacts<'_>, name: &str) -> Result<Vec<RoleRow>, RoleRefusal> {
    let actor = acting(known, facts.actor, ROLES_WRITE)?;
    changeable(known, &actor, facts.roles, name)?;
    if let Some(heir) = facts.roles.iter().find(|role| role.inherits.as_deref() == Some(name)) {
        return Err(RoleRefusal::Inherited(heir.name.clone()));
    }
    may_concern_holders(known, &actor, facts)?;
    Ok(Vec::new())
}

/// How far whoever asks reaches now, if they may ask still.
fn acting(known: &Permissions, actor: RoleActor<'_>, needs: Permission) -> Result<Acting, RoleRefusal> {
    let actor = match actor {
        RoleActor::Installation => return Ok(Acting::Everywhere),
        RoleActor::User(actor) => Some(actor),
        RoleActor::Nobody => None,
    };
    let reach = actor.filter(|actor| actor.disabled_at.is_none()).map(|actor| Reach::of_user(known, actor));
    let reach = reach.filter(|reach| reach.permissions.contains(needs.name()));
    reach.map(Acting::As).ok_or(RoleRefusal::NotAllowed)
}

/// The custom role of that name, if it reaches no further than whoever asks.
fn changeable<'r>(
    known: &Permissions,
    actor: &Acting,
    roles: &'r [RoleRow],
    name: &str,
) -> Result<&'r RoleRow, RoleRefusal> {
    let role = find(roles, name).ok_or(RoleRefusal::NotFound)?;
    if role.built_in {
        return Err(RoleRefusal::BuiltIn);
    }
    if !actor.covers(&Reach::of_role(known, role)) {
        return Err(RoleRefusal::RoleAboveActor(role.name.clone()));
    }
    Ok(role)
}

/// Refuses a role that would reach further than whoever asks.
fn within(known: &Permissions, actor: &Acting, role: &RoleRow) -> Result<(), RoleRefusal> {
    let Acting::As(actor) = actor else { return Ok(()) };
    let reach = Reach::of_role(known, role);
    if reach.base > actor.base {
        return Err(RoleRefusal::RoleAboveActor(role.name.clone()));
    }
    let missing: Vec<String> = reach.permissions.difference(&actor.permissions).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(RoleRefusal::PermissionsAboveActor(missing)) }
}

/// Refuses a change that concerns somebody who reaches further than whoever asks.
fn may_concern_holders(known: &Permissions, actor: &Acting, facts: &RoleFacts<'_>) -> Result<(), RoleRefusal> {
    let mut held = facts.roles.iter().filter(|role| facts.held_with.contains(&role.name));
    if held.any(|role| !actor.covers(&Reach::of_role(known, role))) {
        return Err(RoleRefusal::UserAboveActor);
    }
    Ok(())
}

fn find<'r>(roles: &'r [RoleRow], name: &str) -> Option<&'r RoleRow> {
    roles.iter().find(|role| role.name == name)
}

/// A role and those that it inherits from, one after the other.
fn line_of<'r>(roles: &'r [RoleRow], role: &'r RoleRow) -> impl Iterator<Item = &'r RoleRow> {
    let above = move |role: &&'r RoleRow| role.inherits.as_deref().and_then(|name| find(roles, name));
    // Never longer than there are roles, whatever somebody may have written into the database.
    std::iter::successors(Some(role), above).take(roles.len())
}

/// The role as one that inherits from `parent`.
fn below(role: RoleRow, parent: &RoleRow) -> RoleRow {
    let grants: Vec<String> = parent.grants.iter().chain(&role.permissions).cloned().collect();
    RoleRow { base: parent.base, grants: sorted(&grants), ..role }
}

/// Each once, in order.
fn sorted(names: &[String]) -> Vec<String> {
    names.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

#[cfg(test)]
mod tests;
