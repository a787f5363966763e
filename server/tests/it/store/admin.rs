//! What administrators ask and do: users and sessions of others.

use std::collections::HashSet;

use latchkey::store::{
    AccountDeletion, AuditFilter, ChangeRefusal, EndCommand, ImportedUser, Invitation, ListedEnd, NewAudit, NewEndRun,
    NewSession, NewUser, RevokedSubject, RoleActor, RoleRefusal, Selection, SessionRow, SessionTraits, Standing, Store,
    StoredAudit, User, UserChange, UserFilter, UserOrder, UserRoleFacts, UserRolesCommand,
};
use rstest::rstest;
use types::domain::{DisplayName, SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, MINUTE, START, TestStore, ask_for_reset, cleanup_at, command, digest, done, end, end_listed, end_of,
    ids, mailbox, minutes, new_audit, new_notice_mail, new_session, new_user, origin, record, reset, sign_in,
    stored_user,
};

fn by_email(prefix: &str, after: Option<&str>) -> UserFilter {
    let order = UserOrder::Email { prefix: prefix.to_owned(), after: after.map(str::to_owned), except: None };
    UserFilter { order, then: None, role: None, disabled: false, unverified: false }
}

fn by_name(prefix: &str, after: Option<&User>) -> UserFilter {
    let after = after.map(|user| (user.name.to_ascii_lowercase(), user.id.0));
    UserFilter { order: UserOrder::Name { prefix: prefix.to_owned(), after, except: None }, ..by_email("", None) }
}

async fn search(store: &Store, filter: UserFilter, limit: usize) -> Vec<User> {
    store.admin().search_users(&filter, limit).await.expect("users").users
}

fn emails(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.email.split('@').next().expect("a part")).collect()
}

async fn create(store: &Store, user: &NewUser) -> UserId {
    let audit = new_audit(user.id, AuditAction::UserCreated, START);
    store.accounts().create_user(user, None, &audit).await.expect("an answer");
    user.id
}

fn imported(name: &str) -> ImportedUser {
    let user = new_user(name);
    let audit = new_audit(user.id, AuditAction::UserImported, START);
    ImportedUser { user, disabled_at: None, password_reset_required_at: None, audit, invitation: None }
}

async fn owner(store: &Store, name: &str) -> UserId {
    create(store, &NewUser { roles: vec!["owner".to_owned(), "user".to_owned()], ..new_user(name) }).await
}

fn disabling(user_id: UserId, at: Timestamp) -> EndCommand {
    EndCommand { actor_id: None, ..command(Selection::All { user_id }, EndReason::AccountDisabled, at) }
}

async fn disable(store: &Store, user_id: UserId, at: Timestamp) -> UserChange {
    let audit = new_audit(user_id, AuditAction::UserDisabled, at);
    store.admin().disable_user(&disabling(user_id, at), &decides(true), &audit, &mut ids()).await.expect("an answer")
}

/// Decides so whoever acts.
fn decides(allowed: bool) -> impl Fn(RoleActor<'_>, &User) -> Result<(), ChangeRefusal> + Send + Sync {
    move |_, _| if allowed { Ok(()) } else { Err(ChangeRefusal::AboveActor) }
}

fn whoever_is_an_admin(actor: RoleActor<'_>, _: &User) -> Result<(), ChangeRefusal> {
    match actor {
        RoleActor::User(actor) if actor.roles.iter().any(|role| role == "admin") => Ok(()),
        RoleActor::User(_) | RoleActor::Nobody | RoleActor::Installation => Err(ChangeRefusal::NotAllowed),
    }
}

/// Takes the role of owners from a user, unless they are the last one; says whether it did.
async fn demote(store: &Store, user_id: UserId) -> bool {
    let roles = ["user".to_owned()];
    let (at, remember_until) = (minutes(1), minutes(20));
    let audit = NewAudit { actor_id: None, ..new_audit(user_id, AuditAction::RolesChanged, at) };
    let command = UserRolesCommand { actor_id: None, user_id, roles: &roles, at, remember_until, audit };
    let decide = |facts: &UserRoleFacts<'_>| if facts.another_owner { Ok(()) } else { Err(RoleRefusal::LastOwner) };
    store.roles().set_user_roles(&command, &decide).await.expect("an answer").is_ok()
}

