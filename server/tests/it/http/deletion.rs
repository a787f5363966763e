//! Taking one's data along, and deleting the account.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::support::app::{Answer, CHROME, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const ADA: &str = "ada@example.com";

async fn deletes(device: &Device<'_>) -> Answer {
    device.delete("/api/user").await
}

async fn deletes_with(device: &Device<'_>, password: &str) -> Answer {
    device.delete_with("/api/user", &json!({"password": password})).await
}

fn named<'v>(list: &'v Value, member: &str) -> Vec<&'v str> {
    list.as_array().expect("a list").iter().filter_map(|item| item[member].as_str()).collect()
}

#[tokio::test]
async fn an_export_holds_everything_on_the_user_no_secret_and_nobody_else() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    for email in [ADA, "bob@example.com"] {
        app.registers(email).await;
    }
    let code = app.code_for(ADA).await;
    let proof = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": code})).await;
    Device { app: &app, tokens: proof.body }.delete("/api/auth/sessions").await;
    let login = json!({"email": ADA, "password": PASSWORD});
    let browser = app.request(Method::POST, "/api/auth/login").header("user-agent", CHROME).json(&login);
    let laptop = Device { app: &app, tokens: Answer::read(browser.send().await.unwrap()).await.body };
    app.advance(Duration::from_secs(1));
    let mut phone = app.signs_in(ADA).await;
    let his = app.code_for("bob@example.com").await;
    let proof = app.post("/api/auth/verify-email", &json!({"email": "bob@example.com", "otp": his})).await;
    let bob = Device { app: &app, tokens: proof.body };
    app.post("/api/auth/forgot-password", &json!({"email": ADA})).await;
    phone.refreshes().await;
    phone.post("/api/auth/logout", &json!({"reason": "going home"})).await;

    let export = laptop.get("/api/user/export").await;
    assert_eq!((export.status, export.header("cache-control")), (StatusCode::OK, "no-store"), "{}", export.text);
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"latchkey-export.json\"");
    assert!(export.header("content-type").starts_with("application/json"));
    let held = &export.body;
    assert!(held["exportedAt"].is_string());
    let profile = &held["profile"];
    assert_eq!((&profile["email"], &profile["name"]), (&json!(ADA), &json!("Ada Lovelace")));
    assert_eq!((&profile["id"], &profile["roles"]), (&laptop.tokens["user"]["id"], &json!(["user"])));
    assert_eq!(profile["accountType"], "INDIVIDUAL");

    let sessions = &held["sessions"];
    assert_eq!(named(sessions, "sessionId")[1..], [laptop.session_id(), phone.session_id()]);
    assert_eq!(sessions[1]["deviceInfo"]["browser"], "Chrome 141");
    assert_eq!((&sessions[1]["ended"], &sessions[1]["userAgent"]), (&Value::Null, &json!(CHROME)));
    assert_eq!(sessions[2]["ended"]["reason"], "user_initiated_logout");
    assert_eq!(named(&sessions[2]["history"], "kind"), ["signed_in", "refreshed", "ended"]);
    assert_eq!(sessions[2]["history"][0]["ipAddress"], "127.0.0.1");
    let actions = named(&held["activity"], "action");
    assert_eq!(actions.first(), Some(&"data_exported"), "an export is on record before it is out");
    for action in ["registered", "sign_in", "session_ended", "password_reset_requested"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(held["activity"].as_array().unwrap().iter().any(|entry| entry["clientReason"] == "going home"));
    assert_eq!(named(&held["mail"], "subject"), ["•••••• is your Latchkey code", "Set a new password for Latchkey"]);
    assert_eq!(named(&held["mail"], "to"), [ADA, ADA]);

    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let secrets = [code.as_str(), spaced.as_str(), PASSWORD, "argon2", "#token=", "lkr_", "igest", "bob@example.com"];
    for secret in secrets.into_iter().chain([laptop.access_token(), bob.session_id()]) {
        assert!(!export.text.contains(secret), "{secret} in {}", export.text);
    }
    let nobody = app.get("/api/user/export").await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::UNAUTHORIZED, "missing-token"));
}

