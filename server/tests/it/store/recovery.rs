//! A forgotten password.

use latchkey::store::{AccountOutcome, CodeOutcome, ResetRequest, RevokedSubject, Selection, Store};
use rstest::rstest;
use types::domain::UserId;
use types::words::{AuditAction, EndReason};
use uuid::Uuid;

use crate::support::store::{
    Backend, START, TestStore, ask_for_reset, change_password, command, digest, done, guess, ids, mailbox, minutes,
    new_audit, new_registration, new_user, register, reset, sign_in, stored_user,
};

const NEW: &str = "$argon2id$new";

async fn whose(store: &Store, token: u8, minute: u64) -> Option<UserId> {
    let user = store.accounts().user_of_reset_token(&digest(token), minutes(minute)).await.expect("an answer");
    user.map(|user| user.id)
}

async fn count(store: &Store, user: UserId, action: &str) -> usize {
    let entries = store.audit().activity(user, None, 100).await.expect("entries");
    entries.iter().filter(|entry| entry.action.name() == action).count()
}

async fn hash(store: &Store, user: UserId) -> String {
    store.accounts().user_by_id(user).await.expect("an answer").expect("a user").password_hash
}

#[rstest]
#[tokio::test]
async fn a_link_takes_the_place_of_the_one_before_and_is_sent_once_a_minute(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    assert_eq!(ask_for_reset(&store, ada, digest(1), minutes(1)).await, ResetRequest::Queued);
    assert_eq!(ask_for_reset(&store, ada, digest(2), minutes(1)).await, ResetRequest::Ignored);
    assert_eq!((whose(&store, 1, 2).await, whose(&store, 2, 2).await), (Some(ada), None));
    assert_eq!(ask_for_reset(&store, ada, digest(3), minutes(2)).await, ResetRequest::Queued);
    assert_eq!((whose(&store, 1, 2).await, whose(&store, 3, 2).await), (None, Some(ada)));
    assert_eq!(mailbox(&store).await.len(), 2);
    assert_eq!(count(&store, ada, "password_reset_requested").await, 3);
    assert_eq!((whose(&store, 3, 31).await, whose(&store, 3, 32).await), (Some(ada), None));
}

#[rstest]
#[tokio::test]
async fn nobody_and_whoever_is_disabled_get_no_link_but_an_entry_like_everybody(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (nobody, disabled) = (UserId(Uuid::now_v7()), stored_user(&store, "ada").await);
    store.accounts().set_disabled(disabled, Some(START)).await.expect("an answer");
    for user in [nobody, disabled] {
        assert_eq!(ask_for_reset(&store, user, digest(1), minutes(1)).await, ResetRequest::Ignored);
        assert_eq!(count(&store, user, "password_reset_requested").await, 1);
    }
    assert!(mailbox(&store).await.is_empty());
    assert_eq!(whose(&store, 1, 1).await, None);
}

#[rstest]
#[tokio::test]
async fn a_reset_uses_up_its_token_ends_every_session_and_proves_the_address(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let waiting = new_registration("ada", digest(9), START);
    register(&store, &waiting).await;
    let mut sessions =
        vec![sign_in(&store, ada, "Phone", minutes(1)).await, sign_in(&store, ada, "Laptop", minutes(1)).await];
    sessions.sort();
    ask_for_reset(&store, ada, digest(1), minutes(2)).await;

    let outcome = done(reset(&store, ada, digest(1), NEW, minutes(3)).await);
    assert_eq!(outcome.ended.iter().map(|session| session.id).collect::<Vec<_>>(), sessions);
    let [revocation] = outcome.revocations.as_slice() else { panic!("{outcome:?}") };
    assert!(
        matches!(revocation.subject, RevokedSubject::Epoch(1..)) && revocation.reason == Some(EndReason::PasswordReset)
    );
    let user = store.accounts().user_by_id(ada).await.expect("an answer").expect("a user");
    assert_eq!((user.password_hash.as_str(), user.password_changed_at), (NEW, minutes(3)));
    assert_eq!(user.email_verified_at, Some(minutes(3)));
    assert_eq!(count(&store, ada, "password_reset").await, 1);

    assert_eq!(whose(&store, 1, 3).await, None);
    assert_eq!(reset(&store, ada, digest(1), "$argon2id$third", minutes(3)).await, AccountOutcome::Refused);
    assert_eq!(hash(&store, ada).await, NEW);
    // Nor does a code from before sign anybody in.
    assert_eq!(guess(&store, ("ada", waiting.id), digest(9), true, minutes(4)).await, CodeOutcome::Refused);
}