async fn log_of(store: &Store, user: UserId) -> Vec<String> {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    entries.into_iter().rev().map(|entry| entry.action.name().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn users_are_found_by_the_beginning_of_an_address_or_a_name_a_page_at_a_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    for (address, name) in [("bob", "Ada B"), ("ada", "ada C"), ("ada-2", "Zoe"), ("adam", "ADA A"), ("z", "Écho")] {
        let name = DisplayName::parse(name).expect("a name");
        create(&store, &NewUser { name, ..new_user(address) }).await;
    }
    let all = search(&store, by_email("", None), 10).await;
    assert_eq!(emails(&all), ["ada-2", "ada", "adam", "bob", "z"], "byte by byte: - stands before @");
    assert_eq!(emails(&search(&store, by_email("ada", None), 10).await), ["ada-2", "ada", "adam"]);
    assert_eq!(emails(&search(&store, by_email("ada@example.com", None), 10).await), ["ada"]);
    assert_eq!(emails(&search(&store, by_email("ada", None), 2).await), ["ada-2", "ada"]);
    assert_eq!(emails(&search(&store, by_email("ada", Some("ada@example.com")), 2).await), ["adam"]);
    assert!(search(&store, by_email("ada", Some("bob@example.com")), 2).await.is_empty());

    let first = search(&store, by_name("ada", None), 2).await;
    assert_eq!(emails(&first), ["adam", "bob"]);
    assert_eq!(emails(&search(&store, by_name("ada", first.last()), 2).await), ["ada"]);
    assert_eq!(emails(&search(&store, by_name("É", None), 2).await), ["z"]);
}

/// Whoever is found by address and by name is listed once, in pages of any length.
#[rstest]
#[tokio::test]
async fn a_search_finds_by_address_and_by_name_and_nobody_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let users = [("ada", "Zoe"), ("adam", "Ada B"), ("bob", "ADA A"), ("carol", "ada"), ("dan", "Bea"), ("z", "Ada A")];
    for (address, name) in users {
        let name = DisplayName::parse(name).expect("a name");
        create(&store, &NewUser { name, ..new_user(address) }).await;
    }
    let text = || "ada".to_owned();
    let emails_of = |except| UserOrder::Email { prefix: text(), after: None, except };
    let names_of = |except| UserOrder::Name { prefix: text(), after: None, except };
    for (order, then, expected) in [
        (emails_of(None), Some(names_of(Some(text()))), ["ada", "adam", "carol", "bob", "z"]),
        (names_of(None), Some(emails_of(Some(text()))), ["carol", "bob", "z", "adam", "ada"]),
        (UserOrder::NewestOf { email: text(), name: text(), before: None }, None, ["z", "carol", "bob", "adam", "ada"]),
    ] {
        for limit in 1..=6 {
            let mut filter = UserFilter { order: order.clone(), then: then.clone(), ..by_email("", None) };
            let (mut found, mut pages) = (Vec::new(), 0_usize);
            loop {
                let page = store.admin().search_users(&filter, limit).await.expect("users");
                found.extend(page.users);
                pages += 1;
                let Some(next) = page.next else { break };
                filter = next;
            }
            assert_eq!(emails(&found), expected, "{order:?}, {limit} a page");
            assert_eq!(pages, expected.len().div_ceil(limit), "{order:?}, {limit} a page: none is empty");
        }
        let of_nobody = UserFilter { order, then, disabled: true, ..by_email("", None) };
        assert!(search(&store, of_nobody, 10).await.is_empty());
    }
}

#[rstest]
#[tokio::test]
async fn users_are_listed_by_role_and_state(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    owner(&store, "ada").await;
    let bob = stored_user(&store, "bob").await;
    create(&store, &NewUser { email_verified_at: Some(START), ..new_user("carol") }).await;
    disable(&store, bob, minutes(1)).await;
    let only = |role: Option<&str>, disabled, unverified| UserFilter {
        role: role.map(str::to_owned),
        disabled,
        unverified,
        ..by_email("", None)
    };
    for (filter, expected) in [
        (only(Some("owner"), false, false), vec!["ada"]),
        (only(Some("user"), false, false), vec!["ada", "bob", "carol"]),
        (only(None, true, false), vec!["bob"]),
        (only(Some("owner"), true, false), vec![]),
        (only(None, false, true), vec!["ada", "bob"]),
        (only(Some("owner"), false, true), vec!["ada"]),
    ] {
        assert_eq!(emails(&search(&store, filter.clone(), 10).await), expected, "{filter:?}");
    }
}

