//! A lost connection is no sign-out: who has none is grey, and leaves only after a while.

use std::time::Duration;

use rstest::rstest;

use super::{ADA, BOB, eventually, id_of, joins, makes_room, messages, participants, system_messages_of};
use crate::support::app::TestApp;
use crate::support::store::Backend;

fn shown(entries: &[(String, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(id, presence)| (id.clone(), (*presence).to_owned())).collect()
}

#[rstest]
#[tokio::test]
async fn who_is_not_heard_of_goes_grey_and_comes_back_without_a_word(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "Attic").await;
    app.advance(Duration::from_millis(1));
    joins(&bob, &attic).await;
    assert_eq!(participants(&ada, &attic).await, shown(&[(id_of(&ada), "here"), (id_of(&bob), "here")]));
    app.advance(Duration::from_secs(11));
    assert_eq!(participants(&ada, &attic).await, shown(&[(id_of(&ada), "grey"), (id_of(&bob), "grey")]));
    joins(&bob, &attic).await;
    assert_eq!(participants(&ada, &attic).await, shown(&[(id_of(&ada), "grey"), (id_of(&bob), "here")]));
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined"]);
}

#[rstest]
#[tokio::test]
async fn who_does_not_come_back_leaves(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[("PRESENCE_TIMEOUT", "5s")]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "Attic").await;
    joins(&bob, &attic).await;
    app.advance(Duration::from_secs(6));
    eventually(async || ada.get("/api/rooms").await.body["rooms"][0]["participants"] == 0).await;
    joins(&ada, &attic).await;
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined", "left"]);
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&ada)).await, ["joined", "left", "joined"]);
    assert_eq!(messages(&ada, &attic).await.len(), 5);
    let rows = app.everything().await;
    let bobs = bob.session_id().replace('-', "");
    assert!(!rows.iter().any(|row| row.starts_with("room_presence:") && row.contains(&bobs)));
    assert!(bob.passes().await, "a lost connection is no sign-out");
}
