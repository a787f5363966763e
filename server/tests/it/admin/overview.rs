//! The installation at a glance, and who may look at it.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;
use types::api::admin as paths;

use super::{ADA, BOB, is, is_ok};
use crate::support::app::TestApp;
use crate::support::store::Backend;

#[rstest]
#[tokio::test]
async fn the_overview_counts_sessions_and_sign_ins_and_knows_the_servers(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let ada = app.new_user_with("moderator", ADA).await;
    app.new_user(BOB).await;
    app.post("/api/auth/login", &json!({"email": BOB, "password": "wednesday badger kettle"})).await;

    let overview = ada.get(paths::OVERVIEW).await;
    is_ok(&overview);
    let body = &overview.body;
    assert_eq!(body["liveSessions"], 2);
    let (hours, days) = (body["hours"].as_array().expect("hours"), body["days"].as_array().expect("days"));
    assert_eq!((hours.len(), days.len()), (24, 30));
    assert_eq!((&hours[23]["signIns"], &hours[23]["failures"]), (&json!(2), &json!(1)));
    assert_eq!((&days[29]["signIns"], &days[29]["failures"]), (&json!(2), &json!(1)));
    let server = &body["servers"][0];
    assert_eq!((&server["current"], &server["differences"]), (&json!(true), &json!([])));
    assert!(server["version"].is_string(), "{server}");
    assert!(body["jobs"].as_array().expect("jobs").iter().any(|jobs| jobs["kind"] == "mail"), "{body}");
}

#[tokio::test]
async fn hours_that_are_over_are_counted_once_and_kept() {
    let app = TestApp::start().await;
    app.new_user_with("moderator", ADA).await;
    app.advance(Duration::from_hours(3));
    let ada = app.signs_in(ADA).await;
    let sign_ins = |body: &serde_json::Value| -> u64 {
        let days = body["days"].as_array().expect("days");
        days.iter().map(|day| day["signIns"].as_u64().expect("a number")).sum()
    };
    assert_eq!(sign_ins(&ada.get(paths::OVERVIEW).await.body), 2);
    // Kept by now: what is changed behind the server's back does not count any more.
    app.execute("UPDATE audit_counts SET entries = entries + 40 WHERE action = 'sign_in' AND entries > 0").await;
    app.advance(Duration::from_secs(30));
    assert_eq!(sign_ins(&ada.get(paths::OVERVIEW).await.body), 42);
}

#[tokio::test]
async fn a_session_that_is_too_old_does_not_administer() {
    let app = TestApp::start_with(&[("ADMIN_SESSION_MAX_AGE", "1h")]).await;
    let mut ada = app.new_user_with("moderator", ADA).await;
    app.advance(Duration::from_mins(59));
    ada.refreshes().await;
    is_ok(&ada.get(paths::OVERVIEW).await);
    app.advance(Duration::from_mins(2));
    ada.refreshes().await;
    is(&ada.get(paths::OVERVIEW).await, StatusCode::FORBIDDEN, "admin-session-too-old");
    is(&ada.get(paths::USERS).await, StatusCode::FORBIDDEN, "admin-session-too-old");
    assert!(ada.passes().await, "nothing else is refused");
    is_ok(&app.signs_in(ADA).await.get(paths::OVERVIEW).await);
}
