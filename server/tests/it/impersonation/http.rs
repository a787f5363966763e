//! As those see it who act, and those for whom they do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::http::needs::Needs;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::http::routes::call;
use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";
const ON: [(&str, &str); 1] = [("IMPERSONATION", "on")];
const REASON: &str = "Ticket 4711";
const STOP: &str = "/api/user/acting";

fn id_of(device: &Device<'_>) -> String {
    device.tokens["user"]["id"].as_str().expect("an id").to_owned()
}

async fn asks(operator: &Device<'_>, user: &Device<'_>, reason: &str) -> Answer {
    let path = format!("/api/admin/users/{}/impersonate", id_of(user));
    operator.post(&path, &json!({"reason": reason})).await
}

/// Somebody acts for a user. The answer is a client like any other.
async fn acts<'a>(operator: &Device<'a>, user: &Device<'_>) -> Device<'a> {
    let answer = asks(operator, user, REASON).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.set_cookies().count(), 0, "no cookie takes the place of the operator's");
    Device { app: operator.app, tokens: answer.body }
}

fn is(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
}

fn claims(device: &Device<'_>) -> Value {
    let claims = device.access_token().split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON")
}

async fn devices(device: &Device<'_>) -> Vec<Value> {
    device.get("/api/auth/sessions").await.body["sessions"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn nobody_acts_for_anybody_unless_it_is_switched_on() {
    let app = TestApp::start().await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user(ADA).await);
    is(&asks(&grace, &ada, REASON).await, StatusCode::FORBIDDEN, "impersonation-off");
    assert_eq!(devices(&ada).await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn the_user_sees_who_acts_and_why_and_can_end_it(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let app = TestApp::start_on(backend, &ON).await;
    let (grace, ada) = (app.new_user_with("admin", GRACE).await, app.new_user(ADA).await);
    app.advance(Duration::from_secs(1));
    let mut events = ada.listens().await;
    let acting = acts(&grace, &ada).await;
    assert_eq!((&acting.tokens["user"]["id"], &acting.tokens["reason"]), (&json!(id_of(&ada)), &json!(REASON)));
    let shown = json!({"by": "Ada Lovelace", "reason": REASON});
    assert_eq!(events.next_named("session.created").await["session"]["acting"], shown);

    let all = devices(&ada).await;
    let row = all.iter().find(|row| row["sessionId"] == acting.session_id()).expect("a device");
    assert_eq!((&row["acting"], &row["current"]), (&shown, &json!(false)));
    assert_eq!((&row["ipAddress"], &row["userAgent"]), (&json!(""), &json!("")), "nothing of the operator's");
    let activity = ada.get("/api/user/activity").await.body;
    let entry = &activity["entries"][0];
    assert_eq!((&entry["action"], &entry["acting"]), (&json!("impersonation_started"), &shown));
    assert_eq!(entry["ipAddress"], "");
    let history = ada.get(&format!("/api/auth/sessions/{}/history", acting.session_id())).await.body;
    assert_eq!(
        (&history["entries"][0]["kind"], &history["entries"][0]["detail"]),
        (&json!("acting_began"), &json!(REASON))
    );
    let (subject, text) = app.mails_to(ADA).await.into_iter().next().expect("a mail");
    assert!(subject.contains("for support") && text.contains(REASON) && text.contains("30 minutes"), "{text}");

    assert_eq!(ada.delete(&format!("/api/auth/sessions/{}", acting.session_id())).await.status, StatusCode::OK);
    is(&acting.get("/api/user/profile").await, StatusCode::UNAUTHORIZED, "session-ended");
    assert!(grace.passes().await && ada.passes().await);
}

#[tokio::test]
async fn the_token_says_who_acts_and_proves_nothing_of_the_user() {
    let app = TestApp::start_with(&ON).await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user_with("moderator", ADA).await);
    let acting = acts(&grace, &ada).await;
    let said = claims(&acting);
    assert_eq!((&said["sub"], &said["act"]["sub"]), (&json!(id_of(&ada)), &json!(id_of(&grace))));
    assert_eq!((&said["auth_time"], &said["permissions"]), (&json!(0), &json!([])));
    assert_eq!(acting.tokens["expiresIn"], 1800);
    assert!(acting.tokens["refreshToken"].is_null());
    assert!(claims(&ada).get("act").is_none());
    assert_eq!(acting.get("/api/user/profile").await.body["email"], ADA);
}

#[tokio::test]
async fn whoever_acts_makes_the_calls_that_need_a_user_and_no_others() {
    let app = TestApp::start_with(&[ON[0], ("RATE_LIMITS", "off")]).await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user_with("owner", ADA).await);
    let shown = grace.get(&types::api::admin::user(id_of(&ada).parse().expect("an id"))).await;
    assert_eq!(shown.body["canBeActedFor"], true, "{}", shown.text);
    let acting = acts(&grace, &ada).await;
    let (mut allowed, mut refused) = (0, 0);
    for route in app.routes.iter().filter(|route| route.path != STOP) {
        let Needs::Principal(requirement) = route.needs else { continue };
        let answer = call(&app, route, Some(acting.access_token())).await;
        let is_refused = (answer.status, answer.code()) == (StatusCode::FORBIDDEN, "not-while-acting");
        assert_eq!(is_refused, !requirement.while_acting, "{route:?}: {}", answer.text);
        assert!(!requirement.while_acting || !(requirement.recent_proof || requirement.permission.is_some()));
        refused += usize::from(is_refused);
        allowed += usize::from(!is_refused);
    }
    assert!(allowed > 5 && refused > 10, "{allowed} allowed, {refused} refused");
    for (method, path) in [(Method::GET, "/api/auth/events"), (Method::POST, "/api/auth/logout-all")] {
        let answer = Answer::read(acting.request(method, path).send().await.expect("an answer")).await;
        is(&answer, StatusCode::FORBIDDEN, "not-while-acting");
    }
    // Not by the password of whoever acts, nor by the user's.
    let further = json!({"reason": REASON, "password": PASSWORD});
    let path = format!("/api/admin/users/{}/impersonate", id_of(&grace));
    is(&acting.post(&path, &further).await, StatusCode::FORBIDDEN, "not-while-acting");
    assert!(acting.passes().await && ada.passes().await);
}

#[tokio::test]
async fn what_is_done_meanwhile_is_put_down_to_whoever_acts() {
    let app = TestApp::start_with(&ON).await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user(ADA).await);
    let acting = acts(&grace, &ada).await;
    assert_eq!(acting.patch("/api/user/profile", &json!({"name": "Ada King"})).await.status, StatusCode::OK);
    assert_eq!(acting.delete(STOP).await.status, StatusCode::NO_CONTENT);
    let rows = app.everything().await;
    let by_grace = id_of(&grace).replace('-', "");
    for action in ["impersonation_started", "profile_updated", "session_ended"] {
        let entry = rows.iter().find(|row| row.starts_with("audit_log:") && row.contains(action));
        assert!(entry.expect("an entry").contains(&by_grace), "{action}");
    }
}

