//! Whatever is asked for in whatever order, nobody reaches above their own roles, and an owner stays.

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
