//! The event stream.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Events, TestApp};

#[tokio::test]
async fn the_other_devices_hear_of_a_sign_in_a_new_name_and_an_end() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let mut events = laptop.listens().await;
    let phone = app.signs_in("ada@example.com").await;
    let created = events.next_named("session.created").await;
    assert_eq!(created["session"]["sessionId"], phone.session_id());
    let path = format!("/api/auth/sessions/{}", phone.session_id());
    phone.patch(&path, &json!({"deviceName": "My phone"})).await;
    assert_eq!(events.next_named("session.updated").await["deviceName"], "My phone");
    phone.post("/api/auth/logout", &json!({})).await;
    let ended = events.next_named("session.ended").await;
    assert_eq!((&ended["sessionId"], &ended["reason"]), (&json!(phone.session_id()), &json!("user_initiated_logout")));
}

#[tokio::test]
async fn the_ended_device_is_notified_of_the_reason_and_its_stream_closes() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let mut events = phone.listens().await;
    laptop.delete(&format!("/api/auth/sessions/{}", phone.session_id())).await;
    let event = events.next_named("session.ended").await;
    assert_eq!(
        (&event["sessionId"], &event["reason"]),
        (&json!(phone.session_id()), &json!("revoked_from_other_device"))
    );
    assert!(event["endedByDevice"].as_str().is_some());
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn nobody_hears_of_other_users() {
    let app = TestApp::start().await;
    let ada = app.new_user("ada@example.com").await;
    let mut events = ada.listens().await;
    app.new_user("bob@example.com").await;
    app.signs_in("ada@example.com").await;
    let created = events.next_named("session.created").await;
    assert!(!created.to_string().contains("bob"));
}

#[tokio::test]
async fn a_ticket_opens_one_stream_within_half_a_minute_and_a_token_in_the_address_none() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let ticket =
        async || device.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].as_str().unwrap().to_owned();
    let open = |query: String| app.request(Method::GET, &format!("/api/auth/events?{query}")).send();
    let first = ticket().await;
    let response = open(format!("ticket={first}")).await.unwrap();
    assert_eq!(Events::of(response).next().await.unwrap().0, "hello");
    assert_eq!(open(format!("ticket={first}")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let late = ticket().await;
    app.advance(Duration::from_secs(30));
    assert_eq!(open(format!("ticket={late}")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    for name in ["token", "access_token", "accessToken", "authorization"] {
        let refused = open(format!("{name}={}", device.access_token())).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn answers_say_how_long_the_session_lasts_once_the_warning_is_due() {
    let app = TestApp::start_with(&[("REFRESH_EXPIRE", "10m"), ("JWT_EXPIRE", "10m"), ("SESSION_WARNING", "4m")]).await;
    let device = app.new_user("ada@example.com").await;
    app.advance(Duration::from_mins(6));
    assert_eq!(device.get("/api/auth/session").await.header("session-expires-in"), "");
    app.advance(Duration::from_secs(1));
    assert_eq!(device.get("/api/auth/session").await.header("session-expires-in"), "239");
    let mut events = device.listens().await;
    assert_eq!(events.next_named("session.expiring").await["expiresIn"], 239);
}

#[tokio::test]
async fn a_stream_is_notified_when_its_session_expires() {
    let app = TestApp::start_with(&[("REFRESH_EXPIRE", "10m"), ("JWT_EXPIRE", "10m"), ("SESSION_WARNING", "4m")]).await;
    let device = app.new_user("ada@example.com").await;
    app.advance(Duration::from_secs(10 * 60 - 1));
    let mut events = device.listens().await;
    app.advance(Duration::from_secs(1));
    let ended = events.next_named("session.ended").await;
    assert_eq!((&ended["sessionId"], &ended["reason"]), (&json!(device.session_id()), &json!("session_expired")));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn streams_close_when_the_server_stops() {
    let mut app = TestApp::start().await;
    let mut events = { app.new_user("ada@example.com").await.listens().await };
    app.shut_down().await;
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_stream_is_notified_and_closed_when_its_session_is_signed_out_while_the_database_is_away() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let ticket = laptop.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].clone();
    let (mut of_laptop, mut of_phone) = (laptop.listens().await, phone.listens().await);
    let lock = app.write_lock().await;
    let out = laptop.post("/api/auth/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    let event = of_laptop.next_named("session.ended").await;
    assert_eq!((&event["sessionId"], &event["reason"]), (&json!(laptop.session_id()), &json!("user_initiated_logout")));
    assert!(of_laptop.next().await.is_none());
    let refresh = json!({"refreshToken": phone.refresh_token()});
    assert_eq!(app.post("/api/auth/logout", &refresh).await.status, StatusCode::ACCEPTED);
    let event = of_phone.next_named("session.ended").await;
    assert_eq!(event["sessionId"], phone.session_id());
    assert!(of_phone.next().await.is_none());
    drop(lock);
    // Neither a ticket from before opens one again, nor the token.
    let by_ticket = format!("/api/auth/events?ticket={}", ticket.as_str().unwrap());
    let by_ticket = app.request(Method::GET, &by_ticket).send().await.unwrap();
    assert_eq!(by_ticket.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(laptop.get("/api/auth/events").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_that_nothing_can_confirm_says_no_more_and_is_closed() {
    let app = TestApp::start_on_postgres(&[]).await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let mut events = phone.listens().await;
    // The log cannot be read, but the sessions can: as a request, the stream goes on.
    let mut log = app.postgres().await;
    let lock = "BEGIN; LOCK TABLE revocation_log IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut log).await.expect("the log");
    app.advance(Duration::from_secs(3));
    let path = format!("/api/auth/sessions/{}", laptop.session_id());
    assert_eq!(laptop.patch(&path, &json!({"deviceName": "Renamed"})).await.status, StatusCode::OK);
    while events.next_named("session.updated").await["deviceName"] != "Renamed" {}
    // Nor can they.
    let mut sessions = app.postgres().await;
    let lock = "BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut sessions).await.expect("the sessions");
    app.advance(Duration::from_secs(3));
    while let Some((name, _)) = events.next().await {
        assert_eq!(name, "session.updated", "only what had been said before");
    }
    let again = phone.get("/api/auth/events").await;
    assert_eq!((again.status, again.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"), "{}", again.text);
    for mut holder in [log, sessions] {
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("they are free");
    }
    while phone.get("/api/auth/session").await.status != StatusCode::OK {}
    phone.listens().await;
}
