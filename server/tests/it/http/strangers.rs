//! Guessing is limited however it is done, and refuses nobody whom the account knows.

use std::time::Duration;

use futures::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const ADA: &str = "ada@example.com";
const NEW: &str = "wednesday badger kettle";
const PROXIED: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.1/32");
const VERIFIED: (&str, &str) = ("REQUIRE_EMAIL_VERIFICATION", "true");

/// A call from an address of its own.
fn from(app: &TestApp, host: usize, path: &str, body: &Value) -> RequestBuilder {
    let address = format!("198.51.{}.{}", 100 + host / 200, 1 + host % 200);
    app.request(Method::POST, path).header("x-forwarded-for", address).json(body)
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("an answer")).await
}

fn login(password: &str) -> Value {
    json!({"email": ADA, "password": password})
}

/// Twenty wrong passwords from twenty addresses, which is all that strangers have.
async fn strangers_try(app: &TestApp) {
    for host in 0..20 {
        let answer = send(from(app, host, "/api/auth/login", &login("wrong"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(send(from(app, 30, "/api/auth/login", &login(PASSWORD))).await.status, StatusCode::TOO_MANY_REQUESTS);
}

/// How many of these were looked at.
fn looked_at(answers: &[Answer], as_wrong: StatusCode) -> usize {
    let others =
        answers.iter().filter(|answer| answer.status != as_wrong && answer.status != StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(others.count(), 0, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    answers.iter().filter(|answer| answer.status == as_wrong).count()
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_passwords_at_once_twenty_are_looked_at(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[PROXIED]).await;
    app.registers(ADA).await;
    let storm = |right_at: Option<usize>| {
        let app = &app;
        join_all((0..200).map(move |host| {
            let password = if Some(host) == right_at { PASSWORD } else { "wrong" };
            send(from(app, host, "/api/auth/login", &login(password)))
        }))
    };
    assert_eq!(looked_at(&storm(None).await, StatusCode::UNAUTHORIZED), 20);
    app.advance(Duration::from_secs(31));
    assert_eq!(looked_at(&storm(None).await, StatusCode::UNAUTHORIZED), 1, "one slot is one try");
    assert_eq!(looked_at(&storm(Some(150)).await, StatusCode::UNAUTHORIZED), 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_at_once_are_all_let_in(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &[]).await;
    app.registers(ADA).await;
    let body = login(PASSWORD);
    let answers = join_all((0..120).map(|_| app.post("/api/auth/login", &body))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_in_a_session_at_codes_and_at_links_are_limited_as_well_when_they_come_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[PROXIED, VERIFIED]).await;
    app.registers(ADA).await;
    let code = app.code_for(ADA).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let guess = json!({"email": ADA, "otp": wrong});
    let guesses = join_all((0..100).map(|host| send(from(&app, host, "/api/auth/verify-email", &guess)))).await;
    assert!(looked_at(&guesses, StatusCode::UNPROCESSABLE_ENTITY) <= 20);
    // Whoever registered has tries of their own at the code.
    let proof = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": code})).await;
    assert_eq!(proof.status, StatusCode::OK, "{}", proof.text);
    let device = Device { app: &app, tokens: proof.body };
    let deletion = json!({"password": "wrong"});
    let deletions = join_all((0..60).map(|_| device.delete_with("/api/user", &deletion))).await;
    assert_eq!(looked_at(&deletions, StatusCode::UNPROCESSABLE_ENTITY), 20);
    let reset = json!({"token": "A".repeat(43), "password": NEW});
    let resets = join_all((0..120).map(|_| send(from(&app, 7, "/api/auth/reset-password", &reset)))).await;
    assert!(looked_at(&resets, StatusCode::UNPROCESSABLE_ENTITY) <= 100);
}

#[rstest]
#[tokio::test]
async fn a_browser_that_was_signed_in_before_gets_in_however_many_strangers_try(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[PROXIED]).await;
    app.registers(ADA).await;
    let mut body = login(PASSWORD);
    body["tokenDelivery"] = json!("cookie");
    let first = send(from(&app, 200, "/api/auth/login", &body)).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.body.get("deviceToken").is_none(), "a browser's proof is out of reach of scripts");
    let cookie = first.browser_cookie().expect("what the browser is known by");
    assert_eq!(cookie.len(), "latchkey-browser=".len() + 43, "256 bits");
    strangers_try(&app).await;
    // From another network, with the cookie alone: the session may be long over.
    let known = |password: &str| {
        let mut body = login(password);
        body["tokenDelivery"] = json!("cookie");
        send(from(&app, 300, "/api/auth/login", &body).header("cookie", cookie.clone()))
    };
    assert_eq!(known(PASSWORD).await.status, StatusCode::OK);
    assert_eq!(send(from(&app, 300, "/api/auth/login", &body)).await.status, StatusCode::TOO_MANY_REQUESTS);
    // Its own tries are as few as anybody's, and nobody else's.
    let mut tries = 0;
    while known("wrong").await.status == StatusCode::UNAUTHORIZED {
        tries += 1;
    }
    assert_eq!(tries, 20);
    let stored = app.everything().await.join("\n");
    assert!(!stored.contains(&cookie["latchkey-browser=".len()..].to_lowercase().replace('-', "")), "a digest only");
}

#[rstest]
#[tokio::test]
async fn a_client_without_cookies_is_known_by_its_device_token(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[PROXIED]).await;
    app.registers(ADA).await;
    let first = app.post("/api/auth/login", &login(PASSWORD)).await;
    assert_eq!(first.cookies(), "");
    let token = first.body["deviceToken"].as_str().expect("a device token").to_owned();
    strangers_try(&app).await;
    let with = |device_token: Value| {
        let body = json!({"email": ADA, "password": PASSWORD, "deviceToken": device_token});
        send(from(&app, 300, "/api/auth/login", &body))
    };
    let second = with(json!(token)).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    assert_ne!(second.body["deviceToken"], json!(token), "each sign-in gives the next");
    for worthless in [json!("A".repeat(43)), json!("rubbish"), json!(7), Value::Null] {
        assert_eq!(with(worthless).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    // Unlike a browser, such a client may have several sessions.
    assert!(Device { app: &app, tokens: first.body }.passes().await);
}

#[rstest]
#[tokio::test]
async fn whoever_is_signed_in_changes_the_password_and_leaves_however_many_strangers_try(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[PROXIED]).await;
    let device = app.new_user(ADA).await;
    strangers_try(&app).await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    assert_eq!(device.post("/api/user/password", &change).await.status, StatusCode::OK);
    assert_eq!(device.delete_with("/api/user", &json!({"password": NEW})).await.status, StatusCode::OK);
}

#[rstest]
#[tokio::test]
async fn whoever_has_just_reset_the_password_gets_in_however_many_strangers_try(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(false, true)] never_proved: bool,
) {
    let settings = if never_proved { vec![PROXIED, VERIFIED] } else { vec![PROXIED] };
    let app = TestApp::start_on(backend, &settings).await;
    app.registers(ADA).await;
    send(from(&app, 300, "/api/auth/forgot-password", &json!({"email": ADA}))).await;
    let mails = app.mails_to(ADA).await;
    let token = mails.iter().find_map(|(_, text)| text.split_once("#token=")).expect("a link").1;
    let token = token.split_whitespace().next().expect("a token");
    let reset = send(from(&app, 300, "/api/auth/reset-password", &json!({"token": token, "password": NEW}))).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    for host in 0..40 {
        send(from(&app, host, "/api/auth/login", &login("wrong"))).await;
    }
    assert_eq!(send(from(&app, 41, "/api/auth/login", &login(NEW))).await.status, StatusCode::TOO_MANY_REQUESTS);
    // By the network it was done from, and by the cookie of the browser from anywhere.
    assert_eq!(send(from(&app, 300, "/api/auth/login", &login(NEW))).await.status, StatusCode::OK);
    let cookie = reset.browser_cookie().expect("what the browser is known by");
    let by_cookie = from(&app, 350, "/api/auth/login", &login(NEW)).header("cookie", cookie);
    assert_eq!(send(by_cookie).await.status, StatusCode::OK);
    app.advance(Duration::from_hours(2));
    for host in 0..260 {
        send(from(&app, host, "/api/auth/login", &login("wrong"))).await;
    }
    assert_eq!(send(from(&app, 300, "/api/auth/login", &login(NEW))).await.status, StatusCode::TOO_MANY_REQUESTS);
}
