//! Registering, verifying, signing in, profile and password.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::app::{Answer, PASSWORD, TestApp};

#[tokio::test]
async fn a_user_registers_verifies_with_the_code_from_the_mail_and_is_signed_in() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let registered = app.registers("Ada@Example.com").await;
    assert_eq!(registered["verificationRequired"], true);
    let too_early = app.post("/api/auth/login", &json!({"email": "ada@example.com", "password": PASSWORD})).await;
    assert_eq!((too_early.status, too_early.code()), (StatusCode::FORBIDDEN, "email-not-verified"));

    let code = app.code_for("ada@example.com").await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let verified = app.post("/api/auth/verify-email", &json!({"email": "ada@example.com", "otp": spaced})).await;
    assert_eq!(verified.status, StatusCode::OK, "{}", verified.text);
    assert_eq!(verified.body["user"]["emailVerified"], true);
    assert_eq!(verified.body["tokenType"], "Bearer");
    let again = app.post("/api/auth/verify-email", &json!({"email": "ada@example.com", "otp": code})).await;
    assert_eq!(again.refused_fields(), ["otp"]);
    app.signs_in("ada@example.com").await;
}

#[tokio::test]
async fn a_code_dies_after_five_wrong_tries_and_after_ten_minutes() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers("ada@example.com").await;
    let code = app.code_for("ada@example.com").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let answer = app.post("/api/auth/verify-email", &json!({"email": "ada@example.com", "otp": wrong})).await;
        assert_eq!((answer.status, answer.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["otp"]));
    }
    let right = app.post("/api/auth/verify-email", &json!({"email": "ada@example.com", "otp": code})).await;
    assert_eq!(right.status, StatusCode::UNPROCESSABLE_ENTITY);

    app.advance(Duration::from_mins(1));
    let resent = app.post("/api/auth/resend-code", &json!({"email": "ada@example.com"})).await;
    assert_eq!(resent.status, StatusCode::ACCEPTED);
    let code = app.code_for("ada@example.com").await;
    app.advance(Duration::from_mins(10));
    let late = app.post("/api/auth/verify-email", &json!({"email": "ada@example.com", "otp": code})).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answers() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers("ada@example.com").await;
    let shape = |answer: &Answer| {
        let mut body = answer.body.clone();
        for volatile in ["requestId", "userId", "email"] {
            body.as_object_mut().and_then(|body| body.remove(volatile));
        }
        (answer.status, body)
    };
    for (path, rest) in [
        ("/api/auth/register", json!({"password": PASSWORD, "name": "Somebody"})),
        ("/api/auth/login", json!({"password": "not the password"})),
        ("/api/auth/resend-code", json!({})),
        ("/api/auth/verify-email", json!({"otp": "123456"})),
    ] {
        let with = |email: &str| {
            let mut body = rest.clone();
            body["email"] = json!(email);
            body
        };
        let known = app.post(path, &with("ada@example.com")).await;
        let unknown = app.post(path, &with("nobody@example.com")).await;
        assert_eq!(shape(&known), shape(&unknown), "{path}");
    }
}