/// For measurements only.
#[rstest]
#[tokio::test]
async fn users_that_were_seeded_are_copied_with_their_sessions(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let other = stored_user(&store, "ada").await;
    record(&store, &new_session(other, "Laptop", minutes(1)), None).await;
    // Their ids have a zero where those of copies have the number of the copy.
    for (number, name) in [(1, "seeded-0000001"), (2, "seeded-0000002")] {
        let id = |kind: u128| Uuid::from_u128(0x0198_ad2e_0000_7000_8000_0000_0000_0000 + (kind << 64) + number);
        let user = NewUser { id: UserId(id(1)), email_verified_at: Some(START), ..new_user(name) };
        create(&store, &user).await;
        let session = NewSession { id: SessionId(id(2)), ..new_session(user.id, "Phone", minutes(1)) };
        record(&store, &session, None).await;
    }
    store.maintenance().copy_population(9).await.expect("copies");
    let copies = search(&store, by_email("seeded-3-", None), 10).await;
    assert_eq!(emails(&copies), ["seeded-3-0000001", "seeded-3-0000002"]);
    assert_eq!(copies[0].roles, ["user"]);
    assert_eq!(store.accounts().count_users().await.expect("a count"), 21);
    assert_eq!(store.admin().count_live_sessions(minutes(2)).await.expect("a count"), 21);
    let disabled = UserFilter { disabled: true, ..by_name("", None) };
    assert_eq!(search(&store, disabled, 10).await.len(), 2, "the indexes are there again");
}

