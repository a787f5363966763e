//! Signing out: this device, others, all; forgiving, immediate, with a receipt.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::app::{Answer, Device, TestApp};

#[tokio::test]
async fn a_signed_out_device_is_refused_at_once_and_its_client_clears_its_data() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let out = device.post("/api/auth/logout", &json!({"reason": "going home"})).await;
    assert_eq!(
        (out.status, &out.body["success"], &out.body["sessionsEnded"]),
        (StatusCode::OK, &json!(true), &json!(1))
    );
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let refused = device.get("/api/auth/session").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "session-ended"));
    assert!(refused.header("www-authenticate").starts_with("Bearer error="));
    let refreshed = device.refreshes_with(device.refresh_token()).await;
    assert_eq!(
        (refreshed.status, &refreshed.body["reason"]),
        (StatusCode::UNAUTHORIZED, &json!("user_initiated_logout"))
    );
}

#[tokio::test]
async fn signing_out_is_forgiving() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    app.advance(Duration::from_hours(1));
    assert!(!device.passes().await, "the access token has run out");
    let expired = device.post("/api/auth/logout", &json!({})).await;
    assert_eq!((expired.status, &expired.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    let again = device.post("/api/auth/logout", &json!({})).await;
    assert_eq!((again.status, &again.body["sessionsEnded"]), (StatusCode::OK, &json!(0)));
    let nobody = app.post("/api/auth/logout", &json!({})).await;
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
}

/// Signs out by whatever stands in the header.
async fn leaves_with(app: &TestApp, method: Method, path: &str, authorization: &[&str]) -> Answer {
    let request = app.request(method, path).json(&json!({}));
    let request = authorization.iter().fold(request, |request, value| request.header("authorization", *value));
    Answer::read(request.send().await.unwrap()).await
}

/// Ended nothing, and the client forgets what it holds.
fn is_signed_out_for_nothing(out: &Answer) -> bool {
    out.status == StatusCode::OK
        && out.body["sessionsEnded"] == 0
        && out.header("clear-site-data") == "\"storage\""
        && out.header("set-cookie").contains("Max-Age=0")
}

#[tokio::test]
async fn whoever_presents_what_cannot_be_read_ends_nothing_and_leaves_signed_out() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let good = format!("Bearer {}", device.access_token());
    let elsewhere = TestApp::start().await;
    let foreign = elsewhere.new_user("ada@example.com").await.access_token().to_owned();
    let (cut, foreign) = (good[..good.len() - 8].to_owned(), format!("Bearer {foreign}"));
    let long = format!("Bearer {}", "x".repeat(6000));
    let unreadable: [&[&str]; 9] = [
        &["Bearer garbage"],
        &["Bearer "],
        &["Bearer"],
        &["Basic YWRhOmFkYQ=="],
        &["Bearer null"],
        &[&cut],
        &[&foreign],
        &[&long],
        &[&good, &good],
    ];
    for (method, path) in [
        (Method::POST, "/api/auth/logout"),
        (Method::POST, "/api/auth/logout-all"),
        (Method::DELETE, "/api/auth/sessions"),
        (Method::DELETE, "/api/auth/sessions?keepCurrent=true"),
    ] {
        for authorization in unreadable {
            let out = leaves_with(&app, method.clone(), path, authorization).await;
            assert!(is_signed_out_for_nothing(&out), "{path} with {authorization:?}: {} {}", out.status, out.text);
        }
        let nothing = leaves_with(&app, method, path, &[]).await;
        assert_eq!(
            (nothing.status, nothing.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer"),
            "{path}"
        );
    }
    for refresh_token in [json!("lkr_made-up"), json!(""), json!(5), json!(device.access_token())] {
        let out = app.post("/api/auth/logout", &json!({"refreshToken": refresh_token})).await;
        assert!(is_signed_out_for_nothing(&out), "{refresh_token}: {} {}", out.status, out.text);
    }
    assert!(device.passes().await);
    let one = format!("/api/auth/sessions/{}", device.session_id());
    let other = leaves_with(&app, Method::DELETE, &one, &["Bearer x"]).await;
    assert_eq!(other.code(), "invalid-token", "that is about a device, and not about leaving");
}

#[tokio::test]
async fn a_good_refresh_token_beside_a_bad_bearer_still_ends_its_session() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let stays = app.signs_in("ada@example.com").await;
    for path in ["/api/auth/logout", "/api/auth/logout-all"] {
        let (token, cookie) = signs_in_with_a_cookie(&app).await;
        let leave = |own_page: bool| {
            let request = app.request(Method::POST, path).bearer_auth("garbage").header("cookie", &cookie);
            if own_page { request.header("latchkey-client", "web") } else { request }.json(&json!({})).send()
        };
        assert_eq!(leave(false).await.unwrap().status(), StatusCode::FORBIDDEN, "the cookie is for our pages only");
        let out = Answer::read(leave(true).await.unwrap()).await;
        assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)), "{path}: {}", out.text);
        let refused = app.request(Method::GET, "/api/auth/session").bearer_auth(token).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let native = app.signs_in("ada@example.com").await;
    let request = app.request(Method::POST, "/api/auth/logout").bearer_auth("garbage");
    let out = request.json(&json!({"refreshToken": native.refresh_token()})).send().await.unwrap();
    assert_eq!(Answer::read(out).await.body["sessionsEnded"], 1);
    assert!(!native.passes().await && stays.passes().await, "what cannot be read ends nobody else");
}

