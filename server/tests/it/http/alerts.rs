//! *Was this you?*

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, CHROME, Device, PASSWORD, TestApp};

const ADA: &str = "ada@example.com";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

#[derive(Clone, Copy, Debug)]
enum On {
    Sqlite,
    Postgres,
}

async fn start(on: On) -> TestApp {
    match on {
        On::Sqlite => TestApp::start().await,
        On::Postgres => TestApp::start_on_postgres(&[]).await,
    }
}

async fn signs_in<'a>(app: &'a TestApp, user_agent: &str) -> Device<'a> {
    let body = json!({"email": ADA, "password": PASSWORD});
    let request = app.request(Method::POST, "/api/auth/login").header("user-agent", user_agent).json(&body);
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    Device { app, tokens: answer.body }
}

/// Ada's laptop, which she registered on.
async fn laptop(app: &TestApp) -> Device<'_> {
    app.registers(ADA).await;
    signs_in(app, CHROME).await
}

async fn asked(device: &Device<'_>) -> Vec<String> {
    let list = device.get("/api/user/alerts").await.body;
    let alerts = list["alerts"].as_array().expect("alerts");
    assert_eq!(list["total"], alerts.len());
    alerts.iter().map(|alert| alert["sessionId"].as_str().expect("an id").to_owned()).collect()
}

async fn alert_about(device: &Device<'_>, about: &Device<'_>) -> Value {
    let list = device.get("/api/user/alerts").await.body;
    let alerts = list["alerts"].as_array().expect("alerts");
    alerts.iter().find(|alert| alert["sessionId"] == about.session_id()).expect("an alert").clone()
}

async fn answers(device: &Device<'_>, alert: &Value, answer: &str) -> Answer {
    let path = format!("/api/user/alerts/{}", alert["alertId"].as_str().expect("an id"));
    device.post(&path, &json!({"answer": answer})).await
}

#[rstest]
#[tokio::test]
async fn a_sign_in_from_a_new_device_is_asked_about_until_somebody_answers_on_every_device_but_its_own(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let app = start(on).await;
    let laptop = laptop(&app).await;
    assert!(asked(&laptop).await.is_empty(), "the first sign-in raises no alert");
    let mut events = laptop.listens().await;
    let stranger = signs_in(&app, FIREFOX).await;
    let created = events.next_named("session.created").await;
    let event = events.next_named("security.alert").await;
    assert_eq!(created["alertId"], event["alertId"]);
    assert_eq!((&event["kind"], &event["sessionId"]), (&json!("new_sign_in"), &json!(stranger.session_id())));
    assert_eq!(event["message"], "New sign-in from Firefox 144 on Windows. Was this you?");

    // Whoever signs in afterwards is asked, and again after a while.
    let again = signs_in(&app, CHROME).await;
    app.advance(Duration::from_hours(24 * 3));
    let again = Device { app: &app, tokens: again.refreshes_with(again.refresh_token()).await.body };
    assert_eq!(asked(&again).await, [stranger.session_id()]);
    let alert = alert_about(&again, &stranger).await;
    assert_eq!(alert["deviceInfo"]["browser"], "Firefox 144");
    assert_eq!((&alert["ipAddress"], &alert["signedIn"]), (&json!("127.0.0.1"), &json!(true)));
    let mut events = again.listens().await;
    let answer = answers(&again, &alert, "me").await;
    assert_eq!((answer.status, &answer.body["sessionsEnded"]), (StatusCode::OK, &json!(0)), "{}", answer.text);
    assert_eq!(events.next_named("security.alert").await["answer"], "me");
    assert!(asked(&again).await.is_empty());
    let known = signs_in(&app, FIREFOX).await;
    assert!(asked(&again).await.is_empty(), "what was confirmed is known: {}", known.session_id());
}

#[rstest]
#[tokio::test]
async fn a_stranger_answers_neither_for_their_session_nor_from_a_second_one(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let app = start(on).await;
    let laptop = laptop(&app).await;
    let stranger = signs_in(&app, FIREFOX).await;
    assert!(asked(&stranger).await.is_empty(), "not what is about itself");
    let alert = alert_about(&laptop, &stranger).await;
    for answer in ["me", "not_me", "end_session"] {
        let refused = answers(&stranger, &alert, answer).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "alert-about-this-session"), "{answer}");
    }
    let second = signs_in(&app, FIREFOX).await;
    let refused = answers(&second, &alert, "me").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "device-in-question"));
    // Ending the first is allowed, and leaves the question about the second.
    second.delete(&format!("/api/auth/sessions/{}", stranger.session_id())).await;
    assert_eq!(asked(&laptop).await, [second.session_id()]);
    // Whoever signs out by themselves is asked about still.
    second.post("/api/auth/logout", &json!({})).await;
    assert_eq!(asked(&laptop).await, [second.session_id()]);
    assert_eq!(alert_about(&laptop, &second).await["signedIn"], false);
}

