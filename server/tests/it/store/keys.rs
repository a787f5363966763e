//! Signing keys.

use latchkey::store::{KeyRetirement, SigningKeyRow};
use rstest::rstest;
use types::domain::Timestamp;

use crate::support::store::{Backend, MINUTE, START, TestStore, minutes};

fn key(kid: &str, created_at: Timestamp) -> SigningKeyRow {
    SigningKeyRow {
        kid: kid.to_owned(),
        public_key: vec![1; 32],
        sealed_private_key: vec![2; 60],
        created_at,
        signs_from: created_at,
        retires_at: None,
    }
}

#[rstest]
#[tokio::test]
async fn a_key_is_stored_only_where_there_is_none(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    assert!(store.keys().signing_keys().await.expect("keys").is_empty());
    let first = key("first", START);
    assert!(store.keys().ensure_signing_key(&first).await.expect("keys") == vec![first.clone()]);
    assert!(store.keys().ensure_signing_key(&key("second", START)).await.expect("keys") == vec![first.clone()]);
    assert!(store.keys().signing_keys().await.expect("keys") == vec![first]);
}

#[rstest]
#[tokio::test]
async fn a_new_key_retires_those_before_it_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    store.keys().ensure_signing_key(&key("first", START)).await.expect("keys");
    store.keys().rotate_signing_key(&key("second", minutes(1)), minutes(20), minutes(1)).await.expect("a rotation");
    store.keys().rotate_signing_key(&key("third", minutes(2)), minutes(30), minutes(2)).await.expect("a rotation");
    let keys: Vec<_> =
        store.keys().signing_keys().await.expect("keys").into_iter().map(|key| (key.kid, key.retires_at)).collect();
    let expected = [("first", Some(minutes(20))), ("second", Some(minutes(30))), ("third", None)];
    assert_eq!(keys, expected.map(|(kid, retires_at)| (kid.to_owned(), retires_at)));
}

#[rstest]
#[tokio::test]
async fn of_many_servers_that_think_it_is_time_one_makes_a_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    store.keys().ensure_signing_key(&key("first", START)).await.expect("keys");
    assert!(
        !store
            .keys()
            .rotate_signing_key(&key("early", minutes(1)), minutes(20), START.minus(MINUTE))
            .await
            .expect("an answer")
    );
    let rotations = (0..8).map(|server| {
        let store = store.clone();
        async move {
            let key = key(&format!("server-{server}"), minutes(2));
            store.keys().rotate_signing_key(&key, minutes(20), minutes(1)).await.expect("an answer")
        }
    });
    let made = futures::future::join_all(rotations).await.into_iter().filter(|made| *made).count();
    assert_eq!((made, store.keys().signing_keys().await.expect("keys").len()), (1, 2));
}

#[rstest]
#[tokio::test]
async fn a_key_that_another_one_has_followed_retires_at_once_and_one_that_signs_does_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    store.keys().ensure_signing_key(&key("first", START)).await.expect("keys");
    let second = SigningKeyRow { signs_from: minutes(10), ..key("second", minutes(1)) };
    store.keys().rotate_signing_key(&second, minutes(30), minutes(1)).await.expect("a rotation");
    let retire = async |kid: &str, at| store.keys().retire_signing_key(kid, at).await.expect("an answer");
    assert_eq!(retire("first", minutes(9)).await, KeyRetirement::Signs);
    assert_eq!(retire("second", minutes(9)).await, KeyRetirement::Signs, "it will");
    assert_eq!(retire("first", minutes(11)).await, KeyRetirement::Retired);
    assert_eq!(retire("first", minutes(12)).await, KeyRetirement::Unchanged);
    assert_eq!(retire("second", minutes(12)).await, KeyRetirement::Signs);
    assert_eq!(retire("third", minutes(12)).await, KeyRetirement::NotFound);
    assert_eq!(store.keys().signing_keys().await.expect("keys")[0].retires_at, Some(minutes(11)));
}
