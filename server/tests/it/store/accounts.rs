//! People, codes, mail and the audit log.

use app::domain::{AccountType, DisplayName, UserId};
use latchkey::store::{
    CodeOutcome, CodePurpose, Creation, Digest, Mail, MailRoom, NewCode, NewUser, ProfileChange, Resend, Store,
};
use rstest::rstest;
use uuid::Uuid;

use crate::support::store::{
    Backend, MINUTE, START, TestStore, digest, email, minutes, new_audit, new_mail, new_user, person, sign_in,
};

/// Attempts a code, and failures in a row.
const MOST: (i64, i64) = (5, 100);

fn code(byte: u8, minute: u64) -> NewCode {
    NewCode { purpose: CodePurpose::VerifyEmail, digest: digest(byte), expires_at: minutes(minute + 10) }
}

async fn register(store: &Store, name: &str) -> UserId {
    let user = new_user(name);
    let mail = new_mail(user.email.as_str(), START);
    let audit = new_audit(user.id, "registered", START);
    let created = store.create_user(&user, Some(code(1, 0)), Some(&mail), &audit).await;
    assert_eq!(created.expect("a person"), Creation::Created);
    user.id
}

async fn guess(store: &Store, user: UserId, guess: Digest, minute: u64) -> CodeOutcome {
    let audit = new_audit(user, "email_verified", minutes(minute));
    store.verify_email(user, &guess, minutes(minute), MOST.0, MOST.1, &audit).await.expect("an outcome")
}

async fn actions(store: &Store, user: UserId) -> Vec<String> {
    let entries = store.activity(user, None, 100).await.expect("entries");
    entries.into_iter().map(|entry| entry.action).collect()
}

