//! As those see them who are in rooms.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::{
    ADA, BOB, asks_to_join, id_of, is, is_in, joins, leaves, makes_room, messages, participants, says,
    system_messages_of,
};
use crate::support::app::{Device, TestApp};
use crate::support::store::Backend;

/// A room that nobody has made.
const NOWHERE: &str = "/api/rooms/0198ad2e-0000-7000-8000-000000000000";

#[rstest]
#[tokio::test]
async fn a_room_is_made_joined_talked_in_and_left(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "  The attic ").await;
    let listed = bob.get("/api/rooms").await.body["rooms"][0].clone();
    assert_eq!((&listed["name"], &listed["participants"]), (&json!("The attic"), &json!(1)));
    assert_eq!(
        (&listed["joined"], &ada.get("/api/rooms").await.body["rooms"][0]["joined"]),
        (&json!(false), &json!(true))
    );

    let joined = asks_to_join(&bob, &attic).await;
    assert_eq!((joined.status, &joined.body["name"]), (StatusCode::OK, &json!("The attic")), "{}", joined.text);
    assert_eq!(joined.body["participants"].as_array().map(Vec::len), Some(2));
    let said = says(&bob, &attic, "<b>Good</b>\nmorning").await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    assert_eq!((&said.body["text"], &said.body["kind"]), (&json!("<b>Good</b>\nmorning"), &json!("text")));
    let all = messages(&ada, &attic).await;
    let kinds: Vec<_> = all.iter().map(|message| &message["kind"]).collect();
    assert_eq!(kinds, ["joined", "joined", "text"]);
    assert_eq!((&all[2]["senderId"], &all[2]["senderName"]), (&json!(id_of(&bob)), &json!("Ada Lovelace")));
    let numbers: Vec<_> = all.iter().map(|message| &message["number"]).collect();
    assert_eq!(numbers, [1, 2, 3]);

    assert_eq!(leaves(&bob, &attic).await.status, StatusCode::NO_CONTENT);
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined", "left"]);
    assert_eq!(participants(&ada, &attic).await, [(id_of(&ada), "here".to_owned())]);
    assert!(bob.passes().await, "leaving a room signs nobody out");
}

#[rstest]
#[tokio::test]
async fn what_is_said_in_a_room_is_for_those_who_are_in_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    let attic = makes_room(&ada, "Attic").await;
    for (room, status, code) in
        [(attic.as_str(), StatusCode::FORBIDDEN, "not-in-room"), (NOWHERE, StatusCode::NOT_FOUND, "not-found")]
    {
        is(&bob.get(room).await, status, code);
        is(&bob.get(&format!("{room}/messages")).await, status, code);
        is(&says(&bob, room, "Hello").await, status, code);
        is(&leaves(&bob, room).await, status, code);
    }
    is(&asks_to_join(&bob, NOWHERE).await, StatusCode::NOT_FOUND, "not-found");
    is(&asks_to_join(&bob, "/api/rooms/attic").await, StatusCode::NOT_FOUND, "not-found");
    joins(&bob, &attic).await;
    leaves(&bob, &attic).await;
    is(&says(&bob, &attic, "Hello").await, StatusCode::FORBIDDEN, "not-in-room");
    is(&bob.get(&format!("{attic}/messages")).await, StatusCode::FORBIDDEN, "not-in-room");
    assert!(messages(&ada, &attic).await.iter().all(|message| message["kind"] != "text"));
}