/// Every combination of what is asked for and the order, page by page: nobody is left out or shown twice.
#[rstest]
#[tokio::test]
async fn every_filter_in_every_order_gives_each_user_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut all = Vec::new();
    for number in 0..24_u32 {
        let (is_moderator, is_verified, is_disabled) = (number % 2 == 0, number % 3 == 0, number % 4 < 2);
        let roles = if is_moderator { vec!["moderator", "user"] } else { vec!["user"] };
        let user = NewUser {
            // Names come in another order than addresses, and some have the same.
            name: DisplayName::parse(&format!("Person {}", (number * 7) % 12)).expect("a name"),
            roles: roles.into_iter().map(str::to_owned).collect(),
            email_verified_at: is_verified.then_some(START),
            ..new_user(&format!("user-{number:02}"))
        };
        let id = create(&store, &user).await;
        if is_disabled {
            disable(&store, id, minutes(1)).await;
        }
        all.push((id, is_moderator, is_disabled, is_verified));
    }
    let orders = [
        UserOrder::Email { prefix: "user-".to_owned(), after: None, except: None },
        UserOrder::Name { prefix: "person".to_owned(), after: None, except: None },
        UserOrder::Newest { before: None },
        UserOrder::NewestOf { email: "user-1".to_owned(), name: "person".to_owned(), before: None },
    ];
    for order in orders {
        for (role, disabled, unverified) in (0..12).map(|bits: usize| (bits / 4, bits & 1 == 1, bits & 2 == 2)) {
            let role = [None, Some("user"), Some("moderator")][role];
            let expected: Vec<UserId> = all
                .iter()
                .filter(|(_, is_moderator, is_disabled, is_verified)| {
                    (role != Some("moderator") || *is_moderator)
                        && (!disabled || *is_disabled)
                        && (!unverified || !*is_verified)
                })
                .map(|(id, ..)| *id)
                .collect();
            let role = role.map(str::to_owned);
            let mut filter = UserFilter { order: order.clone(), then: None, role, disabled, unverified };
            let asked = format!("{filter:?}");
            let mut found = Vec::new();
            loop {
                let page = store.admin().search_users(&filter, 3).await.expect("users");
                assert!(page.users.len() <= 3, "{asked}");
                found.extend(page.users);
                let Some(next) = page.next else { break };
                filter = next;
            }
            let is_in_order = found.is_sorted_by(|one, next| match &order {
                UserOrder::Email { .. } => one.email < next.email,
                UserOrder::Name { .. } => {
                    (one.name.to_ascii_lowercase(), one.id) < (next.name.to_ascii_lowercase(), next.id)
                }
                UserOrder::Newest { .. } | UserOrder::NewestOf { .. } | UserOrder::Address { .. } => one.id > next.id,
            });
            assert!(is_in_order, "{asked}: {:?}", emails(&found));
            let mut ids: Vec<UserId> = found.iter().map(|user| user.id).collect();
            ids.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(ids, expected, "{asked}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn sessions_are_listed_newest_first_and_walked_in_the_order_of_their_start_or_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let mut sessions = Vec::new();
    for (user, at, ip) in
        [(ada, 1, "192.0.2.20"), (bob, 2, "192.0.2.3"), (ada, 3, "198.51.100.1"), (ada, 4, "10.0.0.1")]
    {
        let mut session = new_session(user, "Laptop", minutes(at));
        session.origin = origin(ip);
        record(&store, &session, None).await;
        sessions.push(session.id);
    }
    let [first, second, third, fourth] = sessions[..] else { panic!("four sessions") };
    let one = Selection::One { user_id: ada, session_id: third };
    end(&store, command(one, EndReason::UserInitiatedLogout, minutes(5))).await;
    let (store, now) = (store.admin(), minutes(6));
    let last = SessionId(Uuid::max());
    let ids = |rows: Vec<SessionRow>| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let looked_at = |rows: Vec<SessionTraits>| rows.iter().map(|row| row.id).collect::<Vec<_>>();

    assert_eq!(ids(store.newest_sessions(last, 3).await.expect("sessions")), [fourth, third, second]);
    assert_eq!(ids(store.newest_sessions(second, 3).await.expect("sessions")), [first]);
    let end_of_time = (Timestamp::from_millis(i64::MAX), last.0);
    let live = store.newest_live_sessions(end_of_time, now, 2).await.expect("sessions");
    assert_eq!(looked_at(live), [fourth, second]);
    let live = store.newest_live_sessions((minutes(2), second.0), now, 2).await.expect("sessions");
    assert_eq!(looked_at(live), [first]);
    let of_ada = |only_live| store.newest_sessions_of(ada, last, only_live, now, 9);
    assert_eq!(ids(of_ada(false).await.expect("sessions")), [fourth, third, first]);
    assert_eq!(ids(of_ada(true).await.expect("sessions")), [fourth, first]);

    let beginning = (Timestamp::from_millis(i64::MIN), Uuid::nil());
    let old = store.live_sessions_by_start(beginning, minutes(4), now, 9).await.expect("sessions");
    assert_eq!(looked_at(old), [first, second], "before the fourth minute");
    let rest = store.live_sessions_by_start((minutes(1), first.0), minutes(9), now, 1).await.expect("sessions");
    assert_eq!(looked_at(rest), [second]);
    let near = store.live_sessions_by_address(("192.0.2.", Uuid::nil()), "192.0.2.\u{10ffff}", now, 9).await;
    let near = near.expect("sessions");
    let rest = store.live_sessions_by_address(("192.0.2.20", first.0), "192.0.2.\u{10ffff}", now, 9).await;
    assert_eq!(looked_at(rest.expect("sessions")), [second]);

    // What a rule compares says what is stored, whichever way it was found.
    let mut stored = store.sessions_by_ids(&[second, SessionId(Uuid::max()), first]).await.expect("sessions");
    stored.sort_by_key(|session| session.id);
    let stored: Vec<SessionTraits> = stored.into_iter().map(Into::into).collect();
    assert_eq!(near, stored, "as texts");
}

#[rstest]
#[tokio::test]
async fn listed_sessions_of_several_users_end_with_history_audit_and_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let his = sign_in(&store, bob, "Bob's", minutes(1)).await;
    let gone = sign_in(&store, bob, "Gone", minutes(1)).await;
    let one = Selection::One { user_id: bob, session_id: gone };
    end(&store, command(one, EndReason::UserInitiatedLogout, minutes(2))).await;
    let head = store.revocations().revocations_from(0).await.expect("the log").head;
    let ends = ListedEnd { origin: origin(""), ..end_of(vec![(bob, his), (ada, phone), (bob, gone)], None) };
    let outcome = end_listed(&store, &ends).await;
    let mut ended: Vec<_> = outcome.ended.iter().map(|session| session.id).collect();
    ended.sort();
    let mut expected = [phone, his];
    expected.sort();
    assert_eq!(ended, expected);
    let positions: Vec<_> = outcome.revocations.iter().map(|revocation| revocation.position).collect();
    assert_eq!(positions, [head + 1, head + 2]);
    assert!(outcome.revocations.iter().all(|row| matches!(row.subject, RevokedSubject::Session(_))));

    let standing = async |id, user| store.sessions().standing(id, user, i64::MAX, minutes(4)).await.expect("an answer");
    assert!(matches!(standing(phone, ada).await, Standing::Ended(end) if end.reason == EndReason::AdminRevoked));
    assert_eq!(standing(laptop, ada).await, Standing::Good);
    let entries = store.audit().activity(ada, None, 1).await.expect("entries");
    assert_eq!((entries[0].session_id, entries[0].reason), (Some(phone), Some(EndReason::AdminRevoked)));
    assert_eq!(entries[0].client_reason.as_deref(), Some("stolen"));
    let (_, history) = store.sessions().history(ada, phone).await.expect("an answer").expect("a session");
    let last = history.last().expect("an entry");
    assert_eq!((history.len(), last.at, last.kind.known()), (2, minutes(3), Some(HistoryKind::Ended)));
    assert_eq!((last.detail.as_deref(), last.ip.as_str()), (Some("admin_revoked"), ""));
    let export = store.accounts().export_data(ada).await.expect("an answer").expect("ada");
    let exported = export.sessions.iter().find(|(session, _)| session.id == phone).expect("the phone");
    assert_eq!(exported.1, history);
    // One that ended by itself has its own entry, and no second.
    let (_, of_one) = store.sessions().history(bob, gone).await.expect("an answer").expect("a session");
    assert_eq!(of_one.iter().filter(|entry| entry.kind.known() == Some(HistoryKind::Ended)).count(), 1);
    let again = end_listed(&store, &ends).await;
    assert!(again.ended.is_empty() && again.revocations.is_empty());
}

/// More than one statement takes, of every size that statements come in.
#[rstest]
#[tokio::test]
async fn each_of_many_listed_sessions_has_an_entry_of_its_own_in_the_audit_and_in_the_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let users = [stored_user(&store, "ada").await, stored_user(&store, "bob").await];
    let mut sessions = Vec::new();
    for number in 0..603 {
        let user = users[number % users.len()];
        sessions.push((user, sign_in(&store, user, "Phone", minutes(1)).await));
    }
    let ends = end_of(sessions.clone(), Some(users[1]));
    let outcome = end_listed(&store, &ends).await;
    sessions.sort_by_key(|(_, session)| *session);
    assert_eq!(outcome.ended.iter().map(|session| session.id).collect::<Vec<_>>(), ids_of(&sessions));

    let log = store.revocations().revocations_from(0).await.expect("the log").revocations;
    let logged: Vec<_> = log.iter().map(|row| (row.user_id, row.subject)).collect();
    let expected: Vec<_> = sessions.iter().map(|(user, session)| (*user, RevokedSubject::Session(*session))).collect();
    assert_eq!(logged, expected);
    assert!(log.iter().all(|row| (row.at, row.reason) == (minutes(3), Some(EndReason::AdminRevoked))));
    assert!(log.iter().all(|row| row.remember_until >= minutes(30)));

    let mut audited = Vec::new();
    let mut seen = HashSet::new();
    for entry in entries_of(&store, AuditAction::SessionEnded).await {
        let id = entry.session_id.expect("a session");
        audited.push((entry.user_id.expect("a user"), id));
        assert!(seen.insert(entry.id), "an id of its own");
        let all = NewAudit {
            id: entry.id,
            user_id: entry.user_id,
            actor_id: Some(users[1]),
            session_id: Some(id),
            reason: Some(EndReason::AdminRevoked),
            client_reason: Some("stolen".to_owned()),
            ..NewAudit::new(entry.id, minutes(3), AuditAction::SessionEnded, origin("192.0.2.9"))
        };
        assert_eq!(entry, StoredAudit::from(all));
    }
    audited.sort_by_key(|(_, session)| *session);
    assert_eq!(audited, sessions);
}

