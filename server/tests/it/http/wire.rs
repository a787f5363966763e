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
async fn a_cookie_that_is_not_text_signs_nobody_out_and_keeps_nobody_in() {
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
            let expected = if status == StatusCode::OK && path.starts_with("/api") { StatusCode::UNAUTHORIZED } else { status };
            assert_eq!(answer.status, expected, "{host}{path}");
            assert!(status == StatusCode::OK || !answer.text.contains("ada@example.com"));
        }
    }
}
