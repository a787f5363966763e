//! Who owns an account: whoever proves its address, with the name and password of their own registration.

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const V: &str = "v@example.com";
const P1: &str = "monday walrus candle";
const P2: &str = "friday heron teapot";
const VERIFIED: (&str, &str) = ("REQUIRE_EMAIL_VERIFICATION", "true");

async fn registers(app: &TestApp, name: &str, password: &str) {
    let body = json!({"email": V, "password": password, "name": name, "accountType": "BUSINESS"});
    assert_eq!(app.post("/api/auth/register", &body).await.status, StatusCode::CREATED);
}

async fn enters(app: &TestApp, code: &str) -> Answer {
    app.post("/api/auth/verify-email", &json!({"email": V, "otp": code})).await
}

async fn signs_in(app: &TestApp, password: &str) -> Answer {
    app.post("/api/auth/login", &json!({"email": V, "password": password})).await
}

async fn resets(app: &TestApp, password: &str) -> Answer {
    app.post("/api/auth/forgot-password", &json!({"email": V})).await;
    let mails = app.mails_to(V).await;
    let token = mails.iter().find_map(|(_, text)| text.split_once("#token=")).expect("a link").1;
    let token = token.split_whitespace().next().expect("a token");
    app.post("/api/auth/reset-password", &json!({"token": token, "password": password})).await
}

/// The codes that were mailed, oldest first.
async fn codes(app: &TestApp) -> Vec<String> {
    let mails = app.mails_to(V).await;
    mails
        .iter()
        .rev()
        .filter_map(|(subject, _)| subject.strip_suffix(" is your Latchkey code").map(str::to_owned))
        .collect()
}

fn name_and_verified(answer: &Answer) -> (&Value, &Value) {
    (&answer.body["user"]["name"], &answer.body["user"]["emailVerified"])
}

#[rstest]
#[case::the_owner_last(["Mallory", "Owner"], [P1, P2])]
#[tokio::test]
async fn an_account_is_that_of_the_registration_whose_code_was_entered(
    #[case] names: [&str; 2],
    #[case] passwords: [&str; 2],
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(false, true)] resent: bool,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    for (name, password) in names.into_iter().zip(passwords) {
        registers(&app, name, password).await;
    }
    if resent {
        app.advance(std::time::Duration::from_secs(31));
        app.post("/api/auth/resend-code", &json!({"email": V})).await;
    }
    let codes = codes(&app).await;
    assert_eq!(codes.len(), if resent { 3 } else { 2 });
    assert_eq!(enters(&app, &codes[0]).await.refused_fields(), ["otp"], "the code of a registration that is gone");
    let entered = enters(&app, codes.last().expect("a code")).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
    assert_eq!(name_and_verified(&entered), (&json!("Owner"), &json!(true)));
    assert_eq!(signs_in(&app, P2).await.status, StatusCode::OK);
    assert_eq!(signs_in(&app, P1).await.status, StatusCode::UNAUTHORIZED);
}

#[rstest]
#[tokio::test]
async fn the_account_has_the_id_that_registering_answered(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    let user_id = app.registers(V).await["userId"].clone();
    let entered = enters(&app, &app.code_for(V).await).await;
    assert_eq!(entered.body["user"]["id"], user_id);
}

#[rstest]
#[tokio::test]
async fn whoever_proves_an_address_by_a_link_has_nothing_of_the_stranger_who_registered_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    registers(&app, "Mallory", P1).await;
    let code = app.code_for(V).await;
    let reset = resets(&app, P2).await;
    assert_eq!((reset.status, &reset.body["sessionsEnded"]), (StatusCode::OK, &json!(0)), "{}", reset.text);
    assert_eq!(enters(&app, &code).await.refused_fields(), ["otp"]);
    assert_eq!(signs_in(&app, P1).await.status, StatusCode::UNAUTHORIZED);
    let signed_in = signs_in(&app, P2).await;
    assert_eq!(name_and_verified(&signed_in), (&json!("v"), &json!(true)));
    let profile = Device { app: &app, tokens: signed_in.body }.get("/api/user/profile").await;
    assert_eq!(profile.body["accountType"], "INDIVIDUAL");
}

