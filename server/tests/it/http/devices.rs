//! The list of devices, names, biographies, and the limit of sessions.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, CHROME, PASSWORD, TestApp};

#[tokio::test]
async fn devices_are_described_and_the_current_one_comes_first() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let browser = app.request(Method::POST, "/api/auth/login").header("user-agent", CHROME).json(&body);
    assert_eq!(browser.send().await.unwrap().status(), StatusCode::OK);
    let said = json!({"deviceName": "iPhone 13", "platform": "ios", "appVersion": "1.0.0"});
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "deviceInfo": said});
    let native = app.post("/api/auth/login", &body).await;
    let native = crate::support::app::Device { app: &app, tokens: native.body };
    let list = native.get("/api/auth/sessions").await.body;
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["current"], true);
    assert_eq!(sessions[0]["sessionId"], native.session_id());
    assert_eq!(sessions[0]["deviceInfo"]["deviceName"], "iPhone 13");
    assert_eq!(sessions[0]["deviceInfo"]["appVersion"], "1.0.0");
    assert_eq!(sessions[1]["current"], false);
    assert_eq!(sessions[1]["deviceInfo"]["browser"], "Chrome 141");
    assert_eq!(sessions[1]["deviceInfo"]["os"], "macOS");
    assert_eq!(sessions[1]["signedInWith"], "password");
    assert_eq!(sessions[1]["ipAddress"], "127.0.0.1");
}

#[tokio::test]
async fn a_device_is_renamed_by_its_owner_only() {
    let app = TestApp::start().await;
    let ada = app.new_person("ada@example.com").await;
    let bob = app.new_person("bob@example.com").await;
    let path = format!("/api/auth/sessions/{}", ada.session_id());
    let renamed = ada.patch(&path, &json!({"deviceName": "<b>Ada's laptop</b>"})).await;
    assert_eq!(renamed.body["deviceInfo"]["deviceName"], "<b>Ada's laptop</b>");
    assert_eq!(ada.patch(&path, &json!({"deviceName": "  "})).await.refused_fields(), ["deviceName"]);
    assert_eq!(ada.patch(&path, &json!({"deviceName": "x".repeat(65)})).await.refused_fields(), ["deviceName"]);
    assert_eq!(bob.patch(&path, &json!({"deviceName": "mine"})).await.status, StatusCode::NOT_FOUND);
    let biography = format!("{path}/biography");
    let story = ada.get(&biography).await.body;
    assert_eq!(story["entries"][1]["what"], "renamed");
    assert_eq!(bob.get(&biography).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn at_the_limit_a_program_replaces_the_oldest_and_a_browser_is_asked() {
    let app = TestApp::start_with(&[("MAX_SESSIONS_PER_USER", "2")]).await;
    let first = app.new_person("ada@example.com").await;
    app.advance(std::time::Duration::from_secs(5));
    let second = app.signs_in("ada@example.com").await;
    app.advance(std::time::Duration::from_secs(5));
    let third = app.signs_in("ada@example.com").await;
    assert!(!first.passes().await && second.passes().await && third.passes().await);
    assert_eq!(first.refreshes_with(first.refresh_token()).await.body["reason"], "replaced");

    let browser = |replace: Option<&str>| {
        let mut body = json!({"email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "cookie"});
        if let Some(id) = replace {
            body["replaceSession"] = json!(id);
        }
        app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body).send()
    };
    let asked = Answer::read(browser(None).await.unwrap()).await;
    assert_eq!((asked.status, asked.code()), (StatusCode::CONFLICT, "session-limit-reached"));
    assert_eq!(asked.body["sessions"].as_array().map(Vec::len), Some(2));
    let chosen = Answer::read(browser(Some(second.session_id())).await.unwrap()).await;
    assert_eq!(chosen.status, StatusCode::OK);
    assert!(!second.passes().await && third.passes().await);
}

#[tokio::test]
async fn last_active_moves_with_use() {
    let app = TestApp::start().await;
    let device = app.new_person("ada@example.com").await;
    let last_active =
        async || -> Value { device.get("/api/auth/sessions").await.body["sessions"][0]["lastActive"].clone() };
    let before = last_active().await;
    app.advance(std::time::Duration::from_mins(5));
    assert_ne!(last_active().await, before);
}
