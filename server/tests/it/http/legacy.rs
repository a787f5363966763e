//! Tokens of an older system: which pass, what they are good for, and what ends them.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::clock::Clock as _;
use latchkey::store::Store;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::collector::Collector;

const SECRET: &str = "the-older-system-signs-with-this-one";
pub const ACCEPTED: [(&str, &str); 2] =
    [("JWT_SECRET", SECRET), ("ACCEPT_LEGACY_TOKENS_UNTIL", "2999-01-01T00:00:00+01:00")];

fn sign(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

/// What the older system says of somebody now, for an hour.
fn claims(app: &TestApp, user_id: &Value) -> Value {
    let now = app.clock.now().as_secs();
    json!({"sub": user_id, "iat": now, "exp": now + 3600})
}

/// The same user on a device that signed in with the older system.
pub fn on_the_older_system<'a>(device: &Device<'a>) -> Device<'a> {
    let token = sign(&header(), &claims(device.app, &device.tokens["user"]["id"]), SECRET.as_bytes());
    device_with(device.app, &token)
}

fn device_with<'a>(app: &'a TestApp, token: &str) -> Device<'a> {
    Device { app, tokens: json!({"accessToken": token}) }
}

/// Status and code of the answer to *who am I?*
async fn asked_who(device: &Device<'_>) -> (StatusCode, String) {
    let answer = device.get("/api/auth/session").await;
    (answer.status, answer.code().to_owned())
}

fn unauthorized(code: &str) -> (StatusCode, String) {
    (StatusCode::UNAUTHORIZED, code.to_owned())
}

#[tokio::test]
async fn a_token_of_the_older_system_passes_and_what_resembles_one_does_not() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    assert!(old.passes().await && ada.passes().await);

    let good = claims(&app, &ada.tokens["user"]["id"]);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(&header(), &claims, SECRET.as_bytes())
    };
    let with_header = |header: Value| sign(&header, &good, SECRET.as_bytes());
    let now = app.clock.now().as_secs();
    let mut refused = vec![
        with("jti", json!("4f8a3c52")),
        with("sub", json!("00000000-0000-7000-8000-000000000000")),
        with("sub", json!("ada@example.com")),
        with("sub", Value::Null),
        with("iat", Value::Null),
        with("iat", json!(now + 61)),
        with("exp", Value::Null),
        with("exp", json!("tomorrow")),
        with_header(json!({"alg": "HS256", "typ": "at+jwt"})),
        with_header(json!({"alg": "HS512", "typ": "JWT"})),
        with_header(json!({"alg": "none", "typ": "JWT"})),
        with_header(json!({"alg": "EdDSA", "typ": "JWT"})),
        with_header(json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}})),
        sign(&header(), &good, b"a secret that the older system has not"),
        format!("{}.", old.access_token().rsplit_once('.').unwrap().0),
    ];

    // What we sign, signed with the secret of the older system: with our header, and with theirs.
    let mut segments = ada.access_token().split('.');
    let mut ours =
        || -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segments.next().unwrap()).unwrap()).unwrap() };
    let (our_header, our_claims) = (ours(), ours());
    for header in [&our_header, &header()] {
        refused.push(sign(header, &our_claims, SECRET.as_bytes()));
    }
    // Our public key, which everybody knows, is no secret (RFC 8725, 2.1).
    let key = app.get("/.well-known/jwks.json").await.body["keys"][0].clone();
    let x = key["x"].as_str().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(x).unwrap();
    let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), raw.as_slice()].concat();
    let jwk = key.to_string();
    for secret in [raw.as_slice(), der.as_slice(), x.as_bytes(), jwk.as_bytes()] {
        refused.push(sign(&header(), &good, secret));
        refused.push(sign(&json!({"alg": "HS256", "typ": "at+jwt", "kid": key["kid"]}), &our_claims, secret));
    }
    for token in refused {
        assert_eq!(asked_who(&device_with(&app, &token)).await, unauthorized("invalid-token"), "{token}");
    }

    let elsewhere = TestApp::start().await;
    assert_eq!(asked_who(&device_with(&elsewhere, old.access_token())).await, unauthorized("invalid-token"));
    app.advance(Duration::from_hours(1));
    assert_eq!(asked_who(&old).await, unauthorized("token-expired"));
}

