//! Roles, and who has them.

use futures::future::join_all;
use latchkey::store::{
    ImportedUser, NewAudit, NewUser, Revocation, RevokedSubject, RoleActor, RoleCommand, RoleFacts, RoleRefusal,
    RoleRow, SavedRole, SavedUserRoles, SignIn, Store, UserRoleFacts, UserRolesCommand,
};
use rstest::rstest;
use types::domain::UserId;
use types::words::{AuditAction, BuiltInRole};

use crate::support::store::{
    Backend, START, TestStore, delete_account, minutes, new_audit, new_notice_mail, new_session, new_user, record,
    sign_in, stored_user,
};

/// Creates a user with this role.
async fn user_with(store: &Store, name: &str, role: &str) -> UserId {
    let user = NewUser { roles: vec![role.to_owned()], ..new_user(name) };
    let audit = new_audit(user.id, AuditAction::Registered, START);
    store.accounts().create_user(&user, None, &audit).await.expect("a user");
    user.id
}

/// Owners decide, and one stays.
fn owners_decide(facts: &UserRoleFacts<'_>) -> Result<(), RoleRefusal> {
    let is_owner = matches!(facts.actor, RoleActor::User(actor) if actor.base_role == BuiltInRole::Owner);
    match (is_owner, facts.another_owner) {
        (false, _) => Err(RoleRefusal::NotAllowed),
        (true, false) => Err(RoleRefusal::LastOwner),
        (true, true) => Ok(()),
    }
}

