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
mod tests {
    use proptest::prelude::*;
    use types::domain::UserId;
    use types::words::AccountType;
    use uuid::Uuid;

    use super::*;
    use crate::areas;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn known() -> Permissions {
        areas::permissions()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn built_in() -> Vec<RoleRow> {
        let mut inherits = None;
        let rows = BuiltInRole::ALL.into_iter().map(|role| RoleRow {
            name: role.as_str().to_owned(),
            inherits: inherits.replace(role.as_str().to_owned()),
            permissions: Vec::new(),
            description: String::new(),
            built_in: true,
            base: role,
            grants: Vec::new(),
            created_at: NOON,
            holders: 0,
        });
        rows.collect()
    }

    /// The built-in roles, and these: name, what it inherits, what it adds.
    fn with(custom: &[(&str, &str, &[&str])]) -> Vec<RoleRow> {
        let mut roles = built_in();
        for (name, inherits, added) in custom {
            let parent = find(&roles, inherits).unwrap().clone();
            let (name, inherits) = ((*name).to_owned(), Some((*inherits).to_owned()));
            let role = RoleRow { name, inherits, permissions: names(added), built_in: false, ..parent.clone() };
            roles.push(below(role, &parent));
        }
        roles
    }

    fn new_role(name: &str, inherits: &str, added: &[&str]) -> NewRole {
        let (name, inherits) = (name.to_owned(), inherits.to_owned());
        NewRole { name, inherits, permissions: names(added), description: String::new(), at: NOON }
    }

    fn user(roles: &[RoleRow], held: &[&str]) -> User {
        let rows: Vec<&RoleRow> = held.iter().map(|name| find(roles, name).unwrap()).collect();
        User {
            id: UserId(Uuid::nil()),
            email: String::new(),
            name: String::new(),
            account_type: AccountType::Individual,
            password_hash: String::new(),
            roles: names(held),
            base_role: rows.iter().map(|role| role.base).max().unwrap_or(BuiltInRole::User),
            added_permissions: rows.iter().flat_map(|role| role.grants.clone()).collect(),
            email_verified_at: None,
            disabled_at: None,
            password_reset_required_at: None,
            epoch: 0,
            last_logout: None,
            password_changed_at: NOON,
            created_at: NOON,
        }
    }

    /// Whether somebody with these roles may give somebody with those yet others. There is another owner.
    fn set(roles: &[RoleRow], actor: &[&str], before: &[&str], after: &[&str]) -> Result<(), RoleRefusal> {
        let (actor, user) = (user(roles, actor), user(roles, before));
        let facts = UserRoleFacts { actor: RoleActor::User(&actor), user: &user, roles, another_owner: true };
        decide_user_roles(&known(), &facts, &names(after))
    }

    fn change(roles: &[RoleRow], actor: &[&str], name: &str, change: &RoleChange) -> Result<Vec<RoleRow>, RoleRefusal> {
        let actor = user(roles, actor);
        let facts = RoleFacts { actor: RoleActor::User(&actor), roles, held_with: &[], holders: 0 };
        decide_role_change(&known(), &facts, name, change)
    }

    #[test]
    fn a_role_is_given_and_taken_by_those_who_reach_as_far() {
        let roles = with(&[("support", "user", &["users:read"]), ("seller", "user", &["rooms:sell"])]);
        assert_eq!(set(&roles, &["admin"], &["user"], &["moderator", "user"]), Ok(()));
        assert_eq!(set(&roles, &["admin"], &["user"], &["admin"]), Ok(()));
        assert_eq!(set(&roles, &["admin"], &["admin"], &["user"]), Ok(()));
        assert_eq!(set(&roles, &["admin"], &["user"], &["support"]), Ok(()));
        assert_eq!(set(&roles, &["owner"], &["owner"], &["user"]), Ok(()));
        let above = |name: &str| Err(RoleRefusal::RoleAboveActor(name.to_owned()));
        assert_eq!(set(&roles, &["admin"], &["user"], &["owner"]), above("owner"));
        assert_eq!(set(&roles, &["admin"], &["admin"], &["owner"]), above("owner"));
        assert_eq!(set(&roles, &["admin"], &["owner"], &["user"]), Err(RoleRefusal::UserAboveActor));
        // What no built-in role has, only those have who were given it.
        assert_eq!(set(&roles, &["admin"], &["user"], &["seller"]), above("seller"));
        assert_eq!(set(&roles, &["admin", "seller"], &["user"], &["seller"]), Ok(()));
        assert_eq!(set(&roles, &["admin"], &["seller"], &["user"]), Err(RoleRefusal::UserAboveActor));
    }

    #[test]
    fn who_may_not_ask_is_refused_whatever_they_ask() {
        let roles = with(&[]);
        for actor in [&["user"][..], &["moderator"], &[]] {
            assert_eq!(set(&roles, actor, &["user"], &["user"]), Err(RoleRefusal::NotAllowed), "{actor:?}");
        }
        let disabled = User { disabled_at: Some(NOON), ..user(&roles, &["owner"]) };
        let ada = user(&roles, &["user"]);
        for actor in [RoleActor::User(&disabled), RoleActor::Nobody] {
            let facts = UserRoleFacts { actor, user: &ada, roles: &roles, another_owner: true };
            assert_eq!(decide_user_roles(&known(), &facts, &names(&["user"])), Err(RoleRefusal::NotAllowed));
        }
    }

    #[test]
    fn unknown_roles_are_named_by_their_places() {
        let roles = with(&[]);
        let unknown = Err(RoleRefusal::UnknownRoles(vec![0, 2]));
        assert_eq!(set(&roles, &["admin"], &["user"], &["king", "user", "queen"]), unknown);
    }

    #[test]
    fn the_last_owner_who_may_sign_in_stays() {
        let roles = with(&[]);
        let owner = user(&roles, &["owner"]);
        let disabled = User { disabled_at: Some(NOON), ..owner.clone() };
        let decide = |user: &User, another_owner: bool, after: &[&str]| {
            let facts = UserRoleFacts { actor: RoleActor::User(&owner), user, roles: &roles, another_owner };
            decide_user_roles(&known(), &facts, &names(after))
        };
        assert_eq!(decide(&owner, false, &["admin"]), Err(RoleRefusal::LastOwner));
        assert_eq!(decide(&owner, false, &["owner", "user"]), Ok(()));
        assert_eq!(decide(&owner, true, &["admin"]), Ok(()));
        assert_eq!(decide(&disabled, false, &["admin"]), Ok(()));
    }

    #[test]
    fn the_installation_reaches_everything_but_keeps_an_owner_and_built_in_roles() {
        let roles = with(&[("seller", "owner", &["rooms:sell"])]);
        let owner = user(&roles, &["owner"]);
        let actor = RoleActor::Installation;
        let set = |another_owner: bool, after: &[&str]| {
            let facts = UserRoleFacts { actor, user: &owner, roles: &roles, another_owner };
            decide_user_roles(&known(), &facts, &names(after))
        };
        assert_eq!(set(true, &["seller"]), Ok(()));
        assert_eq!(set(false, &["user"]), Err(RoleRefusal::LastOwner));
        assert_eq!(set(true, &["king"]), Err(RoleRefusal::UnknownRoles(vec![0])));
        let held_with = names(&["owner", "seller"]);
        let facts = RoleFacts { actor, roles: &roles, held_with: &held_with, holders: 1 };
        assert!(decide_new_role(&known(), &facts, &new_role("buyer", "owner", &["rooms:buy"])).is_ok());
        assert!(decide_deletion(&known(), &facts, "seller").is_ok());
        assert_eq!(decide_deletion(&known(), &facts, "admin").unwrap_err(), RoleRefusal::BuiltIn);
    }

    #[test]
    fn a_custom_role_adds_to_what_it_inherits() {
        let roles = with(&[("support", "moderator", &["audit:read"]), ("lead", "support", &["audit:export"])]);
        let lead = find(&roles, "lead").unwrap();
        assert_eq!((lead.base, &lead.grants), (BuiltInRole::Moderator, &names(&["audit:export", "audit:read"])));
        let less = RoleChange { permissions: Some(Vec::new()), ..RoleChange::default() };
        let saved = change(&roles, &["admin"], "support", &less).unwrap();
        let saved: Vec<_> = saved.iter().map(|role| (role.name.as_str(), role.grants.clone())).collect();
        assert_eq!(saved, [("support", vec![]), ("lead", names(&["audit:export"]))]);
    }

    #[test]
    fn a_role_is_not_made_or_changed_beyond_ones_own_reach() {
        let roles = with(&[("boss", "owner", &[]), ("support", "user", &[])]);
        let admin = user(&roles, &["admin"]);
        let facts = RoleFacts { actor: RoleActor::User(&admin), roles: &roles, held_with: &[], holders: 0 };
        let make = |new: &NewRole| decide_new_role(&known(), &facts, new).map(|_| ());
        assert_eq!(make(&new_role("clerk", "admin", &["users:read"])), Ok(()));
        let own = Err(RoleRefusal::RoleAboveActor("king".to_owned()));
        assert_eq!(make(&new_role("king", "owner", &[])), own);
        let sell = Err(RoleRefusal::PermissionsAboveActor(names(&["rooms:sell"])));
        assert_eq!(make(&new_role("seller", "user", &["rooms:sell"])), sell);
        assert_eq!(make(&new_role("support", "user", &[])), Err(RoleRefusal::NameTaken));
        assert_eq!(make(&new_role("clerk", "clerk", &[])), Err(RoleRefusal::UnknownParent));
        let above = Err(RoleRefusal::RoleAboveActor("boss".to_owned()));
        assert_eq!(change(&roles, &["admin"], "boss", &RoleChange::default()), above);
        let up = RoleChange { inherits: Some("boss".to_owned()), ..RoleChange::default() };
        assert_eq!(change(&roles, &["admin"], "support", &up), Err(RoleRefusal::RoleAboveActor("support".to_owned())));
        assert!(change(&roles, &["owner"], "support", &up).is_ok());
        assert_eq!(change(&roles, &["owner"], "admin", &up), Err(RoleRefusal::BuiltIn));
        assert_eq!(change(&roles, &["owner"], "nobody", &up), Err(RoleRefusal::NotFound));
        assert_eq!(change(&roles, &["moderator"], "support", &up), Err(RoleRefusal::NotAllowed));
    }

    #[test]
    fn no_role_inherits_from_itself() {
        let roles = with(&[("one", "user", &[]), ("two", "one", &[]), ("three", "two", &[])]);
        for parent in ["one", "two", "three"] {
            let circle = RoleChange { inherits: Some(parent.to_owned()), ..RoleChange::default() };
            assert_eq!(change(&roles, &["owner"], "one", &circle), Err(RoleRefusal::Circular), "{parent}");
        }
        let aside = RoleChange { inherits: Some("one".to_owned()), ..RoleChange::default() };
        assert!(change(&roles, &["owner"], "three", &aside).is_ok());
    }

    #[test]
    fn what_others_inherit_from_is_not_deleted() {
        let roles = with(&[("one", "user", &[]), ("two", "one", &[])]);
        let owner = user(&roles, &["owner"]);
        let delete = |name: &str, actor: &User, held_with: &[&str], holders: u64| {
            let held_with = names(held_with);
            let facts = RoleFacts { actor: RoleActor::User(actor), roles: &roles, held_with: &held_with, holders };
            decide_deletion(&known(), &facts, name).map(|_| ())
        };
        assert_eq!(delete("one", &owner, &[], 0), Err(RoleRefusal::Inherited("two".to_owned())));
        assert_eq!(delete("two", &owner, &["two", "owner"], RoleRow::COUNTED), Ok(()));
        let admin = user(&roles, &["admin"]);
        assert_eq!(delete("two", &admin, &["two", "admin"], 1), Ok(()));
        assert_eq!(delete("two", &admin, &["two", "owner"], 1), Err(RoleRefusal::UserAboveActor));
    }

    #[test]
    fn a_role_may_change_however_many_hold_it() {
        let roles = with(&[("support", "user", &["users:read"])]);
        let owner = user(&roles, &["owner"]);
        let actor = RoleActor::User(&owner);
        let facts = RoleFacts { actor, roles: &roles, held_with: &[], holders: RoleRow::COUNTED };
        let words = RoleChange { description: Some("Answers calls.".to_owned()), ..RoleChange::default() };
        assert!(decide_role_change(&known(), &facts, "support", &words).is_ok());
        let more = RoleChange { permissions: Some(names(&["audit:read"])), ..words };
        assert!(decide_role_change(&known(), &facts, "support", &more).is_ok());
    }

    const ROLES: [&str; 7] = ["user", "moderator", "admin", "owner", "support", "seller", "lead"];

    fn some_roles() -> impl Strategy<Value = Vec<&'static str>> {
        proptest::sample::subsequence(ROLES.to_vec(), 0..=3)
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_nobody_comes_to_reach_further_than_who_allowed_it(
            actor in some_roles(), before in some_roles(), after in some_roles()
        ) {
            let custom: [(&str, &str, &[&str]); 3] = [
                ("support", "user", &["users:read"]),
                ("seller", "user", &["rooms:sell"]),
                ("lead", "support", &["roles:assign"]),
            ];
            let roles = with(&custom);
            if set(&roles, &actor, &before, &after).is_ok() {
                let reach = |held: &[&str]| Reach::of_user(&known(), &user(&roles, held));
                prop_assert!(reach(&actor).covers(&reach(&after)));
                prop_assert!(reach(&actor).covers(&reach(&before)));
            }
            // Their own roles they can only give up.
            if set(&roles, &actor, &actor, &after).is_ok() {
                let reach = |held: &[&str]| Reach::of_user(&known(), &user(&roles, held));
                prop_assert!(reach(&actor).covers(&reach(&after)));
            }
        }
    }
}