#[tokio::test]
async fn a_browser_that_has_mixed_two_sessions_leaves_both() {
    let app = TestApp::start().await;
    let native = app.new_user("ada@example.com").await;
    let (token, cookie) = signs_in_with_a_cookie(&app).await;
    let request = native.request(Method::POST, "/api/auth/logout").header("cookie", &cookie);
    let out = Answer::read(request.header("latchkey-client", "web").json(&json!({})).send().await.unwrap()).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(2)), "{}", out.text);
    let refused = app.request(Method::GET, "/api/auth/session").bearer_auth(token).send().await.unwrap();
    assert!(refused.status() == StatusCode::UNAUTHORIZED && !native.passes().await);
}

/// The access token, and the cookie header.
async fn signs_in_with_a_cookie(app: &TestApp) -> (String, String) {
    let body =
        json!({"email": "ada@example.com", "password": crate::support::app::PASSWORD, "tokenDelivery": "cookie"});
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    let login = Answer::read(login.send().await.unwrap()).await;
    let token = login.body["accessToken"].as_str().unwrap().to_owned();
    (token, format!("latchkey={}", login.cookie().unwrap()))
}

#[tokio::test]
async fn a_browser_signs_out_with_its_cookie_alone() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let body =
        json!({"email": "ada@example.com", "password": crate::support::app::PASSWORD, "tokenDelivery": "cookie"});
    let login = app.request(Method::POST, "/api/auth/login").header("latchkey-client", "web").json(&body);
    let login = Answer::read(login.send().await.unwrap()).await;
    let cookie = login.cookie_pair().unwrap();
    let logout = |header: Option<&'static str>| {
        let request = app.request(Method::POST, "/api/auth/logout").header("cookie", &cookie);
        header.into_iter().fold(request, |request, name| request.header(name, "web")).send()
    };
    assert_eq!(logout(None).await.unwrap().status(), StatusCode::FORBIDDEN);
    let out = Answer::read(logout(Some("latchkey-client")).await.unwrap()).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    let token = login.body["accessToken"].as_str().unwrap();
    let refused = app.request(Method::GET, "/api/auth/session").bearer_auth(token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

async fn everywhere(app: TestApp) {
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let tablet = app.signs_in("ada@example.com").await;
    let bystander = app.new_user("bob@example.com").await;
    let mut events = phone.listens().await;
    let out = laptop.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(3)));
    for device in [&laptop, &phone, &tablet] {
        assert!(!device.passes().await);
        assert_eq!(device.refreshes_with(device.refresh_token()).await.body["reason"], "logout_all");
    }
    assert!(bystander.passes().await);
    let event = events.next_named("session.ended").await;
    assert_eq!((&event["sessionId"], &event["reason"]), (&json!(phone.session_id()), &json!("logout_all")));
    assert_eq!(event["endedBy"], laptop.session_id());
    assert!(events.next().await.is_none(), "the stream of an ended session closes");

    let status = |receipt: &serde_json::Value, id: &str| {
        let devices = receipt["devices"].as_array().unwrap().iter();
        devices.filter(|device| device["sessionId"] == id).map(|device| device["status"].clone()).next().unwrap()
    };
    let receipt = &out.body["receipt"];
    assert_eq!(status(receipt, laptop.session_id()), "confirmed");
    assert_eq!(status(receipt, phone.session_id()), "told");
    assert_eq!(status(receipt, tablet.session_id()), "offline");
    let confirmed = phone.post("/api/auth/session/ended", &json!({})).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
    let id = receipt["id"].as_str().unwrap();
    let later = app.get(&format!("/api/auth/receipts/{id}")).await.body;
    assert_eq!(status(&later, phone.session_id()), "confirmed");
    assert_eq!(status(&later, tablet.session_id()), "offline");
    assert_eq!(app.get("/api/auth/receipts/AAAA").await.status, StatusCode::NOT_FOUND);
    app.signs_in("ada@example.com").await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_device_and_gives_a_receipt() {
    everywhere(TestApp::start().await).await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_device_and_gives_a_receipt_on_postgres() {
    everywhere(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn with_a_bad_reason_everybody_is_signed_out_all_the_same_and_the_address_can_keep_this_device() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let long = phone.post("/api/auth/logout", &json!({"reason": "x".repeat(300)})).await;
    assert_eq!((long.status, &long.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    let tablet = app.signs_in("ada@example.com").await;
    let others = laptop.delete("/api/auth/sessions?keepCurrent=true").await;
    assert_eq!((others.status, &others.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(laptop.passes().await && !tablet.passes().await);
    let odd = laptop.post("/api/auth/logout", &json!({"reason": 5})).await;
    assert_eq!((odd.status, &odd.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
}

#[tokio::test]
async fn all_others_end_and_this_one_stays_without_a_refresh() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let out = laptop.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(out.headers.get("set-cookie").is_none());
    assert!(laptop.passes().await && !phone.passes().await);
    assert_eq!(phone.refreshes_with(phone.refresh_token()).await.body["reason"], "revoked_from_other_device");
}

#[tokio::test]
async fn a_token_whose_session_has_ended_cannot_end_the_others() {
    let app = TestApp::start().await;
    let stolen = app.new_user("ada@example.com").await;
    let laptop = app.signs_in("ada@example.com").await;
    stolen.post("/api/auth/logout", &json!({})).await;
    let out = stolen.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(0)));
    assert!(laptop.passes().await);
}

#[tokio::test]
async fn one_device_ends_another_and_nobody_elses() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let bob = app.new_user("bob@example.com").await;
    let foreign = laptop.delete(&format!("/api/auth/sessions/{}", bob.session_id())).await;
    let missing = laptop.delete("/api/auth/sessions/019aa000-0000-7000-8000-000000000000").await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::NOT_FOUND, missing.code()));
    assert!(bob.passes().await);
    let path = format!("/api/auth/sessions/{}", phone.session_id());
    let out = laptop.delete(&path).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(laptop.passes().await && !phone.passes().await);
    assert_eq!(laptop.delete(&path).await.status, StatusCode::OK, "a repeat does no harm");
    let refused = phone.refreshes_with(phone.refresh_token()).await;
    assert_eq!(refused.body["reason"], "revoked_from_other_device");
    assert_eq!(refused.body["endedBy"], laptop.session_id());
}

#[tokio::test]
async fn a_revocation_outlives_a_restart() {
    let mut app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let other = app.signs_in("ada@example.com").await;
    device.post("/api/auth/logout", &json!({})).await;
    let (ended, living) = (device.tokens.clone(), other.tokens.clone());
    app.restart().await;
    let after = |tokens| crate::support::app::Device { app: &app, tokens };
    assert!(!after(ended).passes().await);
    assert!(after(living).passes().await);
}

#[tokio::test]
async fn parallel_sign_outs_are_all_committed() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let mut devices = Vec::new();
    for _ in 0..20 {
        devices.push(app.signs_in("ada@example.com").await);
    }
    let nothing = json!({});
    let outs = futures::future::join_all(devices.iter().map(|device| device.post("/api/auth/logout", &nothing))).await;
    assert!(outs.iter().all(|out| out.body["sessionsEnded"] == 1));
    let refreshed =
        futures::future::join_all(devices.iter().map(|device| device.refreshes_with(device.refresh_token()))).await;
    assert!(refreshed.iter().all(|answer| answer.status == StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn while_the_database_is_away_a_sign_out_counts_here_at_once_and_is_committed_later() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let lock = app.write_lock().await;
    let out = device.post("/api/auth/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    assert!(out.body["warning"].as_str().is_some_and(|warning| !warning.is_empty()));
    assert!(!device.passes().await);
    assert!(app.get("/health").await.body["endingsPending"].as_u64() > Some(0));
    drop(lock);
    nothing_waits(&app).await;
    let refreshed = device.refreshes_with(device.refresh_token()).await;
    assert_eq!(refreshed.body["reason"], "user_initiated_logout");
}

/// Waits until the list has been looked at after time was let pass.
async fn is_current(app: &TestApp) {
    for _ in 0..100 {
        if app.get("/health").await.body["revocationListAgeMs"].as_u64().is_some_and(|age| age < 5_000) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the list is not current");
}

/// Waits until the ends that became pending while the database was away are committed.
async fn nothing_waits(app: &TestApp) {
    for _ in 0..100 {
        if app.get("/health").await.body["endingsPending"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is not committed");
}

#[tokio::test]
async fn while_the_database_is_away_signing_out_the_others_counts_here_at_once_and_is_committed_later() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let other = app.signs_in("ada@example.com").await;
    assert!(other.passes().await);
    let lock = app.write_lock().await;
    let out = device.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    assert!(device.passes().await && !other.passes().await);
    drop(lock);
    nothing_waits(&app).await;
    assert!(device.passes().await && !other.passes().await);
    assert_eq!(other.refreshes_with(other.refresh_token()).await.status, StatusCode::UNAUTHORIZED);
    let later = app.signs_in("ada@example.com").await;
    assert!(later.passes().await);
}

#[tokio::test]
async fn a_program_that_has_lost_its_access_token_signs_out_with_the_refresh_token() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let out = app.post("/api/auth/logout", &json!({"refreshToken": device.refresh_token()})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(!device.passes().await);
    let made_up = app.post("/api/auth/logout", &json!({"refreshToken": "lkr_made-up"})).await;
    assert!(is_signed_out_for_nothing(&made_up));
}

#[tokio::test]
async fn a_user_whose_row_somebody_holds_hinders_nobody_else_from_signing_out() {
    let app = TestApp::start_on_postgres(&[]).await;
    let stuck = app.new_user("ada@example.com").await;
    let free = app.new_user("bob@example.com").await;
    let mut holder = app.postgres().await;
    sqlx::raw_sql("BEGIN; SELECT id FROM users WHERE email = 'ada@example.com' FOR UPDATE")
        .execute(&mut holder)
        .await
        .expect("the row");
    let nothing = json!({});
    let out = stuck.post("/api/auth/logout", &nothing).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    assert_eq!(app.get("/health").await.body["status"], "degraded");
    let out = free.post("/api/auth/logout", &nothing).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)), "{}", out.text);
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("the row is free");
    nothing_waits(&app).await;
    assert_eq!(stuck.refreshes_with(stuck.refresh_token()).await.body["reason"], "user_initiated_logout");
}

#[tokio::test]
async fn while_the_database_is_away_the_refresh_token_alone_signs_out_here_at_once_too() {
    let app = TestApp::start_on_postgres(&[]).await;
    let device = app.new_user("ada@example.com").await;
    let mut holder = app.postgres().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.expect("the table");
    let out = app.post("/api/auth/logout", &json!({"refreshToken": device.refresh_token()})).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    assert!(!device.passes().await);
    assert_eq!(app.get("/health").await.body["endingsPending"], 1);
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("the table is free");
    nothing_waits(&app).await;
    assert_eq!(device.refreshes_with(device.refresh_token()).await.body["reason"], "user_initiated_logout");
}

/// Three ways of asking for others to be ended.
const FOR_OTHERS: [(&str, &str, bool); 3] = [
    ("POST", "/api/auth/logout-all", false),
    ("POST", "/api/auth/logout-all", true),
    ("DELETE", "/api/auth/sessions", false),
];

async fn asks_for_others(device: &Device<'_>, (method, path, keep_current): (&str, &str, bool)) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = device.request(method, path).json(&json!({"keepCurrent": keep_current}));
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_session_that_has_ended_ends_nobody_else_while_the_table_is_locked() {
    let app = TestApp::start_on_postgres(&[]).await;
    let owner = app.new_user("ada@example.com").await;
    let stolen = app.signs_in("ada@example.com").await;
    stolen.post("/api/auth/logout", &json!({})).await;
    let mut holder = app.postgres().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.expect("the table");
    for way in FOR_OTHERS {
        let out = asks_for_others(&stolen, way).await;
        assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(0)), "{way:?}: {}", out.text);
        assert!(owner.passes().await, "{way:?}");
    }
    assert_eq!(app.get("/health").await.body["endingsPending"], 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("the table is free");
    assert!(owner.passes().await);
    assert_eq!(owner.refreshes_with(owner.refresh_token()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_has_run_out_ends_others_only_if_its_session_turns_out_to_live() {
    let app = TestApp::start_on_postgres(&[]).await;
    let mut owner = app.new_user("ada@example.com").await;
    let ended = app.signs_in("ada@example.com").await;
    let living = app.signs_in("ada@example.com").await;
    ended.post("/api/auth/logout", &json!({})).await;
    // What ended is no longer on the list, because no token of it can be good.
    app.advance(Duration::from_mins(30));
    owner.refreshes().await;
    is_current(&app).await;
    for (requester, may) in [(&ended, false), (&living, true)] {
        let mut holder = app.postgres().await;
        let lock = "BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut holder).await.expect("the table");
        for way in FOR_OTHERS {
            app.advance(Duration::from_millis(1));
            let out = asks_for_others(requester, way).await;
            // Unless it is on the list still.
            let ended_nothing = !may && out.status == StatusCode::OK && out.body["sessionsEnded"] == 0;
            assert!(out.status == StatusCode::ACCEPTED || ended_nothing, "{way:?}: {} {}", out.status, out.text);
            let passed = owner.get("/api/auth/session").await;
            // Nobody else is refused on the word of a token that has run out.
            assert_eq!(passed.status, StatusCode::OK, "{way:?}: {}", passed.text);
        }
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("the table is free");
        nothing_waits(&app).await;
        assert_eq!(owner.passes().await, !may);
        let refreshed = owner.refreshes_with(owner.refresh_token()).await;
        assert_eq!(refreshed.status, if may { StatusCode::UNAUTHORIZED } else { StatusCode::OK });
        if !may {
            owner.tokens = refreshed.body;
        }
    }
}

/// Runs SQL behind the server's back, on either database.
async fn behind_its_back(app: &TestApp, on_postgres: bool, statement: &'static str) {
    let done = if on_postgres {
        sqlx::raw_sql(statement).execute(&mut app.postgres().await).await.map(drop)
    } else {
        sqlx::raw_sql(statement).execute(&mut app.database().await).await.map(drop)
    };
    done.expect("done");
}

async fn either(on_postgres: bool) -> TestApp {
    if on_postgres { TestApp::start_on_postgres(&[]).await } else { TestApp::start().await }
}

#[rstest]
#[tokio::test]
async fn a_session_that_the_database_has_lost_is_signed_out_by_each_of_its_tokens(
    #[values(false, true)] on_postgres: bool,
    #[values(false, true)] user_is_lost: bool,
) {
    let mut app = either(on_postgres).await;
    let by_access = app.new_user("ada@example.com").await;
    let by_refresh = app.signs_in("ada@example.com").await;
    // As after going back to a backup from before both of them.
    let lost = if user_is_lost { "DELETE FROM sessions; DELETE FROM users" } else { "DELETE FROM sessions" };
    behind_its_back(&app, on_postgres, lost).await;
    assert!(by_access.passes().await && by_refresh.passes().await, "nobody has ended them");
    let out = by_access.post("/api/auth/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::OK, "{}", out.text);
    let out = app.post("/api/auth/logout", &json!({"refreshToken": by_refresh.refresh_token()})).await;
    assert_eq!(out.status, StatusCode::OK, "{}", out.text);
    assert!(!by_access.passes().await && !by_refresh.passes().await);
    let tokens = [by_access.tokens.clone(), by_refresh.tokens.clone()];
    app.restart().await;
    for tokens in tokens {
        assert!(!Device { app: &app, tokens }.passes().await, "servers that start from now on know it from the log");
    }
}

#[rstest]
#[tokio::test]
async fn signing_out_everywhere_reaches_what_was_made_under_an_epoch_that_the_database_has_lost(
    #[values(false, true)] on_postgres: bool,
    #[values(false, true)] by_a_new_session: bool,
) {
    let mut app = either(on_postgres).await;
    app.new_user("ada@example.com").await.post("/api/auth/logout-all", &json!({})).await;
    let lost = [app.signs_in("ada@example.com").await.tokens, app.signs_in("ada@example.com").await.tokens];
    // As after a failover that lost all of it, with nobody left who remembers.
    app.shut_down().await;
    behind_its_back(
        &app,
        on_postgres,
        "DELETE FROM sessions; UPDATE users SET epoch = 0; DELETE FROM revocation_log; UPDATE revocation_head SET position = 0",
    )
    .await;
    app.restart().await;
    let lost = lost.map(|tokens| Device { app: &app, tokens });
    let new = app.signs_in("ada@example.com").await;
    assert!(new.passes().await && lost[0].passes().await && lost[1].passes().await, "nobody has ended them");
    let requester = if by_a_new_session { &new } else { &lost[0] };
    let out = requester.post("/api/auth/logout-all", &json!({})).await;
    assert_eq!(out.status, StatusCode::OK, "{}", out.text);
    for device in lost.iter().chain([&new]) {
        assert!(!device.passes().await);
    }
    let back = app.signs_in("ada@example.com").await;
    assert!(back.passes().await);
}

#[tokio::test]
async fn what_can_be_neither_committed_nor_written_down_is_not_acknowledged() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let by_refresh = app.signs_in("ada@example.com").await;
    let folder = app.database_file().with_file_name("promises");
    let health = app.get("/health").await.body;
    assert_eq!((&health["status"], &health["pendingLog"]), (&json!("ok"), &json!("ok")), "{health}");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let health = app.get("/health").await.body;
    assert_eq!((&health["status"], &health["pendingLog"]), (&json!("degraded"), &json!("unavailable")), "{health}");
    let lock = app.write_lock().await;
    let out = device.post("/api/auth/logout", &json!({})).await;
    assert_eq!((out.status, out.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"), "{}", out.text);
    assert!(out.body["detail"].as_str().is_some_and(|detail| detail.contains("not saved yet")));
    assert!(!device.passes().await, "it is refused here all the same");
    // The folder can be made again: the same question is answered, and the answer outlives the process.
    std::fs::remove_file(&folder).unwrap();
    let again = device.post("/api/auth/logout", &json!({})).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.text);
    assert_eq!(app.get("/health").await.body["pendingLog"], "ok");
    drop(lock);
    nothing_waits(&app).await;
    assert_eq!(app.get("/health").await.body["status"], "ok");
    assert!(by_refresh.passes().await);
}