fn ids_of(sessions: &[(UserId, SessionId)]) -> Vec<SessionId> {
    sessions.iter().map(|(_, session)| *session).collect()
}

async fn entries_of(store: &Store, action: AuditAction) -> Vec<StoredAudit> {
    let filter = AuditFilter {
        from: START,
        to: Timestamp::from_millis(i64::MAX),
        action: Some(action.as_str().to_owned()),
        user: None,
    };
    store.audit().stored_entries(&filter, None, 5000).await.expect("entries")
}

#[rstest]
#[tokio::test]
async fn a_disabled_account_has_no_session_left_and_is_enabled_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let UserChange::Done(outcome) = disable(&store, ada, minutes(2)).await else { panic!("it is not disabled") };
    assert_eq!(outcome.ended.iter().map(|session| session.id).collect::<Vec<_>>(), [phone]);
    assert!(matches!(outcome.revocations[0].subject, RevokedSubject::Epoch(1..)));
    assert_eq!(store.accounts().user_by_id(ada).await.expect("an answer").expect("ada").disabled_at, Some(minutes(2)));
    assert_eq!(disable(&store, ada, minutes(3)).await, UserChange::Unchanged);
    assert_eq!(disable(&store, UserId(Uuid::max()), minutes(3)).await, UserChange::NotFound);

    let audit = new_audit(ada, AuditAction::UserEnabled, minutes(4));
    assert!(matches!(store.admin().enable_user(ada, &decides(true), &audit).await, Ok(UserChange::Done(_))));
    assert!(matches!(store.admin().enable_user(ada, &decides(true), &audit).await, Ok(UserChange::Unchanged)));
    let log = log_of(&store, ada).await;
    assert_eq!(log.last().map(String::as_str), Some("user_enabled"));
    assert_eq!(log.iter().filter(|action| *action == "user_disabled").count(), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_are_demoted_and_disabled_at_once_one_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (here, there) = (store.another_server().await, store.another_server().await);
    for number in 0..16 {
        let (ada, bob) = (owner(&store, &format!("ada{number}")).await, owner(&store, &format!("bob{number}")).await);
        let (demoted, disabled) = tokio::join!(demote(&here, ada), disable(&there, bob, minutes(1)));
        assert_ne!(demoted, matches!(disabled, UserChange::Done(_)), "{demoted} {disabled:?}");
        // Whoever is left must not be an owner beside the next two.
        let left = if demoted { bob } else { ada };
        store.accounts().set_disabled(left, Some(START)).await.expect("an answer");
    }
}