#[tokio::test]
async fn it_shows_and_ends_what_is_the_users_and_gets_nothing_that_needs_a_session() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let bob = app.new_user("bob@example.com").await;
    let old = on_the_older_system(&ada);

    let who = old.get("/api/auth/session").await.body;
    assert_eq!((&who["sessionId"], &who["session"]), (&Value::Null, &Value::Null));
    assert_eq!((&who["user"]["email"], &who["user"]["roles"]), (&json!("ada@example.com"), &json!(["user"])));
    let list = old.get("/api/auth/sessions").await.body;
    assert!(
        list["sessions"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["current"] == false))
    );
    let path = format!("/api/auth/sessions/{}", phone.session_id());
    let renamed = old.patch(&path, &json!({"deviceName": "My phone"})).await;
    assert_eq!(
        (&renamed.body["deviceInfo"]["deviceName"], &renamed.body["current"]),
        (&json!("My phone"), &json!(false))
    );
    assert_eq!(old.get(&format!("{path}/history")).await.body["entries"][1]["kind"], "renamed");
    assert_eq!(old.patch("/api/user/profile", &json!({"name": "Ada King"})).await.status, StatusCode::OK);
    assert_eq!(old.get("/api/user/profile").await.body["name"], "Ada King");
    assert!(old.get("/api/user/activity").await.text.contains("profile_updated"));

    let his = old.delete(&format!("/api/auth/sessions/{}", bob.session_id())).await;
    assert_eq!(his.status, StatusCode::NOT_FOUND);
    let ended = old.delete(&path).await;
    assert_eq!((ended.status, &ended.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(ended.headers.get("clear-site-data").is_none());
    assert!(!phone.passes().await && ada.passes().await && bob.passes().await && old.passes().await);
    let refused = phone.refreshes_with(phone.refresh_token()).await;
    assert_eq!((&refused.body["reason"], refused.body.get("endedBy")), (&json!("revoked_from_other_device"), None));

    let change = json!({"currentPassword": PASSWORD, "newPassword": "wednesday badger kettle"});
    let stream = old.request(Method::GET, "/api/auth/events").send().await.unwrap();
    for answer in [
        old.post("/api/user/password", &change).await,
        old.post("/api/auth/events/ticket", &json!({})).await,
        old.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await,
        Answer::read(stream).await,
    ] {
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "session-required"), "{}", answer.text);
    }
    let refreshed = old.refreshes_with(old.access_token()).await;
    assert_eq!((refreshed.status, refreshed.code()), (StatusCode::UNAUTHORIZED, "invalid-token"));
    assert!(ada.passes().await);
}

#[tokio::test]
async fn signing_out_everywhere_ends_it_and_all_made_until_then() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let bob = on_the_older_system(&app.new_user("bob@example.com").await);
    let old = on_the_older_system(&ada);
    let mut events = phone.listens().await;
    app.advance(Duration::from_millis(700));
    let out = old.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(2)), "{}", out.text);
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    let devices = out.body["receipt"]["devices"].as_array().unwrap();
    assert!(devices.len() == 2 && devices.iter().all(|device| device["current"] == false));
    let event = events.next_named("session.ended").await;
    assert_eq!((&event["reason"], &event["endedBy"]), (&json!("logout_all"), &Value::Null));
    assert!(!ada.passes().await && !phone.passes().await && bob.passes().await);

    assert_eq!(asked_who(&old).await, unauthorized("session-ended"));
    let again = old.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!((again.status, &again.body["sessionsEnded"]), (StatusCode::OK, &json!(0)));
    // Made in the same second as the sign-out: nobody knows whether before or after it.
    assert_eq!(asked_who(&on_the_older_system(&ada)).await, unauthorized("session-ended"));
    app.advance(Duration::from_millis(300));
    assert!(on_the_older_system(&ada).passes().await);
}