async fn an_account_goes(app: TestApp) {
    let laptop = app.new_user(ADA).await;
    let phone = app.signs_in(ADA).await;
    let bystander = app.new_user("bob@example.com").await;
    let mut events = phone.listens().await;
    let wrong = deletes_with(&laptop, "not the password").await;
    assert_eq!((wrong.status, wrong.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["password"]));
    assert!(laptop.passes().await, "a recent sign-in makes no wrong password right");

    let gone = deletes_with(&laptop, PASSWORD).await;
    assert_eq!((gone.status, &gone.body["sessionsEnded"]), (StatusCode::OK, &json!(2)), "{}", gone.text);
    assert!(gone.body["message"].as_str().is_some_and(|message| message.contains("deleted")));
    assert!(gone.header("set-cookie").contains("Max-Age=0") && gone.header("clear-site-data") == "\"storage\"");
    assert!(gone.body.get("receipt").is_none(), "there is nothing left to show on one");
    let event = events.next_named("session.ended").await;
    assert_eq!((&event["sessionId"], &event["reason"]), (&json!(phone.session_id()), &json!("account_deleted")));
    assert!(events.next().await.is_none(), "the stream of an ended session closes");
    for device in [&laptop, &phone] {
        assert!(!device.passes().await);
        let refused = device.refreshes_with(device.refresh_token()).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "invalid-token"));
        assert_eq!(device.post("/api/auth/session/ended", &json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(device.post("/api/auth/logout", &json!({})).await.body["sessionsEnded"], 0);
        assert_eq!(device.post("/api/auth/logout-all", &json!({})).await.body["sessionsEnded"], 0);
        assert_eq!(deletes(device).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(device.get("/api/user/export").await.status, StatusCode::UNAUTHORIZED);
    }
    assert!(bystander.passes().await);
    let login = app.post("/api/auth/login", &json!({"email": ADA, "password": PASSWORD})).await;
    assert_eq!((login.status, login.code()), (StatusCode::UNAUTHORIZED, "invalid-credentials"));
    let mails = app.mails_to(ADA).await;
    assert_eq!(
        mails.iter().map(|(subject, _)| subject.as_str()).collect::<Vec<_>>(),
        ["Your Latchkey account was deleted"]
    );

    let again = app.new_user(ADA).await;
    assert_ne!(again.tokens["user"]["id"], laptop.tokens["user"]["id"]);
    assert!(again.passes().await && !laptop.passes().await);
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_every_device_and_its_address_is_free() {
    an_account_goes(TestApp::start().await).await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_every_device_and_its_address_is_free_on_postgres() {
    an_account_goes(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn the_audit_log_keeps_what_happened_and_forgets_from_where() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    assert_eq!(deletes(&laptop).await.status, StatusCode::OK);
    let mut database = app.database().await;
    let entries: Vec<(String, i64)> = sqlx::query_as(
        "SELECT a.action, a.ip <> '' OR a.user_agent <> '' FROM audit_log a JOIN revocation_log r ON r.user_id = a.user_id \
         ORDER BY a.at, a.id",
    )
    .fetch_all(&mut database)
    .await
    .unwrap();
    let entries: Vec<_> = entries.iter().map(|(action, known)| (action.as_str(), *known != 0)).collect();
    let expected = [("registered", false), ("sign_in", false), ("session_ended", false), ("account_deleted", true)];
    assert_eq!(entries, expected);
    database.close().await.unwrap();
}

#[tokio::test]
async fn without_the_password_only_a_sign_in_of_moments_ago_deletes_the_account() {
    let app = TestApp::start().await;
    let mut laptop = app.new_user(ADA).await;
    app.advance(Duration::from_mins(10));
    for refreshed in [false, true] {
        if refreshed {
            // Renewing proves nothing about who holds the device.
            laptop.refreshes().await;
        }
        let asked = deletes(&laptop).await;
        assert_eq!((asked.status, asked.code()), (StatusCode::UNAUTHORIZED, "insufficient-user-authentication"));
        assert_eq!(asked.header("www-authenticate"), "Bearer error=\"insufficient_user_authentication\", max_age=600");
        assert!(asked.header("set-cookie").is_empty() && laptop.passes().await);
    }
    let fresh = app.signs_in(ADA).await;
    app.advance(Duration::from_secs(599));
    assert_eq!(deletes(&fresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_password_serves_however_long_ago_the_sign_in_was() {
    let app = TestApp::start_with(&[("SUDO_WINDOW", "0s")]).await;
    let laptop = app.new_user(ADA).await;
    let asked = deletes(&laptop).await;
    assert!(asked.header("www-authenticate").ends_with("max_age=0"), "{}", asked.text);
    assert_eq!(deletes_with(&laptop, "").await.refused_fields(), ["password"]);
    assert_eq!(deletes_with(&laptop, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn guessing_the_password_in_a_session_is_limited_and_shuts_nobody_else_out() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    let phone = app.signs_in(ADA).await;
    let mut tries = 0;
    let limited = loop {
        let answer = deletes_with(&laptop, "not the password").await;
        if answer.status != StatusCode::UNPROCESSABLE_ENTITY {
            break answer;
        }
        tries += 1;
    };
    assert_eq!((limited.status, tries), (StatusCode::TOO_MANY_REQUESTS, 20));
    assert!(limited.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(deletes_with(&laptop, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    let change = json!({"currentPassword": PASSWORD, "newPassword": "thursday lantern moss"});
    assert_eq!(laptop.post("/api/user/password", &change).await.status, StatusCode::TOO_MANY_REQUESTS);
    app.signs_in(ADA).await;
    assert_eq!(deletes_with(&phone, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_that_was_signed_out_cannot_delete_the_account() {
    let app = TestApp::start().await;
    let stolen = app.new_user(ADA).await;
    let laptop = app.signs_in(ADA).await;
    laptop.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await;
    assert_eq!(deletes_with(&stolen, PASSWORD).await.code(), "session-ended");
    assert!(laptop.passes().await);
}

#[tokio::test]
async fn while_the_database_is_away_an_account_is_not_deleted_and_no_end_becomes_pending() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    let lock = app.write_lock().await;
    let away = deletes(&laptop).await;
    assert_eq!((away.status, away.code()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily-unavailable"));
    lock.close().await.unwrap();
    assert!(laptop.passes().await);
    app.signs_in(ADA).await;
}

#[tokio::test]
async fn the_demo_user_can_go_and_is_made_anew_at_the_next_start() {
    let mut app = TestApp::start().await;
    let demo = json!({"email": "demo@latchkey.dev", "password": "correct-demo-horse"});
    let before = app.post("/api/auth/login", &demo).await.body;
    let kept = deletes(&Device { app: &app, tokens: before.clone() }).await;
    assert_eq!((kept.status, kept.code()), (StatusCode::CONFLICT, "last-owner"));
    app.registers(ADA).await;
    app.gives_role(ADA, "owner").await;
    assert_eq!(deletes(&Device { app: &app, tokens: before.clone() }).await.status, StatusCode::OK);
    assert_eq!(app.post("/api/auth/login", &demo).await.status, StatusCode::UNAUTHORIZED);
    app.restart().await;
    let after = app.post("/api/auth/login", &demo).await.body;
    assert_ne!(after["user"]["id"], before["user"]["id"]);
    let [old, new] = [before, after].map(|tokens| Device { app: &app, tokens });
    assert!(new.passes().await && !old.passes().await, "the revocation outlives the user and the restart");
}

/// Whatever is held on somebody, and what must be gone with them.
async fn leaves_nothing(backend: Backend) {
    let app = TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let email = "ada.vanishing@example.com";
    let whole = json!({"email": email, "password": PASSWORD, "name": "Ada Vanishing"});
    app.post("/api/auth/register", &whole).await;
    let code = app.code_for(email).await;
    let device = |name: &str| json!({"deviceName": format!("Vanishing {name}"), "platform": "web"});
    let verify = json!({"email": email, "otp": code, "deviceInfo": device("Laptop"), "tokenDelivery": "cookie"});
    let laptop = app.post("/api/auth/verify-email", &verify).await;
    let id = laptop.body["user"]["id"].as_str().expect("an id").replace('-', "");
    let laptop = Device { app: &app, tokens: laptop.body };
    let login = json!({"email": email, "password": PASSWORD, "deviceInfo": device("Phone")});
    let phone = Device { app: &app, tokens: app.post("/api/auth/login", &login).await.body };
    // A stranger, a wrong password, a link, a ticket, a name in the revocation log, and words of a client's own.
    app.post("/api/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Vanishing Twin"})).await;
    app.post("/api/auth/login", &json!({"email": email, "password": "vanishing wrong"})).await;
    app.post("/api/auth/forgot-password", &json!({"email": email})).await;
    laptop.post("/api/auth/events/ticket", &json!({})).await;
    phone.post("/api/auth/logout", &json!({"reason": "vanishing words"})).await;
    let other = Device { app: &app, tokens: app.post("/api/auth/login", &login).await.body };
    laptop.delete(&format!("/api/auth/sessions/{}", other.session_id())).await;
    let before = app.everything().await;
    for held in ["vanishing@example", "ada vanishing", "vanishing laptop", "vanishing words", "vanishing twin"] {
        assert!(before.iter().any(|row| row.contains(held)), "{held} was there before");
    }
    assert!(before.iter().any(|row| row.starts_with("try_limits")));

    assert_eq!(deletes_with(&laptop, PASSWORD).await.status, StatusCode::OK);
    // The last mail is on its way until its job has run.
    let mut left = app.everything().await;
    while left.iter().any(|row| row.starts_with("jobs:")) {
        tokio::task::yield_now().await;
        left = app.everything().await;
    }
    let named: Vec<_> = left.iter().filter(|row| row.contains("vanishing")).collect();
    assert!(named.is_empty(), "{named:#?}");
    let retained: std::collections::BTreeSet<_> =
        left.iter().filter(|row| row.contains(&id)).filter_map(|row| row.split(':').next()).collect();
    // An id that belongs to nobody: what happened stays on record, and tokens that are still about stay refused.
    assert_eq!(retained.into_iter().collect::<Vec<_>>(), ["audit_log", "revocation_log"]);
    for emptied in ["try_limits", "registrations", "browser_users", "reset_grants", "stream_tickets", "password_resets"]
    {
        let rows: Vec<_> = left.iter().filter(|row| row.starts_with(&format!("{emptied}:"))).collect();
        // The network's own bucket and the session's are nobody's.
        assert!(rows.is_empty() || emptied == "try_limits", "{rows:#?}");
    }
    assert_eq!(
        app.mails_to(email).await[0].0,
        "Your Latchkey account was deleted",
        "development shows it none the less"
    );
}

#[tokio::test]
async fn nothing_is_left_of_whoever_deletes_their_account_but_what_must_be() {
    leaves_nothing(Backend::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_left_of_whoever_deletes_their_account_but_what_must_be_on_postgres() {
    leaves_nothing(Backend::Postgres).await;
}