#[rstest]
#[tokio::test]
async fn the_last_owner_is_neither_disabled_nor_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (owner(&store, "ada").await, owner(&store, "bob").await);
    // Both at once: one of them stays.
    let (here, there) = (store.clone(), store.another_server().await);
    let (one, other) = tokio::join!(disable(&here, ada, minutes(1)), disable(&there, bob, minutes(1)));
    let refused = [&one, &other].into_iter().filter(|change| **change == UserChange::LastOwner).count();
    assert_eq!(refused, 1, "{one:?} {other:?}");
    let left = if one == UserChange::LastOwner { ada } else { bob };

    let all = Selection::All { user_id: left };
    let deletion = AccountDeletion {
        mail: new_notice_mail("ada@example.com", "Account deleted", minutes(2)),
        buckets: Vec::new(),
    };
    let ends = command(all, EndReason::AccountDeleted, minutes(2));
    let audit = new_audit(left, AuditAction::AccountDeleted, minutes(2));
    let delete = async || {
        store.admin().delete_user(&deletion, &ends, &decides(true), &audit, &mut ids()).await.expect("an answer")
    };
    assert_eq!(delete().await, UserChange::LastOwner);
    owner(&store, "carol").await;
    assert!(matches!(delete().await, UserChange::Done(_)));
    assert_eq!(store.accounts().user_by_id(left).await.expect("an answer"), None);
    assert_eq!(delete().await, UserChange::NotFound);
}

#[rstest]
#[tokio::test]
async fn users_of_another_system_are_made_with_all_they_have_where_nobody_has_their_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let bob = stored_user(&store, "bob").await;
    let (ada, mary, twice) = (imported("ada"), imported("mary"), imported("mary"));
    let (ada_id, mary_id) = (ada.user.id, mary.user.id);
    let invitation = Invitation {
        digest: digest(9),
        expires_at: minutes(60),
        mail: new_notice_mail("ada@example.com", "Welcome", START),
        audit: new_audit(ada_id, AuditAction::UserInvited, START),
    };
    let roles = vec!["moderator".to_owned(), "user".to_owned()];
    let ada = ImportedUser { user: NewUser { roles, ..ada.user }, invitation: Some(invitation), ..ada };
    let mary = ImportedUser { disabled_at: Some(minutes(1)), password_reset_required_at: Some(minutes(2)), ..mary };
    let made = store.admin().import_users(&[ada, imported("bob"), mary, twice]).await.expect("an answer");
    assert_eq!(made, HashSet::from([ada_id, mary_id]));

    let all = search(&store, by_email("", None), 10).await;
    assert_eq!(emails(&all), ["ada", "bob", "mary"]);
    assert_eq!((all[1].id, all[2].id, all[2].disabled_at), (bob, mary_id, Some(minutes(1))));
    assert_eq!(
        (all[0].roles.as_slice(), all[0].created_at),
        (["moderator", "user"].map(String::from).as_slice(), START)
    );
    let required = all.iter().map(|user| user.password_reset_required_at);
    assert_eq!(required.collect::<Vec<_>>(), [None, None, Some(minutes(2))]);
    assert_eq!(log_of(&store, ada_id).await, ["user_imported", "user_invited"]);
    assert_eq!(log_of(&store, mary_id).await, ["user_imported"]);
    assert_eq!(mailbox(&store).await.len(), 1);
    let target = store.accounts().user_of_reset_token(&digest(9), minutes(2)).await.expect("an answer");
    assert_eq!(target.map(|user| user.id), Some(ada_id));

    let asked = ["ada@example.com", "bob@example.com", "nobody@example.com"];
    let mut taken = store.admin().taken_addresses(&asked).await.expect("an answer");
    taken.sort_by(|one, other| one.email.cmp(&other.email));
    let taken: Vec<_> = taken.iter().map(|taken| (taken.email.as_str(), taken.imported)).collect();
    assert_eq!(taken, [("ada@example.com", true), ("bob@example.com", false)]);
    assert!(store.admin().import_users(&[]).await.expect("an answer").is_empty());
    assert!(store.admin().taken_addresses(&[]).await.expect("an answer").is_empty());
}

