//! What is held on a user is handed out, and goes with the account.

use latchkey::mail::Mail;
use latchkey::store::{
    AccountOutcome, Creation, JobLease, Refresh, RefreshDecision, RevokedSubject, Selection, SessionRow, Standing,
    Store,
};
use rstest::rstest;
use types::domain::SessionId;
use types::words::{AuditAction, EndReason, HistoryKind};
use uuid::Uuid;

use crate::support::store::{
    Backend, CAPACITY, START, TestStore, ask_for_reset, command, delete_account, digest, done, email, end,
    first_refresh, ids, lease, mailbox, minutes, new_audit, new_entry, new_mail, new_registration, new_session,
    new_user, record, register, sign_in, stored_user,
};

/// What the audit log says of a user, oldest first, and from which addresses.
async fn log_of(store: &Store, user: types::domain::UserId) -> Vec<(String, Option<EndReason>, String)> {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    entries.into_iter().rev().map(|entry| (entry.action.name().to_owned(), entry.reason, entry.origin.ip)).collect()
}

async fn refreshes(store: &Store, session_id: SessionId) -> Refresh {
    let attempt = first_refresh(session_id, minutes(9));
    let decide = |_: &SessionRow| RefreshDecision::Refresh { expires_at: minutes(100) };
    store.sessions().refresh_session(&attempt, &decide).await.expect("an answer")
}

#[rstest]
#[tokio::test]
async fn an_account_goes_with_all_that_hangs_on_it_and_what_happened_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = new_user("ada");
    let audit = new_audit(ada.id, AuditAction::Registered, START);
    store.accounts().create_user(&ada, None, &audit).await.expect("a user");
    register(&store, &new_registration("ada", digest(9), START)).await;
    let bob = stored_user(&store, "bob").await;
    store.jobs().enqueue(&new_mail("bob@example.com", START)).await.expect("queued");
    let ada = ada.id;
    let old = sign_in(&store, ada, "Old", minutes(1)).await;
    let one = Selection::One { user_id: ada, session_id: old };
    end(&store, command(one, EndReason::UserInitiatedLogout, minutes(2))).await;
    let phone = sign_in(&store, ada, "Phone", minutes(3)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(3)).await;
    let his = sign_in(&store, bob, "Bob's", minutes(3)).await;
    ask_for_reset(&store, ada, digest(8), minutes(4)).await;

    let outcome = done(delete_account(&store, ada, Some(phone), Some(digest(7)), minutes(5)).await);
    let mut ended: Vec<_> = outcome.ended.iter().map(|session| session.id).collect();
    ended.sort();
    assert_eq!(ended, [phone, laptop]);
    let [revocation] = outcome.revocations.as_slice() else { panic!("{outcome:?}") };
    assert!(
        matches!(revocation.subject, RevokedSubject::Epoch(1..))
            && revocation.reason == Some(EndReason::AccountDeleted)
    );
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!(tail.revocations.last(), Some(revocation), "the other servers learn of it from here");

    assert!(store.accounts().user_by_id(ada).await.expect("an answer").is_none());
    assert!(store.accounts().user_of_reset_token(&digest(8), minutes(5)).await.expect("an answer").is_none());
    assert!(store.accounts().export_data(ada).await.expect("an answer").is_none());
    for session in [old, phone, laptop] {
        assert!(store.sessions().session(session).await.expect("an answer").is_none());
        assert_eq!(store.sessions().standing(session, ada, 9, minutes(5)).await.expect("an answer"), Standing::Unknown);
        assert!(matches!(refreshes(&store, session).await, Refresh::Unknown));
        assert!(!store.sessions().confirm_end(session, minutes(6)).await.expect("an answer"));
        store
            .sessions()
            .append_history(&new_entry(session, HistoryKind::PossibleTheft, minutes(6), ""))
            .await
            .expect("nothing to note");
    }
    store.sessions().mark_notified(&[phone, laptop], minutes(6)).await.expect("nothing to note");
    assert!(store.sessions().receipt(&digest(7)).await.expect("an answer").is_empty());
    for (touched, left) in [
        ("UPDATE users SET name = name", 1),
        ("UPDATE user_roles SET role = role", 1),
        ("UPDATE sessions SET platform = platform", 1),
        ("UPDATE session_history SET kind = kind", 1),
        ("UPDATE registrations SET name = name", 0),
        ("UPDATE password_resets SET digest = digest", 0),
    ] {
        assert_eq!(store.execute(touched).await.expect("a count"), left, "{touched}");
    }
    assert!(store.sessions().session(his).await.expect("an answer").is_some());

    let wiped = String::new;
    let expected = [
        ("registered".to_owned(), None, wiped()),
        ("sign_in".to_owned(), None, wiped()),
        ("session_ended".to_owned(), Some(EndReason::UserInitiatedLogout), wiped()),
        ("sign_in".to_owned(), None, wiped()),
        ("sign_in".to_owned(), None, wiped()),
        ("password_reset_requested".to_owned(), None, wiped()),
        ("session_ended".to_owned(), Some(EndReason::AccountDeleted), wiped()),
        ("session_ended".to_owned(), Some(EndReason::AccountDeleted), wiped()),
        ("account_deleted".to_owned(), None, "192.0.2.9".to_owned()),
    ];
    assert_eq!(log_of(&store, ada).await, expected);
    assert_eq!(log_of(&store, bob).await[0].2, "192.0.2.1");
    let mailbox = mailbox(&store).await;
    let mails: Vec<_> = mailbox.iter().map(|mail| (mail.to.as_str(), mail.content.subject.as_str())).collect();
    assert_eq!(mails, [("ada@example.com", "Account deleted"), ("bob@example.com", "Your code")]);

    // Whoever comes under that address now is somebody else.
    let again = new_user("ada");
    let audit = new_audit(again.id, AuditAction::Registered, minutes(7));
    assert_eq!(store.accounts().create_user(&again, None, &audit).await.expect("an answer"), Creation::Created);
    let found = store.accounts().user_by_email(&email("ada")).await.expect("an answer").expect("a user");
    assert!(found.id == again.id && found.id != ada);
}