#[tokio::test]
async fn whoever_acts_stops_and_is_signed_in_as_before() {
    let app = TestApp::start_with(&ON).await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user(ADA).await);
    let acting = acts(&grace, &ada).await;
    is(&grace.delete(STOP).await, StatusCode::NOT_FOUND, "not-found");
    assert_eq!(acting.delete(STOP).await.status, StatusCode::NO_CONTENT);
    is(&acting.delete(STOP).await, StatusCode::UNAUTHORIZED, "session-ended");
    assert_eq!(devices(&ada).await.len(), 1);

    let again = acts(&grace, &ada).await;
    let signed_out = again.post("/api/auth/logout", &json!({})).await;
    assert_eq!(signed_out.status, StatusCode::OK, "{}", signed_out.text);
    assert_eq!((signed_out.header("clear-site-data"), signed_out.set_cookies().count()), ("", 0));
    assert!(!again.passes().await && grace.passes().await && ada.passes().await);
}

#[rstest]
#[case::they_sign_out("logout")]
#[case::they_sign_out_everywhere("logout-all")]
#[case::their_role_is_taken("role")]
#[tokio::test]
async fn it_ends_with_the_session_or_the_role_of_whoever_acts(#[case] how: &str) {
    let app = TestApp::start_with(&ON).await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let (grace, ada) = (app.new_user_with("admin", GRACE).await, app.new_user(ADA).await);
    let acting = acts(&grace, &ada).await;
    assert!(acting.passes().await);
    let done = match how {
        "role" => owner.put(&format!("/api/users/{}/roles", id_of(&grace)), &json!({"roles": ["user"]})).await,
        path => grace.post(&format!("/api/auth/{path}"), &json!({})).await,
    };
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    is(&acting.get("/api/user/profile").await, StatusCode::UNAUTHORIZED, "session-ended");
    // Also when the tokens have run out that whoever acts had themselves.
    app.advance(Duration::from_mins(20));
    assert_eq!(acting.get("/api/user/profile").await.status, StatusCode::UNAUTHORIZED);
    assert!(ada.app.signs_in(ADA).await.passes().await);
}

#[tokio::test]
async fn it_lasts_thirty_minutes_at_the_most() {
    let app = TestApp::start_with(&ON).await;
    let (grace, ada) = (app.new_user_with("owner", GRACE).await, app.new_user(ADA).await);
    let acting = acts(&grace, &ada).await;
    app.advance(Duration::from_secs(30 * 60 - 1));
    assert!(acting.passes().await);
    app.advance(Duration::from_secs(1));
    is(&acting.get("/api/auth/session").await, StatusCode::UNAUTHORIZED, "token-expired");
}

#[tokio::test]
async fn only_for_those_who_reach_no_further_and_for_a_reason() {
    let app = TestApp::start_with(&ON).await;
    let (owner, admin) = (app.new_user_with("owner", GRACE).await, app.new_user_with("admin", "a@example.com").await);
    let (moderator, ada) = (app.new_user_with("moderator", "m@example.com").await, app.new_user(ADA).await);
    is(&asks(&admin, &owner, REASON).await, StatusCode::FORBIDDEN, "above-your-reach");
    is(&asks(&moderator, &ada, REASON).await, StatusCode::FORBIDDEN, "permission-required");
    let oneself = asks(&owner, &owner, REASON).await;
    assert_eq!((oneself.status, oneself.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["id"]));
    let long = "a".repeat(201);
    for reason in ["", " ", long.as_str()] {
        let refused = asks(&owner, &ada, reason).await;
        assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["reason"]));
    }
    app.execute("UPDATE users SET disabled_at = 1 WHERE email = 'ada@example.com'").await;
    let disabled = asks(&owner, &ada, REASON).await;
    assert_eq!((disabled.status, disabled.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["id"]));
    app.advance(Duration::from_mins(11));
    let mut late = owner;
    late.refreshes().await;
    is(&asks(&late, &moderator, REASON).await, StatusCode::UNAUTHORIZED, "insufficient-user-authentication");
}