#[tokio::test]
async fn missing_and_malformed_fields_are_reported_by_name_and_unknown_ones_ignored() {
    let app = TestApp::start().await;
    let nothing = app.post("/api/auth/register", &json!({})).await;
    assert_eq!((nothing.status, nothing.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid-fields"));
    assert_eq!(nothing.refused_fields(), ["email", "password", "name"]);
    let bad = json!({"email": "ada", "password": "short", "firstName": "Ada", "accountType": "ROBOT"});
    let bad = app.post("/api/auth/register", &bad).await;
    assert_eq!(bad.refused_fields(), ["email", "password", "lastName", "accountType"]);
    let common =
        app.post("/api/auth/register", &json!({"email": "a@b.example", "password": "password1", "name": "A"})).await;
    assert_eq!(common.refused_fields(), ["password"]);

    let greedy = json!({"email": "eve@example.com", "password": PASSWORD, "name": "Eve", "roles": ["admin"], "emailVerified": true, "userId": "x"});
    assert_eq!(app.post("/api/auth/register", &greedy).await.status, StatusCode::CREATED);
    let eve = app.signs_in("eve@example.com").await;
    assert_eq!(eve.tokens["user"]["roles"], json!(["user"]));
    assert_eq!(eve.tokens["user"]["emailVerified"], false);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down_with_a_time_to_come_back() {
    let app = TestApp::start().await;
    app.registers("ada@example.com").await;
    let mut last = app.get("/health/live").await;
    for _ in 0..30 {
        last = app.post("/api/auth/login", &json!({"email": "ada@example.com", "password": "wrong"})).await;
        if last.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        assert_eq!((last.status, last.code()), (StatusCode::UNAUTHORIZED, "invalid-credentials"));
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
}

#[tokio::test]
async fn a_new_password_ends_the_other_devices_and_keeps_this_one() {
    let app = TestApp::start().await;
    let laptop = app.new_user("ada@example.com").await;
    let phone = app.signs_in("ada@example.com").await;
    let new = "wednesday badger kettle";
    let wrong = laptop.post("/api/user/password", &json!({"currentPassword": "nope", "newPassword": new})).await;
    assert_eq!(wrong.refused_fields(), ["currentPassword"]);
    let changed = laptop.post("/api/user/password", &json!({"currentPassword": PASSWORD, "newPassword": new})).await;
    assert_eq!((changed.status, &changed.body["sessionsEnded"]), (StatusCode::OK, &json!(1)));
    assert!(laptop.passes().await && !phone.passes().await);
    let refused = phone.refreshes_with(phone.refresh_token()).await;
    assert_eq!(refused.body["reason"], "password_changed");
    assert_eq!(
        app.post("/api/auth/login", &json!({"email": "ada@example.com", "password": PASSWORD})).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        app.post("/api/auth/login", &json!({"email": "ada@example.com", "password": new})).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_profile_is_read_and_changed_and_activity_is_paged() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let changed = device.patch("/api/user/profile", &json!({"name": "  Ada King  "})).await;
    assert_eq!((changed.status, &changed.body["name"]), (StatusCode::OK, &json!("Ada King")));
    assert_eq!(device.get("/api/user/profile").await.body["accountType"], "INDIVIDUAL");
    for number in 0..40 {
        // As fast as one may go on renaming.
        app.advance(std::time::Duration::from_secs(10));
        let path = format!("/api/auth/sessions/{}", device.session_id());
        device.patch(&path, &json!({"deviceName": format!("name {number}")})).await;
    }
    let first = device.get("/api/user/activity").await.body;
    let cursor = first["nextCursor"].as_str().expect("a second page");
    let second = device.get(&format!("/api/user/activity?cursor={cursor}")).await.body;
    let count = |page: &serde_json::Value| page["entries"].as_array().map_or(0, Vec::len);
    // registered, signed in, profile, forty names
    assert_eq!((count(&first), count(&second)), (30, 13));
    assert!(second.get("nextCursor").is_none());
    assert_eq!(device.get("/api/user/activity?cursor=rubbish").await.refused_fields(), ["cursor"]);
    let longest = device.get("/api/user/activity?limit=100").await.body;
    assert_eq!((count(&longest), longest.get("nextCursor")), (43, None));
    let one = device.get("/api/user/activity?limit=1").await.body;
    assert_eq!(one["entries"], json!([first["entries"][0]]));
    let next = device.get(&format!("/api/user/activity?limit=42&cursor={}", one["nextCursor"].as_str().unwrap())).await;
    assert_eq!((count(&next.body), next.body.get("nextCursor")), (42, None));
    for limit in ["0", "101", "-1", "1.5", "all", "99999999999999999999", ""] {
        let refused = device.get(&format!("/api/user/activity?limit={limit}&cursor=rubbish")).await;
        assert_eq!(
            (refused.status, refused.refused_fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["cursor", "limit"])
        );
    }
}

#[tokio::test]
async fn a_name_is_changed_as_it_is_given_at_registration_whole_or_in_two_parts() {
    let app = TestApp::start().await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "firstName": "Ada", "lastName": " Lovelace "});
    assert_eq!(app.post("/api/auth/register", &body).await.status, StatusCode::CREATED);
    let device = app.signs_in("ada@example.com").await;
    assert_eq!(device.tokens["user"]["name"], "Ada Lovelace");
    let changed = device.patch("/api/user/profile", &json!({"firstName": " Augusta", "lastName": "King"})).await;
    assert_eq!((changed.status, &changed.body["name"]), (StatusCode::OK, &json!("Augusta King")));
    let whole = device.patch("/api/user/profile", &json!({"name": "Ada", "firstName": "x", "lastName": "y"})).await;
    assert_eq!(whole.body["name"], "Ada");
    let half = device.patch("/api/user/profile", &json!({"lastName": "King"})).await;
    assert_eq!((half.status, half.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["firstName"]));
    let long = json!({"firstName": "x".repeat(60), "lastName": "y".repeat(60)});
    assert_eq!(device.patch("/api/user/profile", &long).await.refused_fields(), ["lastName"]);
    let other = device.patch("/api/user/profile", &json!({"accountType": "BUSINESS"})).await;
    assert_eq!((&other.body["name"], &other.body["accountType"]), (&json!("Ada"), &json!("BUSINESS")));
}

#[tokio::test]
async fn the_mailbox_is_a_page_and_data_and_escapes_what_users_typed() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let eve = json!({"email": "eve@example.com", "password": PASSWORD, "name": "<script>alert(1)</script>"});
    app.post("/api/auth/register", &eve).await;
    let code = app.code_for("eve@example.com").await;
    app.post("/api/auth/verify-email", &json!({"email": "eve@example.com", "otp": code})).await;
    app.post("/api/auth/forgot-password", &json!({"email": "eve@example.com"})).await;
    let page =
        Answer::read(app.request(Method::GET, "/dev/mailbox").header("accept", "text/html").send().await.unwrap())
            .await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>"));
}