#[rstest]
#[tokio::test]
async fn a_new_person_is_found_by_address_and_by_id(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let new = NewUser {
        roles: vec!["user".to_owned(), "admin".to_owned()],
        email_verified_at: Some(minutes(1)),
        account_type: AccountType::Business,
        ..new_user("ada")
    };
    assert!(store.user_by_email(&new.email).await.expect("an answer").is_none());
    assert_eq!(store.count_users().await.expect("a count"), 0);
    store.create_user(&new, None, None, &new_audit(new.id, "registered", START)).await.expect("a person");

    let user = store.user_by_email(&email("ada")).await.expect("an answer").expect("a person");
    assert!(store.user_by_id(new.id).await.expect("an answer").as_ref() == Some(&user));
    assert!(store.user_by_id(UserId(Uuid::now_v7())).await.expect("an answer").is_none());
    assert_eq!(store.count_users().await.expect("a count"), 1);
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
async fn an_address_that_is_taken_leaves_no_trace(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let first = register(&store, "ada").await;
    let second = new_user("ada");
    let mail = new_mail("ada@example.com", START);
    let audit = new_audit(second.id, "registered", START);
    let creation = store.create_user(&second, Some(code(2, 0)), Some(&mail), &audit).await.expect("an answer");
    assert_eq!(creation, Creation::EmailTaken);
    assert!(store.user_by_id(second.id).await.expect("an answer").is_none());
    assert_eq!(store.mailbox(10).await.expect("mail").len(), 1);
    assert!(actions(&store, second.id).await.is_empty());
    assert_eq!(guess(&store, first, digest(1), 1).await, CodeOutcome::Accepted);
}

#[rstest]
#[tokio::test]
async fn a_profile_changes_where_it_is_asked_to(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = person(&store, "ada").await;
    let name = ProfileChange { name: Some(DisplayName::parse("Ada L.").expect("a name")), account_type: None };
    let audit = new_audit(id, "profile_changed", minutes(1));
    let user = store.update_profile(id, &name, &audit).await.expect("an answer").expect("a person");
    assert_eq!((user.name.as_str(), user.account_type), ("Ada L.", AccountType::Individual));
    let kind = ProfileChange { name: None, account_type: Some(AccountType::Business) };
    let audit = new_audit(id, "profile_changed", minutes(2));
    let user = store.update_profile(id, &kind, &audit).await.expect("an answer").expect("a person");
    assert_eq!((user.name.as_str(), user.account_type), ("Ada L.", AccountType::Business));
    assert_eq!(actions(&store, id).await, ["profile_changed", "profile_changed", "registered"]);

    let nobody = UserId(Uuid::now_v7());
    let audit = new_audit(nobody, "profile_changed", minutes(3));
    assert!(store.update_profile(nobody, &kind, &audit).await.expect("an answer").is_none());
    assert!(actions(&store, nobody).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn a_password_hash_is_upgraded_only_in_place_of_the_one_that_was_checked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let id = person(&store, "ada").await;
    assert!(store.upgrade_password_hash(id, "$argon2id$first", "$argon2id$second").await.expect("an answer"));
    assert!(!store.upgrade_password_hash(id, "$argon2id$first", "$argon2id$third").await.expect("an answer"));
    let user = store.user_by_id(id).await.expect("an answer").expect("a person");
    assert_eq!((user.password_hash.as_str(), user.password_changed_at), ("$argon2id$second", START));
}

#[rstest]
#[tokio::test]
async fn an_account_is_disabled_and_enabled(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = person(&store, "ada").await;
    assert!(store.set_disabled(id, Some(minutes(1))).await.expect("an answer"));
    assert_eq!(store.user_by_id(id).await.expect("an answer").expect("a person").disabled_at, Some(minutes(1)));
    assert!(store.set_disabled(id, None).await.expect("an answer"));
    assert_eq!(store.user_by_id(id).await.expect("an answer").expect("a person").disabled_at, None);
    assert!(!store.set_disabled(UserId(Uuid::now_v7()), None).await.expect("an answer"));
}

#[rstest]
#[tokio::test]
async fn the_right_code_proves_the_address_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = register(&store, "ada").await;
    assert_eq!(guess(&store, id, digest(9), 1).await, CodeOutcome::Refused);
    assert_eq!(guess(&store, id, digest(1), 2).await, CodeOutcome::Accepted);
    assert_eq!(guess(&store, id, digest(1), 3).await, CodeOutcome::Refused);
    let user = store.user_by_id(id).await.expect("an answer").expect("a person");
    assert_eq!(user.email_verified_at, Some(minutes(2)));
    assert_eq!(actions(&store, id).await, ["email_verified", "registered"]);
    assert_eq!(guess(&store, UserId(Uuid::now_v7()), digest(1), 3).await, CodeOutcome::Refused);
}

#[rstest]
#[tokio::test]
async fn a_code_is_worthless_when_it_has_expired(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let id = register(&store, "ada").await;
    assert_eq!(guess(&store, id, digest(1), 10).await, CodeOutcome::Refused);
    assert_eq!(guess(&store, id, digest(1), 9).await, CodeOutcome::Accepted);
}

#[rstest]
#[tokio::test]
async fn a_code_is_worthless_after_five_guesses_and_the_next_one_has_five_more(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let id = register(&store, "ada").await;
    for _ in 0..5 {
        assert_eq!(guess(&store, id, digest(9), 1).await, CodeOutcome::Refused);
    }
    assert_eq!(guess(&store, id, digest(1), 1).await, CodeOutcome::Refused);
    let mail = new_mail("ada@example.com", minutes(2));
    assert_eq!(store.resend_code(id, &code(2, 2), &mail, minutes(1)).await.expect("an answer"), Resend::Queued);
    for _ in 0..4 {
        assert_eq!(guess(&store, id, digest(1), 3).await, CodeOutcome::Refused);
    }
    assert_eq!(guess(&store, id, digest(2), 3).await, CodeOutcome::Accepted);
}

#[rstest]
#[tokio::test]
async fn a_hundred_failures_in_a_row_end_all_guessing_however_many_codes_are_sent(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let id = register(&store, "ada").await;
    for round in 0..20 {
        for _ in 0..5 {
            assert_eq!(guess(&store, id, digest(9), round).await, CodeOutcome::Refused);
        }
        let mail = new_mail("ada@example.com", minutes(round + 1));
        let resent = store.resend_code(id, &code(2, round + 1), &mail, minutes(round)).await;
        assert_eq!(resent.expect("an answer"), Resend::Queued);
    }
    assert_eq!(guess(&store, id, digest(2), 21).await, CodeOutcome::Refused);
}

#[rstest]
#[tokio::test]
async fn another_code_is_not_sent_too_soon_after_the_last(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let id = register(&store, "ada").await;
    let mail = new_mail("ada@example.com", minutes(1));
    let too_soon = store.resend_code(id, &code(2, 1), &mail, START.minus(MINUTE)).await.expect("an answer");
    assert_eq!(too_soon, Resend::TooSoon);
    assert_eq!(store.mailbox(10).await.expect("mail").len(), 1);
    assert_eq!(guess(&store, id, digest(2), 1).await, CodeOutcome::Refused);
    assert_eq!(store.resend_code(id, &code(2, 1), &mail, START).await.expect("an answer"), Resend::Queued);
    assert_eq!(store.mailbox(10).await.expect("mail").len(), 2);
    assert_eq!(guess(&store, id, digest(1), 1).await, CodeOutcome::Refused);
    assert_eq!(guess(&store, id, digest(2), 1).await, CodeOutcome::Accepted);
}

const ROOM: MailRoom = MailRoom { places: 10, notices: true, a_domain: 4, notices_a_domain: 2 };

#[rstest]
#[tokio::test]
async fn a_domain_has_only_so_many_letters_under_way_and_what_is_waited_for_goes_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    for number in 0..5 {
        store.queue_mail(&new_mail(&format!("{number}@Slow.example"), START)).await.expect("queued");
        store.queue_mail(&new_mail(&format!("{number}@b{number}.example"), START)).await.expect("queued");
    }
    let ada = new_user("ada");
    let code_mail = new_mail("ada@slow.example", minutes(1));
    let audit = new_audit(ada.id, "registered", START);
    store.create_user(&ada, Some(code(1, 0)), Some(&code_mail), &audit).await.expect("created");

    let to = |mails: &[Mail]| {
        let mut to: Vec<_> = mails.iter().map(|mail| mail.to.clone()).collect();
        to.sort();
        to
    };
    let awaited = MailRoom { notices: false, ..ROOM };
    assert_eq!(to(&store.claim_mail(minutes(1), awaited).await.expect("mail")), ["ada@slow.example"]);
    let notices = store.claim_mail(minutes(1), ROOM).await.expect("mail");
    assert_eq!(notices.iter().filter(|mail| mail.to.ends_with("@Slow.example")).count(), 1, "two are under way then");
    assert_eq!(notices.len(), 6);
    let another = store.another_server().await;
    assert!(another.claim_mail(minutes(1), ROOM).await.expect("mail").is_empty(), "for any server");
    store.mail_sent(code_mail.id, minutes(1)).await.expect("noted");
    assert_eq!(another.claim_mail(minutes(1), ROOM).await.expect("mail").len(), 1);
}