async fn set_by(
    store: &Store,
    actor_id: UserId,
    user_id: UserId,
    roles: &[&str],
    decide: &(dyn Fn(&UserRoleFacts<'_>) -> Result<(), RoleRefusal> + Send + Sync),
) -> Result<SavedUserRoles, RoleRefusal> {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    let (at, remember_until) = (minutes(1), minutes(20));
    let audit = NewAudit { actor_id: Some(actor_id), ..new_audit(user_id, AuditAction::RolesChanged, at) };
    let command = UserRolesCommand { actor_id: Some(actor_id), user_id, roles: &roles, at, remember_until, audit };
    store.roles().set_user_roles(&command, decide).await.expect("an answer")
}

/// Sets a user's roles, and nobody minds.
async fn set(store: &Store, user: UserId, roles: &[&str]) -> SavedUserRoles {
    set_by(store, user, user, roles, &|_| Ok(())).await.expect("nobody minds")
}

fn role(name: &str, inherits: &str, base: BuiltInRole, grants: &[&str]) -> RoleRow {
    let grants: Vec<String> = grants.iter().map(|name| (*name).to_owned()).collect();
    RoleRow {
        name: name.to_owned(),
        inherits: Some(inherits.to_owned()),
        permissions: grants.clone(),
        description: "Answers calls.".to_owned(),
        built_in: false,
        base,
        grants,
        created_at: START,
        holders: 0,
    }
}

fn command(name: &str, action: AuditAction) -> RoleCommand<'_> {
    let actor_id = UserId(uuid::Uuid::nil());
    let audit = NewAudit { user_id: None, ..new_audit(actor_id, action, minutes(1)) };
    let rest = new_notice_mail("ada@example.com", "The rest", minutes(1));
    let (at, remember_until) = (minutes(1), minutes(20));
    let payload = |roles: &[&str]| roles.join(" ");
    RoleCommand { actor_id: Some(actor_id), name, at, remember_until, audit, rest, payload }
}

async fn save(store: &Store, rows: &[RoleRow]) -> SavedRole {
    let decide = |_: &RoleFacts<'_>| Ok(rows.to_vec());
    let saved = store.roles().save_roles(&command(&rows[0].name, AuditAction::RoleChanged), &decide).await;
    saved.expect("an answer").expect("nobody minds")
}

async fn epoch_of(store: &Store, user: UserId) -> i64 {
    store.accounts().user_by_id(user).await.expect("an answer").expect("a user").epoch
}

fn users_of(revocations: &[Revocation]) -> Vec<UserId> {
    revocations.iter().map(|revocation| revocation.user_id).collect()
}

#[rstest]
#[tokio::test]
async fn four_roles_are_built_in_and_stay(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let roles = store.roles().roles().await.expect("roles");
    let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    assert_eq!(store.roles().role_names().await.expect("names"), names);
    let found: Vec<_> = roles.iter().map(|role| (role.base, role.inherits.as_deref(), role.built_in)).collect();
    let expected = [
        (BuiltInRole::Admin, Some("moderator"), true),
        (BuiltInRole::Moderator, Some("user"), true),
        (BuiltInRole::Owner, Some("admin"), true),
        (BuiltInRole::User, None, true),
    ];
    assert_eq!(found, expected);
    assert!(roles.iter().all(|role| role.name == role.base.as_str()));
    save(&store, &[role("admin", "owner", BuiltInRole::Owner, &[])]).await;
    let delete = command("admin", AuditAction::RoleDeleted);
    store.roles().delete_role(&delete, &|_| Ok(Vec::new())).await.expect("an answer").expect("nobody minds");
    assert_eq!(store.roles().roles().await.expect("roles"), roles);
}

#[rstest]
#[tokio::test]
async fn a_user_is_read_with_what_their_roles_come_to(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    save(&store, &[role("support", "moderator", BuiltInRole::Moderator, &["a:b", "c:d"])]).await;
    save(&store, &[role("clerk", "user", BuiltInRole::User, &["c:d", "e:f"])]).await;
    let saved = set(&store, ada, &["clerk", "support", "user", "clerk"]).await;
    assert_eq!(saved.user.roles, ["clerk", "support", "user"]);
    assert_eq!(saved.user.base_role, BuiltInRole::Moderator);
    assert_eq!(saved.user.added_permissions, ["a:b", "c:d", "e:f"]);
    let read = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert!(read == *saved.user);
    let roles = store.roles().roles().await.expect("roles");
    let clerk = roles.iter().find(|role| role.name == "clerk").expect("the role");
    assert_eq!((clerk.holders, &clerk.permissions[..]), (1, &["c:d".to_owned(), "e:f".to_owned()][..]));
}

#[rstest]
#[tokio::test]
async fn who_has_a_role_is_found_among_few_and_among_many(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    // One role comes before `user` in the order of names, the other behind it.
    save(&store, &[role("warden", "user", BuiltInRole::User, &["a:b"])]).await;
    let (carol, dan) = (user_with(&store, "carol", "moderator").await, user_with(&store, "dan", "warden").await);
    let found = async || {
        let mut found = store.admin().users_with_roles(&[ada, bob, carol, dan]).await.expect("users");
        found.sort_unstable();
        found
    };
    assert_eq!(found().await, [carol, dan], "among few");
    let many: Vec<ImportedUser> = (0..1001).map(|number| moderator(&format!("m{number}"))).collect();
    assert_eq!(store.admin().import_users(&many).await.expect("users").len(), many.len());
    assert_eq!(found().await, [carol, dan], "among many");
}

fn moderator(name: &str) -> ImportedUser {
    let user = NewUser { roles: vec!["moderator".to_owned(), "user".to_owned()], ..new_user(name) };
    let audit = new_audit(user.id, AuditAction::UserImported, START);
    ImportedUser { user, disabled_at: None, password_reset_required_at: None, audit, invitation: None }
}

#[rstest]
#[tokio::test]
async fn other_roles_raise_the_epoch_once_and_are_on_record(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let session = sign_in(&store, ada, "Laptop", START).await;
    let saved = set(&store, ada, &["moderator", "user"]).await;
    let revocation = saved.revocation.expect("a revocation");
    let epoch = epoch_of(&store, ada).await;
    assert!(epoch > 0 && epoch == saved.user.epoch);
    assert_eq!((revocation.subject, revocation.reason), (RevokedSubject::Epoch(epoch), None));
    assert_eq!(revocation.remember_until, minutes(20));
    let log = store.revocations().revocations_from(0).await.expect("the log").revocations;
    assert_eq!(log, [revocation]);
    let entries = store.audit().activity(ada, None, 1).await.expect("entries");
    assert_eq!(entries[0].action, AuditAction::RolesChanged);
    let detail: serde_json::Value = serde_json::from_str(entries[0].detail.as_deref().expect("a detail")).unwrap();
    assert_eq!(detail, serde_json::json!({"before": ["user"], "after": ["moderator", "user"]}));
    assert!(store.sessions().live_session(ada, session, minutes(1)).await.expect("an answer").is_some());

    assert!(set(&store, ada, &["user", "moderator"]).await.revocation.is_none());
    let refused = set_by(&store, ada, ada, &["user"], &|_| Err(RoleRefusal::UserAboveActor)).await;
    assert_eq!(refused.unwrap_err(), RoleRefusal::UserAboveActor);
    assert_eq!(epoch_of(&store, ada).await, epoch);
    let nobody = UserId(uuid::Uuid::now_v7());
    assert_eq!(set_by(&store, ada, nobody, &["user"], &|_| Ok(())).await.unwrap_err(), RoleRefusal::NotFound);
}

#[rstest]
#[tokio::test]
async fn what_a_role_allows_raises_the_epochs_of_all_who_have_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let [ada, bob, eve] =
        [stored_user(&store, "ada").await, stored_user(&store, "bob").await, stored_user(&store, "eve").await];
    let support = role("support", "user", BuiltInRole::User, &["a:b"]);
    let lead = role("lead", "support", BuiltInRole::User, &["a:b", "c:d"]);
    save(&store, std::slice::from_ref(&support)).await;
    save(&store, std::slice::from_ref(&lead)).await;
    set(&store, bob, &["support"]).await;
    set(&store, ada, &["lead", "support"]).await;

    let words = RoleRow { description: "Calls back.".to_owned(), ..support.clone() };
    assert!(save(&store, &[words, lead]).await.revocations.is_empty(), "they may do the same");
    let before = [epoch_of(&store, ada).await, epoch_of(&store, bob).await];
    let wider = role("support", "user", BuiltInRole::User, &["a:b", "e:f"]);
    let heir = role("lead", "support", BuiltInRole::User, &["a:b", "c:d", "e:f"]);
    let saved = save(&store, &[wider, heir]).await;
    let mut both = vec![ada, bob];
    both.sort();
    assert_eq!(users_of(&saved.revocations), both);
    for revocation in &saved.revocations {
        let epoch = epoch_of(&store, revocation.user_id).await;
        assert_eq!(revocation.subject, RevokedSubject::Epoch(epoch));
        assert!(before.iter().all(|before| *before < epoch));
    }
    assert_eq!(epoch_of(&store, eve).await, 0);
    let positions: Vec<_> = saved.revocations.iter().map(|revocation| revocation.position).collect();
    assert_eq!(positions, [3, 4]);

    let seen = std::sync::Mutex::new(None);
    let look = |facts: &RoleFacts<'_>| {
        let mut held_with = facts.held_with.to_vec();
        held_with.sort();
        *seen.lock().unwrap() = Some((held_with, facts.holders));
        Ok(Vec::new())
    };
    let delete = command("lead", AuditAction::RoleDeleted);
    let deleted = store.roles().delete_role(&delete, &look).await.expect("an answer").expect("nobody minds");
    assert_eq!(*seen.lock().unwrap(), Some((vec!["lead".to_owned(), "support".to_owned()], 1)));
    assert_eq!((users_of(&deleted.revocations), deleted.role.name.as_str()), (vec![ada], "lead"));
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!(user.roles, ["support"]);
    assert_eq!(deleted.revocations[0].subject, RevokedSubject::Epoch(user.epoch));
}