#[rstest]
#[tokio::test]
async fn whom_the_actor_may_not_change_stays_as_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let (ends, audit) = (disabling(ada, minutes(2)), new_audit(ada, AuditAction::UserVerified, minutes(2)));
    let deletion = AccountDeletion {
        mail: new_notice_mail("ada@example.com", "Account deleted", minutes(2)),
        buckets: Vec::new(),
    };
    let admin = store.admin();
    for change in [
        admin.disable_user(&ends, &decides(false), &audit, &mut ids()).await,
        admin.enable_user(ada, &decides(false), &audit).await,
        admin.verify_user(ada, &decides(false), &audit).await,
        admin.require_password_reset(&ends, &decides(false), &audit, &mut ids()).await,
        admin.delete_user(&deletion, &ends, &decides(false), &audit, &mut ids()).await,
    ] {
        assert_eq!(change.expect("an answer"), UserChange::AboveActor);
    }
    let standing = store.sessions().standing(phone, ada, i64::MAX, minutes(3)).await.expect("an answer");
    assert_eq!(standing, Standing::Good);
}

#[rstest]
#[tokio::test]
async fn a_change_is_decided_by_the_roles_that_the_actor_has_when_it_is_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    owner(&store, "olga").await;
    let carol = NewUser { roles: vec!["admin".to_owned(), "user".to_owned()], ..new_user("carol") };
    let carol = create(&store, &carol).await;
    let deletion =
        AccountDeletion { mail: new_notice_mail("ada@example.com", "Farewell", minutes(2)), buckets: Vec::new() };
    let (admin, may) = (store.admin(), &whoever_is_an_admin);
    let changes = async |actor_id: UserId| {
        let ends = EndCommand { actor_id: Some(actor_id), ..disabling(ada, minutes(2)) };
        let audit = |action| NewAudit { actor_id: Some(actor_id), ..new_audit(ada, action, minutes(2)) };
        let verified = audit(AuditAction::UserVerified);
        [
            admin.verify_user(ada, may, &verified).await,
            admin.require_password_reset(&ends, may, &audit(AuditAction::PasswordResetRequired), &mut ids()).await,
            admin.disable_user(&ends, may, &audit(AuditAction::UserDisabled), &mut ids()).await,
            admin.enable_user(ada, may, &audit(AuditAction::UserEnabled)).await,
            admin.delete_user(&deletion, &ends, may, &audit(AuditAction::AccountDeleted), &mut ids()).await,
        ]
        .map(|change| change.expect("an answer"))
    };
    let gone = UserId(Uuid::max());
    assert!(changes(gone).await.iter().all(|change| *change == UserChange::NotAllowed));
    assert!(demote(&store, carol).await);
    assert!(changes(carol).await.iter().all(|change| *change == UserChange::NotAllowed));
    let dora = NewUser { roles: vec!["admin".to_owned(), "user".to_owned()], ..new_user("dora") };
    let dora = create(&store, &dora).await;
    let changed = changes(dora).await;
    assert!(changed.iter().all(|change| matches!(change, UserChange::Done(_))), "{changed:?}");
}

#[rstest]
#[tokio::test]
async fn who_must_set_a_new_password_has_no_session_left_until_it_is_set(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let ends =
        EndCommand { actor_id: None, ..command(Selection::All { user_id: ada }, EndReason::AdminRevoked, minutes(2)) };
    let audit = new_audit(ada, AuditAction::PasswordResetRequired, minutes(2));
    let require = async || {
        store.admin().require_password_reset(&ends, &decides(true), &audit, &mut ids()).await.expect("an answer")
    };
    let UserChange::Done(outcome) = require().await else { panic!("nothing was done") };
    assert_eq!(outcome.ended.iter().map(|session| session.id).collect::<Vec<_>>(), [phone]);
    assert_eq!(require().await, UserChange::Unchanged);
    let required = async || {
        let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("ada");
        user.password_reset_required_at
    };
    assert_eq!(required().await, Some(minutes(2)));
    assert_eq!(log_of(&store, ada).await.iter().filter(|action| *action == "password_reset_required").count(), 1);

    ask_for_reset(&store, ada, [7; 32], minutes(3)).await;
    done(reset(&store, ada, [7; 32], "new", minutes(4)).await);
    assert_eq!(required().await, None);
}