#[rstest]
#[tokio::test]
async fn only_a_session_of_the_user_that_still_lives_deletes_the_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let stolen = sign_in(&store, ada, "Stolen", minutes(1)).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let his = sign_in(&store, bob, "Bob's", minutes(1)).await;
    let others = Selection::Others { user_id: ada, keep: laptop };
    end(&store, command(others, EndReason::RevokedFromOtherDevice, minutes(2))).await;
    for from in [Some(stolen), Some(his), Some(SessionId(Uuid::now_v7())), None] {
        assert_eq!(delete_account(&store, ada, from, None, minutes(3)).await, AccountOutcome::Refused);
    }
    assert_eq!(store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").epoch, 0);
    assert_eq!(store.sessions().sessions_of(ada, minutes(4)).await.expect("sessions").len(), 1);
    assert!(mailbox(&store).await.is_empty());
    assert_eq!(done(delete_account(&store, ada, Some(laptop), None, minutes(4)).await).ended.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_comes_after_a_deletion_finds_nobody(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let laptop = sign_in(&store, ada, "Laptop", minutes(1)).await;
    let his = sign_in(&store, bob, "Bob's", minutes(1)).await;
    assert_eq!(done(delete_account(&store, ada, Some(laptop), None, minutes(2)).await).ended.len(), 1);
    let queued_ends = [
        command(Selection::All { user_id: ada }, EndReason::LogoutAll, minutes(2)),
        command(Selection::One { user_id: ada, session_id: laptop }, EndReason::UserInitiatedLogout, minutes(2)),
        command(Selection::One { user_id: bob, session_id: his }, EndReason::UserInitiatedLogout, minutes(2)),
    ];
    let outcomes = store.sessions().end_sessions(&queued_ends, &mut ids()).await.expect("ends");
    assert_eq!(outcomes.iter().map(|outcome| outcome.ended.len()).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(delete_account(&store, ada, Some(laptop), None, minutes(2)).await, AccountOutcome::Refused);
    assert_eq!(mailbox(&store).await.len(), 1, "one mail about it");
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 2);
}

#[rstest]
#[tokio::test]
async fn everything_that_is_held_on_a_user_is_found_and_nothing_of_anybody_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let phone = sign_in(&store, ada, "Phone", minutes(1)).await;
    record(&store, &new_session(bob, "Bob's", minutes(1)), None).await;
    let laptop = sign_in(&store, ada, "Laptop", minutes(2)).await;
    store
        .sessions()
        .append_history(&new_entry(laptop, HistoryKind::Refreshed, minutes(3), "192.0.2.1"))
        .await
        .expect("noted");
    let one = Selection::One { user_id: ada, session_id: phone };
    end(&store, command(one, EndReason::RevokedFromOtherDevice, minutes(4))).await;
    let (first, second) = (new_mail("ada@example.com", minutes(1)), new_mail("ada@example.com", minutes(2)));
    for mail in [&second, &first, &new_mail("bob@example.com", minutes(1))] {
        store.jobs().enqueue(mail).await.expect("queued");
    }
    let (_, token) = lease(&store, minutes(5), CAPACITY).await;
    let sent = JobLease { id: first.id, token };
    assert!(store.jobs().complete_job(sent, minutes(5), Some(&first.payload)).await.expect("noted"));

    let held = store.accounts().export_data(ada).await.expect("an answer").expect("a user");
    assert_eq!((held.user.id, held.user.roles.as_slice()), (ada, ["user".to_owned()].as_slice()));
    let lives: Vec<_> = held
        .sessions
        .iter()
        .map(|(row, history)| (row.id, row.end.is_some(), history.iter().map(|e| e.kind.name()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(lives, [(phone, true, vec!["signed_in", "ended"]), (laptop, false, vec!["signed_in", "refreshed"])]);
    assert_eq!(held.audit, store.audit().activity(ada, None, 100).await.expect("entries"));
    assert_eq!(held.audit.len(), 4);
    let mails: Vec<_> = held.jobs.iter().map(|job| Mail::of(job).expect("a mail")).collect();
    let envelopes: Vec<_> = mails
        .iter()
        .map(|mail| (mail.to.as_str(), mail.content.subject.as_str(), mail.queued_at, mail.sent_at))
        .collect();
    let envelope = |queued_at, sent_at| ("ada@example.com", "Your code", queued_at, sent_at);
    assert_eq!(envelopes, [envelope(minutes(1), Some(minutes(5))), envelope(minutes(2), None)]);
    assert!(store.accounts().export_data(types::domain::UserId(Uuid::now_v7())).await.expect("an answer").is_none());
}