#[rstest]
#[tokio::test]
async fn the_epochs_of_holders_rise_a_batch_at_a_time(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    save(&store, &[role("support", "user", BuiltInRole::User, &["a:b"])]).await;
    let eve = stored_user(&store, "eve").await;
    let mut holders = Vec::new();
    for name in ["ada", "bob", "carol"] {
        let holder = stored_user(&store, name).await;
        holders.push((holder, set(&store, holder, &["support", "user"]).await.user.epoch));
    }
    holders.sort_unstable();
    let (mut after, mut raised) = (UserId(uuid::Uuid::nil()), Vec::new());
    for batch in [2, 1] {
        let some =
            store.roles().raise_epochs_of("support", after, 2, minutes(2), minutes(20)).await.expect("an answer");
        assert_eq!(some.revocations.len(), batch);
        after = some.last.expect("the last of them");
        raised.extend(some.revocations);
    }
    let none = store.roles().raise_epochs_of("support", after, 2, minutes(2), minutes(20)).await.expect("an answer");
    assert!(none.revocations.is_empty() && none.last.is_none());
    for (revocation, (holder, before)) in raised.iter().zip(holders) {
        let epoch = epoch_of(&store, holder).await;
        assert!(before < epoch);
        assert_eq!((revocation.user_id, revocation.subject), (holder, RevokedSubject::Epoch(epoch)));
        let user = store.accounts().user_by_id(holder).await.expect("an answer").expect("a user");
        assert_eq!(user.roles, ["support", "user"], "it was not deleted");
    }
    assert_eq!(epoch_of(&store, eve).await, 0);
}