#[rstest]
#[tokio::test]
async fn users_are_found_by_an_address_at_which_they_are_signed_in_and_by_their_age(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let session = new_session(ada, "Phone", minutes(1));
    let address = session.origin.ip.clone();
    record(&store, &session, None).await;
    let at = |address: &str, after| UserFilter {
        order: UserOrder::Address { address: address.to_owned(), after, now: minutes(2) },
        ..by_email("", None)
    };
    assert_eq!(emails(&search(&store, at(&address, None), 10).await), ["ada"]);
    assert!(search(&store, at(&address, Some(ada.0)), 10).await.is_empty());
    assert!(search(&store, at("203.0.113.99", None), 10).await.is_empty());

    let newest = |before| UserFilter { order: UserOrder::Newest { before }, ..by_email("", None) };
    let (older, newer) = (ada.0.min(bob.0), ada.0.max(bob.0));
    let page = search(&store, newest(None), 1).await;
    assert_eq!(page[0].id.0, newer);
    assert_eq!(search(&store, newest(Some(newer)), 10).await[0].id.0, older);
    let disabled = UserFilter { disabled: true, ..newest(None) };
    assert!(search(&store, disabled, 10).await.is_empty());

    let mut found = store.admin().users_by_ids(&[ada, UserId(Uuid::max()), bob]).await.expect("users");
    found.sort_by(|one, other| one.email.cmp(&other.email));
    assert_eq!(emails(&found), ["ada", "bob"]);
    let carol = owner(&store, "carol").await;
    assert_eq!(store.admin().users_with_roles(&[ada, bob, carol]).await.expect("users"), [carol]);
    assert_eq!(store.admin().count_live_sessions(minutes(2)).await.expect("a count"), 1);
}

#[rstest]
#[tokio::test]
async fn an_end_by_rule_counts_what_it_has_ended(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    let id = Uuid::from_u128(7);
    let run = NewEndRun {
        id,
        actor_id: ada,
        session_id: phone,
        rule: "{}".to_owned(),
        client_reason: Some("stolen".to_owned()),
        origin: origin("192.0.2.1"),
        at: minutes(2),
    };
    let audit = new_audit(ada, AuditAction::EndByRuleRequested, minutes(2));
    let job = new_notice_mail("ada@example.com", "Work", minutes(2));
    store.admin().begin_end_run(&run, &job, &audit).await.expect("stored");
    let stored = async || store.admin().end_run(id).await.expect("an answer").expect("the run");
    assert_eq!((stored().await.begun_at, stored().await.total, stored().await.ended), (None, None, 0));

    store.admin().note_end_run(id, minutes(3), None).await.expect("noted");
    store.admin().note_end_run(id, minutes(4), Some(5)).await.expect("noted");
    let ends = ListedEnd { at: minutes(5), run: Some(id), ..end_of(vec![(ada, phone)], Some(ada)) };
    for _ in 0..2 {
        end_listed(&store, &ends).await;
    }
    store.admin().finish_end_run(id, minutes(6)).await.expect("finished");
    let row = stored().await;
    assert_eq!((row.begun_at, row.finished_at), (Some(minutes(3)), Some(minutes(6))));
    assert_eq!((row.total, row.ended, row.run.client_reason.as_deref()), (Some(5), 1, Some("stolen")));
    assert!(store.admin().end_run(Uuid::from_u128(8)).await.expect("an answer").is_none());

    // What is done is not stopped any more.
    store.admin().stop_end_run(id, minutes(7)).await.expect("an answer");
    assert_eq!((stored().await.finished_at, stored().await.was_stopped), (Some(minutes(6)), false));
    let other = NewEndRun { id: Uuid::from_u128(9), at: minutes(8), ..run };
    let job = new_notice_mail("ada@example.com", "Work", minutes(8));
    let audit = new_audit(ada, AuditAction::EndByRuleRequested, minutes(8));
    store.admin().begin_end_run(&other, &job, &audit).await.expect("stored");
    store.admin().stop_end_run(other.id, minutes(9)).await.expect("stopped");
    let listed = store.admin().end_runs(None, 5).await.expect("an answer");
    let listed: Vec<_> = listed.iter().map(|row| (row.run.id, row.finished_at, row.was_stopped)).collect();
    assert_eq!(listed, [(other.id, Some(minutes(9)), true), (id, Some(minutes(6)), false)]);
    // One whose job was given up does not go on for ever.
    let left = NewEndRun { id: Uuid::from_u128(10), at: minutes(9), ..other.clone() };
    let job = new_notice_mail("ada@example.com", "Work", minutes(9));
    let audit = new_audit(ada, AuditAction::EndByRuleRequested, minutes(9));
    store.admin().begin_end_run(&left, &job, &audit).await.expect("stored");
    let cleans_up = async |now| {
        let policy = cleanup_at(now);
        store.maintenance().cleanup(&policy, &mut ids()).await.expect("a report");
        let row = store.admin().end_run(left.id).await.expect("an answer").expect("the run");
        (row.finished_at, row.was_stopped)
    };
    let a_day_later = minutes(9).plus(DAY);
    assert_eq!(cleans_up(a_day_later).await, (None, false));
    let later = a_day_later.plus(MINUTE);
    assert_eq!(cleans_up(later).await, (Some(later), true));

    let older = store.admin().end_runs(Some((minutes(8), other.id)), 5).await.expect("an answer");
    assert_eq!(older.iter().map(|row| row.run.id).collect::<Vec<_>>(), [id]);
}