#[tokio::test]
async fn a_new_device_confirms_another_only_with_proof_and_the_user_is_notified() {
    let app = TestApp::start().await;
    let laptop = laptop(&app).await;
    let stranger = signs_in(&app, FIREFOX).await;
    let phone = signs_in(&app, IPHONE).await;
    let alert = alert_about(&phone, &stranger).await;
    app.advance(Duration::from_mins(10));
    let asked_who = answers(&phone, &alert, "me").await;
    assert_eq!(asked_who.code(), "insufficient-user-authentication");
    let path = format!("/api/user/alerts/{}", alert["alertId"].as_str().unwrap());
    let wrong = phone.post(&path, &json!({"answer": "me", "password": "not the password"})).await;
    assert_eq!(wrong.refused_fields(), ["password"]);
    assert_eq!(phone.post(&path, &json!({"answer": "me", "password": PASSWORD})).await.status, StatusCode::OK);
    assert_eq!(asked(&laptop).await, [phone.session_id()], "nothing else follows from it");
    let (subject, text) = app.mails_to(ADA).await.remove(0);
    assert_eq!(subject, "A new sign-in to your account was confirmed");
    assert!(text.contains("Firefox 144 on Windows") && text.contains("Safari 18 on iOS"), "{text}");
    // The one that was confirmed so is still in question when it confirms others.
    let other = alert_about(&stranger, &phone).await;
    assert_eq!(answers(&stranger, &other, "me").await.code(), "insufficient-user-authentication");
}

#[rstest]
#[tokio::test]
async fn it_was_not_me_signs_out_all_others_and_only_this_one_signs_out_one(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let app = start(on).await;
    let laptop = laptop(&app).await;
    let phone = signs_in(&app, IPHONE).await;
    let stranger = signs_in(&app, FIREFOX).await;
    let alert = alert_about(&laptop, &stranger).await;
    let one = answers(&laptop, &alert, "end_session").await;
    assert_eq!((one.status, &one.body["sessionsEnded"]), (StatusCode::OK, &json!(1)), "{}", one.text);
    assert!(!stranger.passes().await && phone.passes().await);
    assert_eq!(asked(&laptop).await, [phone.session_id()]);
    let again = signs_in(&app, FIREFOX).await;
    assert_eq!(asked(&laptop).await.len(), 2, "what was not recognised is new every time");
    let all = answers(&laptop, &alert_about(&laptop, &again).await, "not_me").await;
    assert_eq!(all.body["sessionsEnded"], 2);
    assert_eq!(all.body["receipt"]["devices"].as_array().map(Vec::len), Some(2));
    assert!(!phone.passes().await && !again.passes().await && laptop.passes().await);
    assert!(asked(&laptop).await.is_empty(), "whoever was signed out is not asked about any more");
    let activity = laptop.get("/api/user/activity").await.body;
    let actions: Vec<_> =
        activity["entries"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"alert_denied") && actions.contains(&"alert_session_ended"), "{actions:?}");
}

#[rstest]
#[tokio::test]
async fn a_possible_theft_is_asked_about_until_somebody_answers(#[values(On::Sqlite, On::Postgres)] on: On) {
    let app = start(on).await;
    let laptop = laptop(&app).await;
    let mut phone = app.signs_in(ADA).await;
    let old = phone.refresh_token().to_owned();
    phone.refreshes().await;
    phone.refreshes().await;
    let mut events = laptop.listens().await;
    assert_eq!(phone.refreshes_with(&old).await.body["reason"], "refresh_reuse");
    let event = events.next_named("security.alert").await;
    assert_eq!((&event["kind"], &event["sessionId"]), (&json!("refresh_reuse"), &json!(phone.session_id())));
    let later = signs_in(&app, CHROME).await;
    assert!(asked(&later).await.contains(&phone.session_id().to_owned()));
    let list = later.get("/api/user/alerts").await.body;
    let theft = list["alerts"].as_array().unwrap().iter().find(|alert| alert["kind"] == "refresh_reuse").unwrap();
    assert_eq!(answers(&later, theft, "me").await.status, StatusCode::OK);
    let left = laptop.get("/api/user/alerts").await.body;
    assert!(left["alerts"].as_array().unwrap().iter().all(|alert| alert["kind"] != "refresh_reuse"));
}

#[tokio::test]
async fn alerts_are_the_users_own_are_exported_and_refuse_what_is_no_answer() {
    let app = TestApp::start().await;
    let laptop = laptop(&app).await;
    let stranger = signs_in(&app, FIREFOX).await;
    let bob = app.new_user("bob@example.com").await;
    let alert = alert_about(&laptop, &stranger).await;
    assert_eq!(answers(&bob, &alert, "me").await.status, StatusCode::NOT_FOUND);
    assert!(asked(&bob).await.is_empty());
    assert_eq!(answers(&laptop, &alert, "perhaps").await.refused_fields(), ["answer"]);
    assert_eq!(laptop.post("/api/user/alerts/none", &json!({"answer": "me"})).await.status, StatusCode::NOT_FOUND);
    answers(&laptop, &alert, "me").await;
    let held = laptop.get("/api/user/export").await.body;
    assert_eq!(held["alerts"][0]["answer"], "me");
    assert_eq!(held["alerts"][0]["answeredBy"], laptop.session_id());
    assert_eq!(held["alerts"][0]["sessionId"], stranger.session_id());
}

#[tokio::test]
async fn a_password_that_was_reset_by_mail_answers_everything() {
    let app = TestApp::start().await;
    let _laptop = laptop(&app).await;
    let stranger = signs_in(&app, FIREFOX).await;
    stranger.post("/api/auth/logout", &json!({})).await;
    app.post("/api/auth/forgot-password", &json!({"email": ADA})).await;
    let (_, text) = app.mails_to(ADA).await.remove(0);
    let token = text.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let new = "nine umbrellas in a bakery";
    let reset = app.post("/api/auth/reset-password", &json!({"token": token, "password": new})).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    let body = json!({"email": ADA, "password": new});
    let request = app.request(Method::POST, "/api/auth/login").header("user-agent", CHROME).json(&body);
    let again = Device { app: &app, tokens: Answer::read(request.send().await.unwrap()).await.body };
    assert!(asked(&again).await.is_empty());
}