#[rstest]
#[tokio::test]
async fn the_account_of_the_last_owner_stays(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (user_with(&store, "ada", "owner").await, user_with(&store, "bob", "owner").await);
    let hers = sign_in(&store, ada, "Laptop", START).await;
    store.accounts().set_disabled(bob, Some(START)).await.expect("disabled");
    let refused = delete_account(&store, ada, Some(hers), None, minutes(2)).await;
    assert_eq!(refused, latchkey::store::AccountOutcome::LastOwner);
    assert!(store.sessions().live_session(ada, hers, minutes(2)).await.expect("an answer").is_some());
    store.accounts().set_disabled(bob, None).await.expect("enabled");
    let deleted = delete_account(&store, ada, Some(hers), None, minutes(2)).await;
    assert!(matches!(deleted, latchkey::store::AccountOutcome::Done(_)));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_owners_who_take_the_role_from_each_other_at_once_leave_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut owners = Vec::new();
    for number in 0..16 {
        owners.push(user_with(&store, &format!("owner{number}"), "owner").await);
    }
    let mut four = Vec::new();
    for _ in 0..4 {
        four.push(store.another_server().await);
    }
    let demotions = (0..16).map(|number| {
        let (server, actor, user) = (&four[number % 4], owners[number], owners[(number + 1) % 16]);
        async move { set_by(server, actor, user, &["user"], &owners_decide).await }
    });
    let done = join_all(demotions).await.into_iter().flatten().count();
    let mut left = 0;
    for owner in owners {
        let user = store.accounts().user_by_id(owner).await.expect("an answer").expect("a user");
        left += usize::from(user.base_role == BuiltInRole::Owner);
    }
    assert_eq!((done + left, left > 0, done > 0), (16, true, true));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_signs_in_meanwhile_has_the_roles_of_their_epoch(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let other = store.another_server().await;
    let changes = async {
        let mut states = vec![(0, vec!["user".to_owned()])];
        for number in 0..16 {
            let role = if number % 2 == 0 { "moderator" } else { "user" };
            let user = set(&other, ada, &[role]).await.user;
            states.push((user.epoch, user.roles));
        }
        states
    };
    let sign_ins = (0..16).map(|_| async {
        let session = new_session(ada, "Laptop", START);
        let SignIn::Done { user, .. } = record(&store, &session, None).await else { panic!("she may sign in") };
        (user.epoch, user.roles)
    });
    let (signed_in, states) = tokio::join!(join_all(sign_ins), changes);
    for state in signed_in {
        assert!(states.contains(&state), "{state:?} is none of {states:?}");
    }
}
