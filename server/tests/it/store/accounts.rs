//! Users and the audit log.

use latchkey::store::{Bucket, Creation, NewUser, ProfileChange, Store, Try};
use rstest::rstest;
use types::domain::{DisplayName, UserId};
use types::words::{AccountType, AuditAction};
use uuid::Uuid;

use crate::support::store::{
    Backend, DAY, START, TestStore, digest, email, mailbox, minutes, new_audit, new_mail, new_user, sign_in,
    stored_user,
};

async fn actions(store: &Store, user: UserId) -> Vec<String> {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    entries.into_iter().map(|entry| entry.action.name().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_new_user_is_found_by_address_and_by_id(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let new = NewUser {
        roles: vec!["user".to_owned(), "admin".to_owned()],
        email_verified_at: Some(minutes(1)),
        account_type: AccountType::Business,
        ..new_user("ada")
    };
    assert!(store.accounts().user_by_email(&new.email).await.expect("an answer").is_none());
    assert_eq!(store.accounts().count_users().await.expect("a count"), 0);
    store.accounts().create_user(&new, None, &new_audit(new.id, AuditAction::Registered, START)).await.expect("a user");

    let user = store.accounts().user_by_email(&email("ada")).await.expect("an answer").expect("a user");
    assert!(store.accounts().user_by_id(new.id).await.expect("an answer").as_ref() == Some(&user));
    assert!(store.accounts().user_by_id(UserId(Uuid::now_v7())).await.expect("an answer").is_none());
    assert_eq!(store.accounts().count_users().await.expect("a count"), 1);
    assert_eq!((user.id, user.email.as_str(), user.name.as_str()), (new.id, "ada@example.com", "ada"));
    assert_eq!(user.roles, ["admin", "user"]);
    assert_eq!(user.account_type, AccountType::Business);
    assert_eq!(user.password_hash, new.password_hash);
    assert_eq!((user.epoch, user.last_logout, user.disabled_at), (0, None, None));
    assert_eq!((user.created_at, user.password_changed_at), (START, START));
    assert_eq!(user.email_verified_at, Some(minutes(1)));
}

#[rstest]
#[tokio::test]
async fn an_address_that_is_taken_leaves_no_trace_but_a_notice_a_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    stored_user(&store, "ada").await;
    let day = Try { key: digest(9), bucket: Bucket { burst: 1, every_ms: 86_400_000 } };
    for (at, notices) in [(START, 1), (START, 1), (START.plus(DAY), 2)] {
        let second = new_user("ada");
        let (mail, audit) = (new_mail("ada@example.com", at), new_audit(second.id, AuditAction::Registered, at));
        let creation = store.accounts().create_user(&second, Some((&mail, day)), &audit).await.expect("an answer");
        assert_eq!(creation, Creation::EmailTaken);
        assert!(store.accounts().user_by_id(second.id).await.expect("an answer").is_none());
        assert_eq!(mailbox(&store).await.len(), notices);
        assert!(actions(&store, second.id).await.is_empty());
    }
}

#[rstest]
#[tokio::test]
async fn a_profile_changes_where_it_is_asked_to(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = stored_user(&store, "ada").await;
    let name = ProfileChange { name: Some(DisplayName::parse("Ada L.").expect("a name")), account_type: None };
    let audit = new_audit(id, AuditAction::ProfileUpdated, minutes(1));
    let user = store.accounts().update_profile(id, &name, &audit).await.expect("an answer").expect("a user");
    assert_eq!((user.name.as_str(), user.account_type), ("Ada L.", AccountType::Individual));
    let kind = ProfileChange { name: None, account_type: Some(AccountType::Business) };
    let audit = new_audit(id, AuditAction::ProfileUpdated, minutes(2));
    let user = store.accounts().update_profile(id, &kind, &audit).await.expect("an answer").expect("a user");
    assert_eq!((user.name.as_str(), user.account_type), ("Ada L.", AccountType::Business));
    assert_eq!(actions(&store, id).await, ["profile_updated", "profile_updated", "registered"]);

    let nobody = UserId(Uuid::now_v7());
    let audit = new_audit(nobody, AuditAction::ProfileUpdated, minutes(3));
    assert!(store.accounts().update_profile(nobody, &kind, &audit).await.expect("an answer").is_none());
    assert!(actions(&store, nobody).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_password_hash_is_upgraded_only_in_place_of_the_one_that_was_checked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let id = stored_user(&store, "ada").await;
    assert!(
        store.accounts().upgrade_password_hash(id, "$argon2id$first", "$argon2id$second").await.expect("an answer")
    );
    assert!(
        !store.accounts().upgrade_password_hash(id, "$argon2id$first", "$argon2id$third").await.expect("an answer")
    );
    let user = store.accounts().user_by_id(id).await.expect("an answer").expect("a user");
    assert_eq!((user.password_hash.as_str(), user.password_changed_at), ("$argon2id$second", START));
}

#[rstest]
#[tokio::test]
async fn an_account_is_disabled_and_enabled(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = stored_user(&store, "ada").await;
    assert!(store.accounts().set_disabled(id, Some(minutes(1))).await.expect("an answer"));
    assert_eq!(
        store.accounts().user_by_id(id).await.expect("an answer").expect("a user").disabled_at,
        Some(minutes(1))
    );
    assert!(store.accounts().set_disabled(id, None).await.expect("an answer"));
    assert_eq!(store.accounts().user_by_id(id).await.expect("an answer").expect("a user").disabled_at, None);
    assert!(!store.accounts().set_disabled(UserId(Uuid::now_v7()), None).await.expect("an answer"));
}

#[rstest]
#[tokio::test]
async fn activity_is_read_page_by_page_newest_first_without_gaps(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let session = sign_in(&store, ada, "Laptop", minutes(1)).await;
    // Several at one moment: the id decides.
    for _ in 0..5 {
        store.audit().append_audit(&new_audit(ada, AuditAction::ProfileUpdated, minutes(2))).await.expect("an entry");
    }
    store.audit().append_audit(&new_audit(bob, AuditAction::ProfileUpdated, minutes(3))).await.expect("an entry");

    let all = store.audit().activity(ada, None, 100).await.expect("entries");
    assert_eq!(all.len(), 7);
    let sign_in = &all[5];
    assert_eq!((sign_in.action.name(), sign_in.session_id), ("sign_in", Some(session)));
    assert_eq!(sign_in.device_name.as_deref(), Some("Laptop"));
    assert_eq!(sign_in.origin.ip, "192.0.2.1");
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = store.audit().activity(ada, before, 2).await.expect("entries");
        let Some(last) = page.last() else { break };
        before = Some((last.at, last.id));
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

#[rstest]
#[tokio::test]
async fn nobody_rewrites_the_audit_log(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    for statement in [
        "DELETE FROM audit_log",
        "UPDATE audit_log SET action = 'nothing'",
        "UPDATE audit_log SET at = 0, ip = '', user_agent = ''",
        "UPDATE audit_log SET ip = '203.0.113.7', user_agent = ''",
        "UPDATE audit_log SET client_reason = 'none', ip = '', user_agent = ''",
    ] {
        let refused = store.execute(statement).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("append-only")), "{statement}");
    }
    let wiped = store.execute("UPDATE audit_log SET ip = '', user_agent = ''").await;
    assert_eq!(wiped.expect("addresses may be wiped"), 1);
    assert_eq!(actions(&store, ada).await, ["registered"]);
}