#[tokio::test]
async fn names_and_messages_are_something_to_see_and_not_too_long() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    for name in [json!(null), json!(""), json!(7), json!("\u{200b}"), json!("a\nb"), json!("a".repeat(61))] {
        let refused = ada.post("/api/rooms", &json!({"name": name})).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["name"]));
    }
    for text in [json!(null), json!(" \n "), json!("\u{0}"), json!("a\u{7}"), json!("a".repeat(1501))] {
        let refused = ada.post(&format!("{attic}/messages"), &json!({"text": text})).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["text"]));
    }
    assert_eq!(says(&ada, &attic, &"ü".repeat(1500)).await.status, StatusCode::CREATED);
    assert_eq!(messages(&ada, &attic).await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn messages_come_in_pages_latest_first(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[("RATE_LIMITS", "off")]).await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    for number in 2..=104 {
        assert_eq!(says(&ada, &attic, &format!("Message {number}")).await.status, StatusCode::CREATED);
    }
    let page = async |query: &str| {
        let body = ada.get(&format!("{attic}/messages{query}")).await.body;
        let messages = body["messages"].as_array().expect("messages");
        let numbers: Vec<u64> = messages.iter().filter_map(|message| message["number"].as_u64()).collect();
        (numbers, body["nextCursor"].as_str().map(str::to_owned))
    };
    let (numbers, cursor) = page("").await;
    assert_eq!((numbers.len(), numbers[0], numbers[99], cursor.as_deref()), (100, 104, 5, Some("5")));
    assert_eq!(page("?cursor=5").await, (vec![4, 3, 2, 1], None));
    assert_eq!(page("?cursor=5&limit=4").await, (vec![4, 3, 2, 1], None));
    assert_eq!(page("?cursor=5&limit=3").await, (vec![4, 3, 2], Some("2".to_owned())));
    for (query, field) in [("?cursor=x", "cursor"), ("?cursor=-1", "cursor"), ("?limit=101", "limit")] {
        let refused = ada.get(&format!("{attic}/messages{query}")).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field]));
    }
}

#[tokio::test]
async fn a_flood_of_messages_is_stopped_whatever_the_device() {
    let app = TestApp::start().await;
    let (laptop, phone) = (app.new_user(ADA).await, app.signs_in(ADA).await);
    let attic = makes_room(&laptop, "Attic").await;
    for number in 0..20 {
        let device = if number % 2 == 0 { &laptop } else { &phone };
        assert_eq!(says(device, &attic, "Hello").await.status, StatusCode::CREATED);
    }
    for device in [&laptop, &phone] {
        is(&says(device, &attic, "Hello").await, StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
    }
    app.advance(Duration::from_secs(1));
    assert_eq!(says(&phone, &attic, "Hello").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn whoever_acts_for_somebody_reads_and_does_nothing() {
    let app = TestApp::start_with(&[("IMPERSONATION", "on")]).await;
    let (grace, ada) = (app.new_user_with("owner", "grace@example.com").await, app.new_user(ADA).await);
    let attic = makes_room(&ada, "Attic").await;
    let path = format!("/api/admin/users/{}/impersonate", id_of(&ada));
    let answer = grace.post(&path, &json!({"reason": "Ticket 4711"})).await;
    let acting = Device { app: &app, tokens: answer.body };
    assert_eq!(messages(&acting, &attic).await.len(), 1);
    assert!(is_in(&acting, &attic, &id_of(&ada)).await);
    for answer in [
        asks_to_join(&acting, &attic).await,
        leaves(&acting, &attic).await,
        says(&acting, &attic, "Hello").await,
        acting.post("/api/rooms", &json!({"name": "Kitchen"})).await,
    ] {
        is(&answer, StatusCode::FORBIDDEN, "not-while-acting");
    }
    // What they do not do, their end does not undo.
    assert_eq!(acting.delete("/api/user/acting").await.status, StatusCode::NO_CONTENT);
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&ada)).await, ["joined"]);
}

#[rstest]
#[tokio::test]
async fn what_rooms_hold_on_a_user_is_exported_and_goes_with_the_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
    assert!(bob.get("/api/user/export").await.body.get("rooms").is_none(), "nothing is held yet");
    let attic = makes_room(&ada, "Attic").await;
    joins(&bob, &attic).await;
    says(&bob, &attic, "What a view").await;
    says(&ada, &attic, "Indeed").await;
    let held = bob.get("/api/user/export").await.body["rooms"].clone();
    let membership = &held["memberships"][0];
    assert_eq!((&membership["room"], &membership["created"]), (&json!("Attic"), &json!(false)));
    assert_eq!((&held["messages"][1]["text"], &held["messages"][2]), (&json!("What a view"), &json!(null)));

    let id = id_of(&bob);
    assert_eq!(bob.delete("/api/user").await.status, StatusCode::OK);
    assert!(!is_in(&ada, &attic, &id).await);
    assert!(messages(&ada, &attic).await.iter().all(|message| message["senderId"] != id.as_str()));
    let id = id.replace('-', "");
    let left: Vec<String> = app.everything().await.into_iter().filter(|row| row.contains(&id)).collect();
    assert!(!left.iter().any(|row| row.starts_with("room")), "{left:#?}");
}
