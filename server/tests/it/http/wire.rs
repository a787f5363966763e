//! What comes over the wire otherwise than browsers and well-behaved proxies send it.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Answer, PASSWORD, TestApp};

/// Signs in as browsers do, and gives the cookie.
async fn browser_signs_in(app: &TestApp) -> String {
    app.registers("ada@example.com").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "cookie"});
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    Answer::read(login.send().await.expect("an answer")).await.cookie().expect("a cookie")
}

/// What the server says to a call with these `Cookie` fields.
async fn with_cookies(app: &TestApp, path: &str, fields: &[&[u8]]) -> Answer {
    let mut request = app.request(Method::POST, path).header("latchkey-client", "web");
    for field in fields {
        request = request.header("cookie", *field);
    }
    Answer::read(request.send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_cookie_that_is_not_text_changes_nothing_for_anybody() {
    let app = TestApp::start().await;
    let token = browser_signs_in(&app).await;
    let beside = |text: &str| format!("{text}; latchkey={token}; näme=wert").into_bytes();
    for cookie in [beside("pref=café"), beside("city=Zürich"), [b"x=\xff\xfe; ", &*beside("a=b")].concat()] {
        let refreshed = with_cookies(&app, "/api/auth/refresh", &[&cookie]).await;
        assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text);
    }
    let apart = format!("latchkey={token}");
    let refreshed = with_cookies(&app, "/api/auth/refresh", &["pref=café".as_bytes(), apart.as_bytes()]).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text);
    let out = with_cookies(&app, "/api/auth/logout", &[&beside("pref=café")]).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
}

#[tokio::test]
async fn the_mailbox_of_development_is_read_under_names_of_this_machine_only() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers("ada@example.com").await;
    let port = app.address.port();
    for (host, status) in [
        (format!("localhost:{port}"), StatusCode::OK),
        (format!("127.0.0.1:{port}"), StatusCode::OK),
        (format!("[::1]:{port}"), StatusCode::OK),
        (format!("rebound.example:{port}"), StatusCode::MISDIRECTED_REQUEST),
        ("rebound.example".to_owned(), StatusCode::MISDIRECTED_REQUEST),
    ] {
        for path in ["/dev/mailbox", "/api/auth/session"] {
            let request = app.request(Method::GET, path).header("host", &host).header("accept", "application/json");
            let answer = Answer::read(request.send().await.expect("an answer")).await;
            let expected =
                if status == StatusCode::OK && path.starts_with("/api") { StatusCode::UNAUTHORIZED } else { status };
            assert_eq!(answer.status, expected, "{host}{path}");
            assert!(status == StatusCode::OK || !answer.text.contains("ada@example.com"));
        }
    }
}

#[tokio::test]
async fn asking_for_the_head_of_a_stream_spends_no_ticket() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let ticket =
        device.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].as_str().expect("a ticket").to_owned();
    let path = format!("/api/auth/events?ticket={ticket}");
    for _ in 0..2 {
        let head = app.request(Method::HEAD, &path).send().await.expect("an answer");
        assert_eq!(
            (head.status(), head.headers()["content-type"].as_bytes()),
            (StatusCode::OK, &b"text/event-stream"[..])
        );
    }
    let stream = app.request(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(app.request(Method::GET, &path).send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    for (path, status) in [("/api/auth/events", 401), ("/api/auth/events?ticket=rubbish", 401)] {
        assert_eq!(app.request(Method::HEAD, path).send().await.expect("an answer").status(), status);
    }
}

#[tokio::test]
async fn a_field_that_stands_twice_in_an_object_within_is_refused_by_its_path() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body = format!(
        r#"{{"email": "ada@example.com", "password": "{PASSWORD}", "deviceInfo": {{"deviceName": "mine", "deviceName": "yours"}}}}"#
    );
    let request = app.request(Method::POST, "/api/auth/login").header("content-type", "application/json").body(body);
    let refused = Answer::read(request.send().await.expect("an answer")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.refused_fields(), ["deviceInfo.deviceName"]);
}

#[tokio::test]
async fn one_session_cannot_fill_the_tables_with_names_tickets_or_exports() {
    let app = TestApp::start_with(&[("RATE_LIMITS", "on")]).await;
    let device = app.new_user("ada@example.com").await;
    let path = format!("/api/auth/sessions/{}", device.session_id());
    let rename = async |name: usize| device.patch(&path, &json!({"deviceName": format!("Name {name}")})).await;
    let profile = async |_: usize| device.patch("/api/user/profile", &json!({"name": "Ada"})).await;
    for number in 0..30 {
        let answer = if number % 2 == 0 { rename(number).await } else { profile(number).await };
        assert_eq!(answer.status, StatusCode::OK, "{number}");
    }
    for answer in [rename(30).await, profile(31).await] {
        assert_eq!((answer.status, answer.code()), (StatusCode::TOO_MANY_REQUESTS, "too-many-requests"));
        assert_eq!(answer.header("retry-after"), "10");
    }
    // Another device of hers is not held up, and this one not for ever.
    let other = app.signs_in("ada@example.com").await;
    assert_eq!(other.patch(&path, &json!({"deviceName": "Phone"})).await.status, StatusCode::OK);
    app.advance(std::time::Duration::from_secs(10));
    assert_eq!(rename(32).await.status, StatusCode::OK);

    let exports = async || device.get("/api/user/export").await.status;
    for _ in 0..5 {
        assert_eq!(exports().await, StatusCode::OK);
    }
    assert_eq!(exports().await, StatusCode::TOO_MANY_REQUESTS);
    let ticket = async || device.post("/api/auth/events/ticket", &json!({})).await.status;
    for _ in 0..60 {
        assert_eq!(ticket().await, StatusCode::OK);
    }
    assert_eq!(ticket().await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_in_under_another_address_names_the_one_to_use() {
    let app = TestApp::start_with(&[("PUBLIC_URL", "https://id.example.com")]).await;
    app.registers("ada@example.com").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "cookie"});
    let request = app.request(Method::POST, "/api/auth/login").header("sec-fetch-site", "same-origin").json(&body);
    let refused = Answer::read(request.header("origin", app.origin()).send().await.expect("an answer")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "other-address"));
    assert_eq!(refused.body["publicUrl"], "https://id.example.com");
    assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("https://id.example.com")));
    assert!(refused.header("set-cookie").is_empty());
}
