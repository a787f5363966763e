//! Signing in, with and without a limit of sessions.

use latchkey::sessions::AtLimit;
use latchkey::store::{RevokedSubject, SignIn, Store};
use rstest::rstest;
use types::domain::{SessionId, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::support::store::{
    Backend, START, TestStore, minutes, new_session, record, record_within, sign_in, stored_user,
};

async fn live(store: &Store, user: UserId) -> Vec<SessionId> {
    let sessions = store.sessions().sessions_of(user, minutes(10)).await.expect("sessions");
    sessions.into_iter().map(|session| session.id).collect()
}

/// A user with three sessions, the first inactive longest.
async fn three_sessions(store: &Store) -> (UserId, [SessionId; 3]) {
    let ada = stored_user(store, "ada").await;
    let first = sign_in(store, ada, "First", minutes(1)).await;
    let second = sign_in(store, ada, "Second", minutes(2)).await;
    let third = sign_in(store, ada, "Third", minutes(3)).await;
    (ada, [first, second, third])
}

fn ended(outcome: &SignIn) -> Vec<SessionId> {
    match outcome {
        SignIn::Done { replaced, .. } => replaced.ended.iter().map(|session| session.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[tokio::test]
async fn signing_in_gives_the_user_with_the_present_epoch(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let row = store.revocations().bump_epoch(ada, START, minutes(10)).await.expect("an answer").expect("a revocation");
    let RevokedSubject::Epoch(raised) = row.subject else { panic!("{row:?}") };
    let SignIn::Done { user, replaced, .. } = record(&store, &new_session(ada, "Laptop", START), None).await else {
        panic!("a session was expected")
    };
    assert_eq!((user.id, user.epoch, user.roles), (ada, raised, vec!["user".to_owned()]));
    assert!(replaced.ended.is_empty() && replaced.revocations.is_empty());
}

#[rstest]
#[tokio::test]
async fn nobody_signs_in_to_a_disabled_or_missing_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    store.accounts().set_disabled(ada, Some(START)).await.expect("an answer");
    for user in [ada, UserId(Uuid::now_v7())] {
        let session = new_session(user, "Laptop", START);
        assert!(matches!(record(&store, &session, None).await, SignIn::NoSuchUser));
        assert!(store.sessions().session(session.id).await.expect("an answer").is_none());
    }
}

#[rstest]
#[tokio::test]
async fn below_the_limit_nobody_has_to_go(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, _) = three_sessions(&store).await;
    let outcome = record_within(&store, &new_session(ada, "Fourth", minutes(4)), 4, AtLimit::Refuse).await;
    assert!(ended(&outcome).is_empty());
    assert_eq!(live(&store, ada).await.len(), 4);
}

#[rstest]
#[tokio::test]
async fn at_the_limit_the_longest_inactive_session_ends(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, [first, second, third]) = three_sessions(&store).await;
    let new = new_session(ada, "Fourth", minutes(4));
    let outcome = record_within(&store, &new, 3, AtLimit::ReplaceOldest).await;
    assert_eq!(ended(&outcome), [first]);
    assert_eq!(live(&store, ada).await, [new.id, third, second]);
    let end = store.sessions().session(first).await.expect("an answer").expect("a session").end.expect("an end");
    assert_eq!((end.at, end.reason), (minutes(4), EndReason::Replaced));
    assert_eq!((end.ended_by, end.ended_by_device.as_deref()), (Some(new.id), Some("Fourth")));
    let tail = store.revocations().revocations_from(1).await.expect("a tail");
    assert_eq!((tail.head, tail.revocations.len()), (1, 1));
    assert_eq!(tail.revocations[0].subject, RevokedSubject::Session(first));
    let (_, history) = store.sessions().history(ada, first).await.expect("an answer").expect("a history");
    let last = history.last().expect("an entry");
    assert_eq!((last.kind.name(), last.detail.as_deref()), ("ended", Some("replaced")));
}

#[rstest]
#[tokio::test]
async fn at_the_limit_the_chosen_session_ends(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, [first, second, third]) = three_sessions(&store).await;
    let new = new_session(ada, "Fourth", minutes(4));
    let outcome = record_within(&store, &new, 3, AtLimit::Replace(second)).await;
    assert_eq!(ended(&outcome), [second]);
    assert_eq!(live(&store, ada).await, [new.id, third, first]);
}

#[rstest]
#[tokio::test]
async fn at_the_limit_the_user_is_asked_and_nothing_is_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let (ada, [first, second, third]) = three_sessions(&store).await;
    let bob = stored_user(&store, "bob").await;
    let his = sign_in(&store, bob, "Bob's", minutes(1)).await;
    for at_limit in [AtLimit::Refuse, AtLimit::Replace(his), AtLimit::Replace(SessionId(Uuid::now_v7()))] {
        let new = new_session(ada, "Fourth", minutes(4));
        let SignIn::LimitReached(sessions) = record_within(&store, &new, 3, at_limit).await else {
            panic!("{at_limit:?} should ask")
        };
        let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
        assert_eq!(ids, [third, second, first]);
        assert!(store.sessions().session(new.id).await.expect("an answer").is_none());
    }
    assert_eq!(live(&store, bob).await, [his]);
    assert_eq!(store.revocations().revocations_from(1).await.expect("a tail").head, 0);
}

#[rstest]
#[tokio::test]
async fn when_the_limit_was_lowered_as_many_go_as_must(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let (ada, [first, second, third]) = three_sessions(&store).await;
    let new = new_session(ada, "Fourth", minutes(4));
    let outcome = record_within(&store, &new, 2, AtLimit::Replace(third)).await;
    assert_eq!(ended(&outcome), [third, first]);
    assert_eq!(live(&store, ada).await, [new.id, second]);
}

#[rstest]
#[tokio::test]
async fn sessions_past_their_time_do_not_count(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let mut old = new_session(ada, "Old", START);
    old.expires_at = minutes(1);
    record(&store, &old, None).await;
    let outcome = record_within(&store, &new_session(ada, "New", minutes(1)), 1, AtLimit::Refuse).await;
    assert!(ended(&outcome).is_empty());
}
