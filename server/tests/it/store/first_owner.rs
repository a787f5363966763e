//! The first owner, and the links that make one.

use futures::future::join_all;
use latchkey::store::{Digest, FirstOwnerOutcome, NewUser, Store};
use rstest::rstest;
use types::words::AuditAction;

use crate::support::store::{Backend, START, TestStore, digest, minutes, new_audit, new_user};

fn new_owner(name: &str) -> NewUser {
    NewUser { roles: vec!["owner".to_owned(), "user".to_owned()], at: minutes(1), ..new_user(name) }
}

async fn stores(store: &Store, link: &Digest) -> bool {
    store.first_owner().store_owner_link(link, START, minutes(15)).await.expect("an answer")
}

async fn make(store: &Store, link: &Digest, owner: &NewUser) -> FirstOwnerOutcome {
    let audit = new_audit(owner.id, AuditAction::OwnerCreated, owner.at);
    store.first_owner().make_first_owner(link, owner, &audit).await.expect("an answer")
}

#[rstest]
#[tokio::test]
async fn a_link_makes_one_owner_and_no_other_does_after_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    assert!(!store.first_owner().has_owner().await.expect("an answer"));
    assert!(stores(&store, &digest(1)).await && stores(&store, &digest(2)).await);
    let ada = new_owner("ada");
    assert_eq!(make(&store, &digest(3), &ada).await, FirstOwnerOutcome::Refused);
    assert_eq!(make(&store, &digest(1), &ada).await, FirstOwnerOutcome::Made);
    assert!(store.first_owner().has_owner().await.expect("an answer"));
    assert_eq!(make(&store, &digest(2), &new_owner("bob")).await, FirstOwnerOutcome::OwnerExists);
    assert!(!stores(&store, &digest(4)).await);
    let entries = store.audit().activity(ada.id, None, 10).await.expect("entries");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].action, AuditAction::OwnerCreated);

    // Who may not sign in is no owner, and the links from before are gone.
    store.accounts().set_disabled(ada.id, Some(minutes(2))).await.expect("an answer");
    assert_eq!(make(&store, &digest(2), &new_owner("bob")).await, FirstOwnerOutcome::Refused);
    assert!(stores(&store, &digest(4)).await);
    assert_eq!(make(&store, &digest(4), &new_owner("bob")).await, FirstOwnerOutcome::Made);
}

#[rstest]
#[tokio::test]
async fn a_link_ends_with_its_time_and_stays_where_the_address_is_taken(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    stores(&store, &digest(1)).await;
    let is_good = async |at| store.first_owner().is_owner_link(&digest(1), at).await.expect("an answer");
    assert!(is_good(minutes(14)).await && !is_good(minutes(15)).await);
    let late = NewUser { at: minutes(15), ..new_owner("ada") };
    assert_eq!(make(&store, &digest(1), &late).await, FirstOwnerOutcome::Refused);

    let ada = new_user("ada");
    let audit = new_audit(ada.id, AuditAction::Registered, START);
    store.accounts().create_user(&ada, None, &audit).await.expect("a user");
    assert_eq!(make(&store, &digest(1), &new_owner("ada")).await, FirstOwnerOutcome::EmailTaken);
    assert_eq!(make(&store, &digest(1), &new_owner("bob")).await, FirstOwnerOutcome::Made);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_uses_at_once_of_one_link_and_of_others_make_one_owner(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let mut four = Vec::new();
    for number in 0..4 {
        stores(&store, &digest(number)).await;
        four.push(store.another_server().await);
    }
    let uses = (0..16_u8).map(|number| {
        let (server, owner) = (&four[usize::from(number % 4)], new_owner(&format!("owner{number}")));
        // Half of them use the same link.
        let link = digest(if number % 2 == 0 { 0 } else { number % 4 });
        async move { make(server, &link, &owner).await }
    });
    let outcomes = join_all(uses).await;
    let made = outcomes.iter().filter(|outcome| **outcome == FirstOwnerOutcome::Made).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == FirstOwnerOutcome::OwnerExists).count();
    assert_eq!((made, refused), (1, 15), "{outcomes:?}");
    assert_eq!(store.accounts().count_users().await.expect("an answer"), 1);
}