#[rstest]
#[tokio::test]
async fn an_address_that_was_proved_before_was_proved_then(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut ada = new_user("ada");
    ada.email_verified_at = Some(START);
    store.accounts().create_user(&ada, None, &new_audit(ada.id, AuditAction::Registered, START)).await.expect("a user");
    ask_for_reset(&store, ada.id, digest(1), minutes(1)).await;
    done(reset(&store, ada.id, digest(1), NEW, minutes(2)).await);
    let user = store.accounts().user_by_id(ada.id).await.expect("an answer").expect("a user");
    assert_eq!((user.email_verified_at, user.password_changed_at), (Some(START), minutes(2)));
}

#[rstest]
#[tokio::test]
async fn a_token_is_good_for_its_user_for_half_an_hour_and_not_while_they_are_disabled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    let laptop = sign_in(&store, ada, "Laptop", START).await;
    ask_for_reset(&store, ada, digest(1), START).await;
    assert_eq!(reset(&store, bob, digest(1), NEW, minutes(1)).await, AccountOutcome::Refused);
    assert_eq!(reset(&store, ada, digest(2), NEW, minutes(1)).await, AccountOutcome::Refused);
    assert_eq!(reset(&store, UserId(Uuid::now_v7()), digest(1), NEW, minutes(1)).await, AccountOutcome::Refused);
    assert_eq!(reset(&store, ada, digest(1), NEW, minutes(30)).await, AccountOutcome::Refused);
    store.accounts().set_disabled(ada, Some(minutes(1))).await.expect("an answer");
    assert_eq!(whose(&store, 1, 1).await, None);
    assert_eq!(reset(&store, ada, digest(1), NEW, minutes(1)).await, AccountOutcome::Refused);
    store.accounts().set_disabled(ada, None).await.expect("an answer");

    // None of it left a trace, and none of it cost the token.
    assert_eq!(
        (hash(&store, ada).await, hash(&store, bob).await),
        ("$argon2id$first".into(), "$argon2id$first".into())
    );
    assert!(store.sessions().session(laptop).await.expect("an answer").is_some_and(|session| session.end.is_none()));
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 0);
    assert_eq!(count(&store, ada, "password_reset").await, 0);
    assert_eq!(done(reset(&store, ada, digest(1), NEW, minutes(29)).await).ended.len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_password_that_was_changed_meanwhile_makes_the_token_worthless(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let laptop = sign_in(&store, ada, "Laptop", START).await;
    ask_for_reset(&store, ada, digest(1), minutes(1)).await;
    let change = |expected: &'static str| {
        let store = &store;
        async move { change_password(store, (ada, laptop), (expected, "$argon2id$changed"), minutes(2)).await }
    };
    assert_eq!(change("$argon2id$stale").await, AccountOutcome::Refused);
    assert_eq!(whose(&store, 1, 2).await, Some(ada), "nothing was changed");
    done(change("$argon2id$first").await);
    assert_eq!(whose(&store, 1, 2).await, None);
    assert_eq!(reset(&store, ada, digest(1), NEW, minutes(3)).await, AccountOutcome::Refused);
    assert_eq!(hash(&store, ada).await, "$argon2id$changed");
}

#[rstest]
#[tokio::test]
async fn a_reset_that_is_refused_does_not_hinder_others_from_ending_theirs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, bob) = (stored_user(&store, "ada").await, stored_user(&store, "bob").await);
    sign_in(&store, ada, "Ada's", START).await;
    let his = sign_in(&store, bob, "Bob's", START).await;
    assert_eq!(reset(&store, ada, digest(1), NEW, minutes(1)).await, AccountOutcome::Refused);
    let queued_ends = [
        command(Selection::One { user_id: bob, session_id: his }, EndReason::UserInitiatedLogout, minutes(1)),
        command(Selection::All { user_id: ada }, EndReason::LogoutAll, minutes(1)),
    ];
    let outcomes = store.sessions().end_sessions(&queued_ends, &mut ids()).await.expect("ends");
    assert_eq!(outcomes.iter().map(|outcome| outcome.ended.len()).collect::<Vec<_>>(), [1, 1]);
}