#[rstest]
#[tokio::test]
async fn mail_goes_to_one_server_at_a_time_and_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (first, second) = (new_mail("ada@example.com", START), new_mail("bob@example.com", minutes(1)));
    store.queue_mail(&first).await.expect("queued");
    store.queue_mail(&second).await.expect("queued");
    assert_eq!(store.claim_mail(START, ROOM).await.expect("mail").len(), 1);
    // Whoever took it has vanished.
    let due = store.claim_mail(minutes(3), ROOM).await.expect("mail");
    assert_eq!(due.iter().map(|mail| mail.id).collect::<Vec<_>>(), [first.id, second.id]);
    assert_eq!((due[0].to.as_str(), due[0].text.as_str()), ("ada@example.com", "It is 123456."));
    assert!(store.another_server().await.claim_mail(minutes(3), ROOM).await.expect("mail").is_empty());

    store.mail_sent(first.id, minutes(1)).await.expect("noted");
    store.mail_failed(second.id, minutes(5)).await.expect("noted");
    assert!(store.claim_mail(minutes(4), ROOM).await.expect("mail").is_empty());
    let due = store.claim_mail(minutes(5), ROOM).await.expect("mail");
    assert_eq!(due.iter().map(|mail| (mail.id, mail.attempts)).collect::<Vec<_>>(), [(second.id, 1)]);
    let mailbox = store.mailbox(10).await.expect("mail");
    let seen: Vec<_> = mailbox.iter().map(|mail| (mail.id, mail.sent_at)).collect();
    assert_eq!(seen, [(second.id, None), (first.id, Some(minutes(1)))]);
}

#[rstest]
#[tokio::test]
async fn the_text_of_a_mail_is_forgotten_when_it_was_handed_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (sent, kept) = (new_mail("ada@example.com", START), new_mail("ada@example.com", minutes(1)));
    for mail in [&sent, &kept] {
        store.queue_mail(mail).await.expect("queued");
    }
    store.mail_sent(sent.id, minutes(2)).await.expect("noted");
    store.mail_kept(kept.id, minutes(2)).await.expect("noted");
    let mailbox = store.mailbox(10).await.expect("mail");
    let texts: Vec<_> = mailbox.iter().map(|mail| (mail.text.as_str(), mail.sent_at)).collect();
    assert_eq!(texts, [("It is 123456.", Some(minutes(2))), ("", Some(minutes(2)))]);
    assert!(store.claim_mail(minutes(9), ROOM).await.expect("mail").is_empty());
}

#[rstest]
#[tokio::test]
async fn activity_is_read_page_by_page_newest_first_without_gaps(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (person(&store, "ada").await, person(&store, "bob").await);
    let session = sign_in(&store, ada, "Laptop", minutes(1)).await;
    // Several at one moment: the id decides.
    for _ in 0..5 {
        store.append_audit(&new_audit(ada, "profile_changed", minutes(2))).await.expect("an entry");
    }
    store.append_audit(&new_audit(bob, "profile_changed", minutes(3))).await.expect("an entry");

    let all = store.activity(ada, None, 100).await.expect("entries");
    assert_eq!(all.len(), 7);
    let sign_in = &all[5];
    assert_eq!((sign_in.action.as_str(), sign_in.session_id), ("sign_in", Some(session)));
    assert_eq!(sign_in.device_name.as_deref(), Some("Laptop"));
    assert_eq!(sign_in.origin.ip, "192.0.2.1");
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = store.activity(ada, before, 2).await.expect("entries");
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
    let ada = person(&store, "ada").await;
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