#[rstest]
#[tokio::test]
async fn where_addresses_need_no_proof_the_owner_gets_the_account_by_a_link_and_the_stranger_is_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    registers(&app, "Mallory", P1).await;
    let mallory = Device { app: &app, tokens: signs_in(&app, P1).await.body };
    assert!(mallory.passes().await);
    // Nobody is thrown out by somebody who registers again.
    registers(&app, "Owner", P2).await;
    assert!(mallory.passes().await);
    assert_eq!(signs_in(&app, P2).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(resets(&app, P2).await.status, StatusCode::OK);
    assert!(!mallory.passes().await);
    assert_eq!(mallory.refreshes_with(mallory.refresh_token()).await.body["reason"], "password_reset");
    let owner = signs_in(&app, P2).await;
    assert_eq!(name_and_verified(&owner), (&json!("v"), &json!(true)));
    assert_eq!(signs_in(&app, P1).await.status, StatusCode::UNAUTHORIZED);
    // From now on the name is the owner's own.
    let owner = Device { app: &app, tokens: owner.body };
    owner.patch("/api/user/profile", &json!({"name": "Owner"})).await;
    app.advance(std::time::Duration::from_mins(2));
    assert_eq!(resets(&app, P1).await.status, StatusCode::OK);
    assert_eq!(name_and_verified(&signs_in(&app, P1).await), (&json!("Owner"), &json!(true)));
}

#[rstest]
#[tokio::test]
async fn sessions_from_before_anybody_proved_the_address_end_when_somebody_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    app.registers(V).await;
    let proof = enters(&app, &app.code_for(V).await).await;
    let stranger = Device { app: &app, tokens: proof.body };
    // As it was where addresses needed no proof at first.
    app.execute("UPDATE users SET email_verified_at = NULL WHERE email = 'v@example.com'").await;
    assert!(stranger.passes().await);
    registers(&app, "Owner", P2).await;
    let owner = enters(&app, codes(&app).await.last().expect("a code")).await;
    assert_eq!(name_and_verified(&owner), (&json!("Owner"), &json!(true)));
    assert_ne!(owner.body["user"]["id"], stranger.tokens["user"]["id"]);
    assert!(!stranger.passes().await);
    assert_eq!(stranger.refreshes_with(stranger.refresh_token()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(signs_in(&app, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[rstest]
#[tokio::test]
async fn an_account_from_before_addresses_needed_proof_proves_it_after_its_password(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    app.registers(V).await;
    let id = enters(&app, &app.code_for(V).await).await.body["user"]["id"].clone();
    app.execute("UPDATE users SET email_verified_at = NULL WHERE email = 'v@example.com'").await;
    let early = signs_in(&app, PASSWORD).await;
    assert_eq!((early.status, early.code()), (StatusCode::FORBIDDEN, "email-not-verified"));
    app.post("/api/auth/resend-code", &json!({"email": V})).await;
    let entered = enters(&app, codes(&app).await.last().expect("a code")).await;
    assert_eq!((entered.status, &entered.body["user"]["id"]), (StatusCode::OK, &id), "{}", entered.text);
}

#[rstest]
#[tokio::test]
async fn mail_to_an_address_that_nobody_has_proved_carries_no_words_of_whoever_typed_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("true", "false")] verification: &str,
) {
    let app = TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", verification)]).await;
    let spam = "WIN 5000 EUR http://evil.example";
    registers(&app, spam, P1).await;
    registers(&app, spam, P2).await;
    app.advance(std::time::Duration::from_mins(1));
    app.post("/api/auth/resend-code", &json!({"email": V})).await;
    app.post("/api/auth/forgot-password", &json!({"email": V})).await;
    if verification == "false" {
        let body = json!({"email": V, "password": P1, "deviceInfo": {"deviceName": spam}});
        let mut device = Device { app: &app, tokens: app.post("/api/auth/login", &body).await.body };
        let change = json!({"currentPassword": P1, "newPassword": P2});
        assert_eq!(device.post("/api/user/password", &change).await.status, StatusCode::OK);
        // A stolen token is told by mail.
        let first = device.refresh_token().to_owned();
        device.refreshes().await;
        app.advance(std::time::Duration::from_mins(1));
        device.refreshes_with(&first).await;
        let again = Device { app: &app, tokens: signs_in(&app, P2).await.body };
        again.delete_with("/api/user", &json!({"password": P2})).await;
    }
    let mails = app.mails_to(V).await;
    assert!(!mails.is_empty());
    for (subject, text) in mails {
        assert!(!subject.contains("WIN") && !text.contains("WIN") && !text.contains("evil"), "{subject}\n{text}");
    }
}

#[rstest]
#[tokio::test]
async fn the_owner_of_an_address_is_notified_once_a_day_that_somebody_registers_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("true", "false")] verification: &str,
) {
    let app = TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", verification)]).await;
    app.registers(V).await;
    if verification == "true" {
        enters(&app, &app.code_for(V).await).await;
    }
    let notices = async || {
        let mails = app.mails_to(V).await;
        mails.iter().filter(|(subject, _)| subject == "You already have a Latchkey account").count()
    };
    let stranger = json!({"email": V, "password": P1, "name": "Stranger"});
    for _ in 0..15 {
        assert_eq!(app.post("/api/auth/register", &stranger).await.status, StatusCode::CREATED);
    }
    assert_eq!(notices().await, 1);
    app.advance(std::time::Duration::from_hours(24));
    registers(&app, "Stranger", P1).await;
    assert_eq!(notices().await, 2);
}

