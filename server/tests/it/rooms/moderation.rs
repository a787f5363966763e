//! Messages and people that a moderator removes.

use std::time::Duration;

use latchkey::clock::Clock as _;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ADA, BOB, asks_to_join, id_of, is, is_in, joins, makes_room, messages, says, system_messages_of};
use crate::support::app::{Device, TestApp};
use crate::support::store::Backend;

const GRACE: &str = "grace@example.com";

#[rstest]
#[tokio::test]
async fn what_somebody_said_is_removed_for_good(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, grace) = (app.new_user(ADA).await, app.new_user_with("moderator", GRACE).await);
    let attic = makes_room(&ada, "Attic").await;
    let number = says(&ada, &attic, "unspeakable").await.body["number"].clone();
    let message = format!("{attic}/messages/{number}");
    app.advance(Duration::from_secs(1));
    is(&ada.delete(&message).await, StatusCode::FORBIDDEN, "permission-required");
    assert_eq!(grace.delete(&message).await.status, StatusCode::NO_CONTENT, "who moderates need not be in the room");
    is(&grace.delete(&message).await, StatusCode::NOT_FOUND, "not-found");
    for path in [format!("{attic}/messages/1"), format!("{attic}/messages/99"), format!("{attic}/messages/x")] {
        is(&grace.delete(&path).await, StatusCode::NOT_FOUND, "not-found");
    }
    let all = messages(&ada, &attic).await;
    assert_eq!((all.len(), &all[1]["text"]), (2, &json!("")), "that something was there stays");
    assert!(all[1]["removedAt"].is_string() && all[0].get("removedAt").is_none());
    let rows = app.everything().await;
    assert!(!rows.iter().any(|row| row.contains("unspeakable")));
    let entry = &ada.get("/api/user/activity").await.body["entries"][0];
    assert_eq!(entry["action"], "room_message_removed");
    let by_grace = id_of(&grace).replace('-', "");
    let logged = rows.iter().find(|row| row.starts_with("audit_log:") && row.contains("room_message_removed"));
    assert!(logged.expect("an entry").contains(&by_grace));
}

#[rstest]
#[tokio::test]
async fn somebody_who_was_removed_comes_back_after_an_hour(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (mut ada, grace) = (app.new_user(ADA).await, app.new_user_with("moderator", GRACE).await);
    let mut bob = app.new_user(BOB).await;
    let bob_id = id_of(&bob);
    let attic = makes_room(&ada, "Attic").await;
    joins(&bob, &attic).await;
    joins(&app.signs_in(BOB).await, &attic).await;
    let participant = format!("{attic}/participants/{bob_id}");
    app.advance(Duration::from_secs(1));
    is(&ada.delete(&participant).await, StatusCode::FORBIDDEN, "permission-required");
    assert_eq!(grace.delete(&participant).await.status, StatusCode::NO_CONTENT);
    is(&grace.delete(&participant).await, StatusCode::NOT_FOUND, "not-found");
    assert!(!is_in(&ada, &attic, &bob_id).await, "with all devices");
    assert_eq!(system_messages_of(&ada, &attic, &bob_id).await, ["joined", "removed"]);
    is(&asks_to_join(&bob, &attic).await, StatusCode::FORBIDDEN, "removed-from-room");
    is(&says(&bob, &attic, "Hello").await, StatusCode::FORBIDDEN, "not-in-room");
    let until = app.clock.now().plus(Duration::from_hours(1)).to_string();
    assert_eq!(removed_until(&bob).await, json!(until));
    assert_eq!(removed_until(&ada).await, json!(null));
    assert!(bob.passes().await, "it signs nobody out");
    assert_eq!(bob.get("/api/user/activity").await.body["entries"][0]["action"], "room_participant_removed");

    app.advance(Duration::from_mins(61));
    bob.refreshes().await;
    ada.refreshes().await;
    assert_eq!(removed_until(&bob).await, json!(null));
    joins(&bob, &attic).await;
    joins(&ada, &attic).await;
    assert!(is_in(&ada, &attic, &bob_id).await);
}

/// Until when somebody cannot join the first room of their list, by that list.
async fn removed_until(device: &Device<'_>) -> Value {
    device.get("/api/rooms").await.body["rooms"][0]["removedUntil"].clone()
}
