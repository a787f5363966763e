//! Refreshing: successors, repeats, theft, and the limits of a session's life.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Answer, Device, TestApp};

#[tokio::test]
async fn a_refresh_replaces_the_token_and_the_session_stays() {
    let app = TestApp::start().await;
    let mut device = app.new_user("ada@example.com").await;
    let (first, session) = (device.refresh_token().to_owned(), device.session_id().to_owned());
    device.refreshes().await;
    assert_ne!(device.refresh_token(), first);
    assert_eq!(device.session_id(), session);
    assert!(device.passes().await);
}

#[tokio::test]
async fn a_lost_answer_is_answered_with_the_same_successor_within_the_grace() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let first = device.refreshes_with(device.refresh_token()).await;
    app.advance(Duration::from_secs(9));
    let again = device.refreshes_with(device.refresh_token()).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(first.body["refreshToken"], again.body["refreshToken"]);
}

#[tokio::test]
async fn a_predecessor_after_the_grace_ends_the_session_and_tells_the_user() {
    let app = TestApp::start().await;
    let mut stolen = app.new_user("ada@example.com").await;
    let other = app.signs_in("ada@example.com").await;
    let mut events = other.listens().await;
    let old = stolen.refresh_token().to_owned();
    stolen.refreshes().await;
    app.advance(Duration::from_secs(11));
    let theft = stolen.refreshes_with(&old).await;
    assert_eq!((theft.status, theft.code()), (StatusCode::UNAUTHORIZED, "session-ended"));
    assert_eq!(theft.body["reason"], "refresh_reuse");
    assert!(!stolen.passes().await);
    assert_eq!(stolen.refreshes_with(stolen.refresh_token()).await.body["reason"], "refresh_reuse");
    assert!(other.passes().await);
    assert_eq!(events.next_named("security.alert").await["kind"], "refresh_reuse");
    let path = format!("/api/auth/sessions/{}/history", stolen.session_id());
    let history = other.get(&path).await.body;
    let kinds: Vec<&str> =
        history["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["signed_in", "refreshed", "possible_theft", "ended"]);
    let actions = other.get("/api/user/activity").await.text;
    assert!(actions.contains("refresh_reuse"));
}

#[tokio::test]
async fn a_predecessor_is_theft_once_the_successor_was_used() {
    let app = TestApp::start().await;
    let mut device = app.new_user("ada@example.com").await;
    let old = device.refresh_token().to_owned();
    device.refreshes().await;
    device.refreshes().await;
    assert_eq!(device.refreshes_with(&old).await.body["reason"], "refresh_reuse");
    assert!(!device.passes().await);
}

async fn thirty_two_at_once(app: TestApp) {
    let device = app.new_user("ada@example.com").await;
    let answers = futures::future::join_all((0..32).map(|_| device.refreshes_with(device.refresh_token()))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let successors: std::collections::HashSet<_> =
        answers.iter().map(|answer| answer.body["refreshToken"].to_string()).collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn thirty_two_refreshes_at_once_make_one_lineage() {
    thirty_two_at_once(TestApp::start().await).await;
}

#[tokio::test]
async fn thirty_two_refreshes_at_once_make_one_lineage_on_postgres() {
    thirty_two_at_once(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_end_however_often_it_is_refreshed() {
    let app =
        TestApp::start_with(&[("SESSION_MAX_AGE", "1h"), ("REFRESH_EXPIRE", "40m"), ("SESSION_WARNING", "10m")]).await;
    let mut device = app.new_user("ada@example.com").await;
    app.advance(Duration::from_mins(39));
    device.refreshes().await;
    assert_eq!(device.tokens["refreshExpiresIn"], 21 * 60);
    app.advance(Duration::from_secs(21 * 60 - 1));
    device.refreshes().await;
    assert_eq!(device.tokens["expiresIn"], 1);
    app.advance(Duration::from_secs(1));
    assert!(!device.passes().await);
    let over = device.refreshes_with(device.refresh_token()).await;
    assert_eq!((over.code(), &over.body["reason"]), ("session-expired", &json!("session_expired")));
}

#[tokio::test]
async fn an_unused_session_ends_at_its_idle_limit() {
    let app = TestApp::start_with(&[("SESSION_IDLE_TIMEOUT", "30m"), ("SESSION_WARNING", "10m")]).await;
    let mut device = app.new_user("ada@example.com").await;
    app.advance(Duration::from_secs(30 * 60 - 1));
    device.refreshes().await;
    app.advance(Duration::from_mins(30));
    let over = device.refreshes_with(device.refresh_token()).await;
    assert_eq!((over.status, &over.body["reason"]), (StatusCode::UNAUTHORIZED, &json!("idle_timeout")));
}

#[tokio::test]
async fn a_browser_holds_its_token_in_a_cookie_that_only_our_own_pages_can_use() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body =
        json!({"email": "ada@example.com", "password": crate::support::app::PASSWORD, "tokenDelivery": "cookie"});
    let from_elsewhere =
        app.request(Method::POST, "/api/auth/login").header("origin", "https://evil.example").json(&body);
    let from_elsewhere = Answer::read(from_elsewhere.send().await.unwrap()).await;
    assert!(from_elsewhere.cookie().is_none());
    assert_eq!((from_elsewhere.status, from_elsewhere.code()), (StatusCode::FORBIDDEN, "cross-site-request"));
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    let login = Answer::read(login.send().await.unwrap()).await;
    let cookie = login.cookie().expect("a cookie");
    assert!(login.body.get("refreshToken").is_none() && !login.text.contains(&cookie));
    let set = login.header("set-cookie");
    assert!(
        set.contains("HttpOnly")
            && set.contains("SameSite=Strict")
            && set.contains("Path=/")
            && set.contains("Max-Age")
    );

    let refresh = |headers: &[(&'static str, &str)]| {
        let request = app.request(Method::POST, "/api/auth/refresh").header("cookie", login.cookie_pair().unwrap());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    assert_eq!(refresh(&[]).await.unwrap().status(), StatusCode::FORBIDDEN);
    let sibling = [("latchkey-client", "web"), ("sec-fetch-site", "same-site")];
    assert_eq!(refresh(&sibling).await.unwrap().status(), StatusCode::FORBIDDEN);
    let origin = app.origin();
    let ours = [("latchkey-client", "web"), ("sec-fetch-site", "same-origin"), ("origin", origin.as_str())];
    let refreshed = Answer::read(refresh(&ours).await.unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_ne!(refreshed.cookie(), Some(cookie.clone()));

    let in_the_body = app.post("/api/auth/refresh", &json!({"refreshToken": refreshed.cookie()})).await;
    assert_eq!((in_the_body.status, in_the_body.code()), (StatusCode::UNAUTHORIZED, "invalid-token"));
}

#[tokio::test]
async fn without_remember_me_the_session_lasts_a_day_at_most() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body = json!({"email": "ada@example.com", "password": crate::support::app::PASSWORD, "rememberMe": false, "tokenDelivery": "cookie"});
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    let login = Answer::read(login.send().await.unwrap()).await;
    assert_eq!(login.body["refreshExpiresIn"], 24 * 3600);
    assert!(!login.header("set-cookie").contains("Max-Age"));
}

#[tokio::test]
async fn nothing_that_stands_in_the_database_is_a_token() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let mut file = std::fs::read(app.database_file()).unwrap();
    file.extend(std::fs::read(app.database_file().with_extension("db-wal")).unwrap_or_default());
    let contains = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(contains(b"ada@example.com"));
    let secret = device.refresh_token().strip_prefix("lkr_").unwrap();
    assert!(!contains(secret.as_bytes()) && !contains(device.access_token().as_bytes()));
    assert!(!contains(crate::support::app::PASSWORD.as_bytes()));
}

#[tokio::test]
async fn a_session_that_is_used_is_not_idle_although_it_is_not_refreshed() {
    let mut app = TestApp::start_with(&[("SESSION_IDLE_TIMEOUT", "1h"), ("JWT_EXPIRE", "1h")]).await;
    let tokens = app.new_user("ada@example.com").await.tokens;
    app.advance(Duration::from_mins(50));
    assert!(Device { app: &app, tokens: tokens.clone() }.passes().await);
    // What was noted is written when the server stops, at the latest.
    app.restart().await;
    app.advance(Duration::from_mins(50));
    let device = Device { app: &app, tokens };
    let refreshed = device.refreshes_with(device.refresh_token()).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
    app.advance(Duration::from_mins(61));
    let over = app.post("/api/auth/refresh", &json!({"refreshToken": refreshed.body["refreshToken"]})).await;
    assert_eq!((over.status, &over.body["reason"]), (StatusCode::UNAUTHORIZED, &json!("idle_timeout")));
}