#[rstest]
#[tokio::test]
async fn registering_an_address_over_and_over_does_not_fill_its_mailbox(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    for _ in 0..30 {
        registers(&app, "Mallory", P1).await;
    }
    for _ in 0..10 {
        app.advance(std::time::Duration::from_secs(31));
        app.post("/api/auth/resend-code", &json!({"email": V})).await;
    }
    let codes = codes(&app).await;
    assert!(codes.len() <= 22, "{}", codes.len());
    assert_eq!(enters(&app, codes.last().expect("a code")).await.status, StatusCode::OK, "the last one works");
}

#[rstest]
#[tokio::test]
async fn signing_in_right_after_registering_tells_nobody_whether_the_address_was_taken(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[VERIFIED]).await;
    app.registers(V).await;
    enters(&app, &app.code_for(V).await).await;
    let mut answers = Vec::new();
    for email in [V, "free@example.com"] {
        let body = json!({"email": email, "password": P1, "name": "Curious"});
        assert_eq!(app.post("/api/auth/register", &body).await.status, StatusCode::CREATED);
        for password in [P1, P2] {
            let answer = app.post("/api/auth/login", &json!({"email": email, "password": password})).await;
            answers.push((email, password, answer.status, answer.code().to_owned(), answer.body["detail"].clone()));
        }
    }
    for (taken, free) in [(0, 2), (1, 3)] {
        assert_eq!(
            (answers[taken].2, &answers[taken].3, &answers[taken].4),
            (answers[free].2, &answers[free].3, &answers[free].4)
        );
    }
    assert_eq!((answers[0].2, answers[0].3.as_str()), (StatusCode::FORBIDDEN, "email-not-verified"));
    assert_eq!((answers[1].2, answers[1].3.as_str()), (StatusCode::UNAUTHORIZED, "invalid-credentials"));
    assert_eq!(app.signs_in(V).await.tokens["user"]["email"], V, "the owner is not troubled");
}