#[tokio::test]
async fn whoever_ends_all_other_sessions_ends_it_with_them() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let new = "wednesday badger kettle";
    for (path, body) in [
        ("/api/auth/logout-all", json!({"keepCurrent": true})),
        ("/api/user/password", json!({"currentPassword": PASSWORD, "newPassword": new})),
        ("/api/auth/logout-all", json!({})),
    ] {
        let old = on_the_older_system(&ada);
        assert!(old.passes().await, "{path} {body}");
        assert_eq!(ada.post(path, &body).await.status, StatusCode::OK);
        assert_eq!(asked_who(&old).await, unauthorized("session-ended"), "{path} {body}");
        app.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn signing_out_with_it_says_that_there_is_nothing_to_end() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    let out = old.post("/api/auth/logout", &json!({})).await;
    assert_eq!(
        (out.status, &out.body["success"], &out.body["sessionsEnded"]),
        (StatusCode::OK, &json!(true), &json!(0))
    );
    assert!(out.body["warning"].as_str().is_some_and(|warning| warning.contains("signing out everywhere")));
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    assert!(ada.passes().await && old.passes().await);

    app.advance(Duration::from_hours(1));
    let late = old.post("/api/auth/logout", &json!({})).await;
    assert_eq!((late.status, &late.body["sessionsEnded"], late.body.get("warning")), (StatusCode::OK, &json!(0), None));
    let everywhere = old.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!((everywhere.status, everywhere.code()), (StatusCode::UNAUTHORIZED, "token-expired"));
}

#[tokio::test]
async fn a_refresh_cookie_beside_it_names_the_session_that_ends() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "cookie"});
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    let login = Answer::read(login.send().await.unwrap()).await;
    let cookie = login.cookie_pair().unwrap();
    let out = old.request(Method::POST, "/api/auth/logout").header("cookie", cookie).header("latchkey-client", "web");
    let out = Answer::read(out.send().await.unwrap()).await;
    assert_eq!((out.status, &out.body["sessionsEnded"], out.body.get("warning")), (StatusCode::OK, &json!(1), None));
    assert!(!device_with(&app, login.body["accessToken"].as_str().unwrap()).passes().await);
    assert!(ada.passes().await && old.passes().await);
}

#[tokio::test]
async fn a_disabled_user_is_refused() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    let store = Store::connect(&format!("sqlite://{}", app.database_file().display()), 1).await.expect("a store");
    let id = ada.tokens["user"]["id"].as_str().unwrap().parse().expect("an id");
    store.accounts().set_disabled(id, Some(app.clock.now())).await.expect("an answer");
    assert_eq!(asked_who(&old).await, unauthorized("invalid-token"));
    store.accounts().set_disabled(id, None).await.expect("an answer");
    assert!(old.passes().await);
}

#[tokio::test]
async fn from_the_given_moment_on_it_is_refused_and_our_own_pass() {
    // The clock of a test begins with the present second.
    let until = latchkey::clock::SystemClock.now().plus(Duration::from_mins(10));
    let settings = [("JWT_SECRET", SECRET.to_owned()), ("ACCEPT_LEGACY_TOKENS_UNTIL", until.to_string())];
    let app = TestApp::start_with(&settings.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    assert!(old.passes().await);
    app.advance(until.since(app.clock.now()));
    assert!(ada.passes().await);
    assert_eq!(asked_who(&old).await, unauthorized("invalid-token"));
    // Leaving is forgiving: it ends nothing.
    for path in ["/api/auth/logout", "/api/auth/logout-all"] {
        let out = old.post(path, &json!({})).await;
        assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(0)), "{path}");
    }
    assert!(ada.passes().await);
}

#[tokio::test]
async fn our_own_tokens_are_checked_without_the_database_whatever_else_is_accepted() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let settings = [ACCEPTED[0], ACCEPTED[1], ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let mut app = TestApp::start_with(&settings).await;
    let ada = app.new_user("ada@example.com").await;
    let old = on_the_older_system(&ada);
    assert!(ada.passes().await && old.passes().await);
    app.shut_down().await;
    let spans = collector.spans();
    let mut reads: Vec<Vec<&str>> = spans
        .iter()
        .filter(|span| span.name == "GET /api/auth/session")
        .map(|asked| {
            let within = spans.iter().filter(|span| span.parent_span_id == asked.span_id);
            within.map(|span| span.name.as_str()).filter(|name| name.starts_with("store.")).collect()
        })
        .collect();
    reads.sort();
    assert_eq!(reads, [vec![], vec!["store.user_by_id"]]);
}
