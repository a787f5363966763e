//! One address, one form: whatever way it is typed, it is one account; and names that can be seen.

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::store::Backend;

#[rstest]
#[case::idn("ada@bücher.example", &["ada@xn--bcher-kva.example", "ADA@BÜCHER.example", "ada@bu\u{308}cher.example"])]
#[case::full_width("ada@example.com", &["ada@ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example。com", " Ada@EXAMPLE.com "])]
#[case::composed("jos\u{e9}@example.com", &["jose\u{301}@example.com", "JOS\u{c9}@example.com"])]
#[case::pasted("ada@example.com", &["\u{feff}ada@example.com", "a\u{ad}da@example.com", "ada@exam\u{200b}ple.com\u{200e}", "ad\u{200d}a@example.com"])]
#[tokio::test]
async fn an_account_is_found_however_its_address_is_typed(
    #[case] registered: &str,
    #[case] typed: &[&str],
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let registered_as = app.registers(registered).await;
    let stored = registered_as["email"].as_str().expect("an address").to_owned();
    for spelling in typed {
        app.advance(std::time::Duration::from_secs(31));
        let mails = app.mails_to(&stored).await.len();
        assert_eq!(app.post("/api/auth/resend-code", &json!({"email": spelling})).await.status, StatusCode::ACCEPTED);
        assert_eq!(app.mails_to(&stored).await.len(), mails + 1, "{spelling}");
    }
    let code = app.code_for(&stored).await;
    let verified = app.post("/api/auth/verify-email", &json!({"email": typed[0], "otp": code})).await;
    assert_eq!(verified.status, StatusCode::OK, "{}", verified.text);
    for spelling in typed.iter().chain([&registered]) {
        let login = json!({"email": spelling, "password": PASSWORD});
        let signed_in = app.post("/api/auth/login", &login).await;
        assert_eq!(signed_in.body["user"]["id"], verified.body["user"]["id"], "{spelling}: {}", signed_in.text);
        app.advance(std::time::Duration::from_mins(2));
        let mails = app.mails_to(&stored).await.len();
        app.post("/api/auth/forgot-password", &json!({"email": spelling})).await;
        assert_eq!(app.mails_to(&stored).await.len(), mails + 1, "{spelling}");
        // Registering it again makes no second account.
        let again = json!({"email": spelling, "password": PASSWORD, "name": "Again"});
        app.post("/api/auth/register", &again).await;
    }
    let users: Vec<String> = app.everything().await.into_iter().filter(|row| row.starts_with("users: ")).collect();
    assert_eq!(users.len(), 2, "the demo person and this one: {users:#?}");
}

#[rstest]
#[case("a..b@example.com")]
#[case(".a@example.com")]
#[case("a.@example.com")]
#[case("a@[127.0.0.1]")]
#[case("a@127.0.0.1")]
#[case("\u{212a}elvin@example.com")]
#[case("a@\u{212a}elvin.example")]
#[case("ada@exam\u{200b}ple.com")]
#[case("a\u{ad}da@example.com")]
#[case("ada\u{200d}@example.com")]
#[case("\u{fb01}nn@example.com")]
#[case("ａｄａ@example.com")]
#[case("\"a b\"@example.com")]
#[case("a@example..com")]
#[case("a@-example.com")]
#[case("a@xn--a.example")]
#[tokio::test]
async fn an_address_that_our_mailer_could_not_write_to_is_refused_by_its_field(#[case] email: &str) {
    let app = TestApp::start().await;
    let body = json!({"email": email, "password": PASSWORD, "name": "Ada"});
    let refused = app.post("/api/auth/register", &body).await;
    assert_eq!((refused.status, refused.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["email"]));
    assert!(refused.body["errors"][0]["message"].as_str().is_some_and(|message| message.ends_with('.')));
}

#[tokio::test]
async fn a_name_that_shows_nothing_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let device = app.new_user("ada@example.com").await;
    let path = format!("/api/auth/sessions/{}", device.session_id());
    for nothing in
        ["\u{200b}", "\u{3164}", "\u{2800}", "\u{202e}\u{2066}", "\u{ad}", "\u{115f}", "\u{fe0f}", " \u{3000} "]
    {
        let body = json!({"email": "bob@example.com", "password": PASSWORD, "name": nothing});
        assert_eq!(app.post("/api/auth/register", &body).await.refused_fields(), ["name"], "{nothing:?}");
        let parts = json!({"email": "bob@example.com", "password": PASSWORD, "firstName": "Bob", "lastName": nothing});
        assert_eq!(app.post("/api/auth/register", &parts).await.refused_fields(), ["lastName"], "{nothing:?}");
        let renamed = device.patch(&path, &json!({"deviceName": nothing})).await;
        assert_eq!(renamed.refused_fields(), ["deviceName"], "{nothing:?}");
        let profile = device.patch("/api/user/profile", &json!({"name": nothing})).await;
        assert_eq!(profile.refused_fields(), ["name"], "{nothing:?}");
        let named = json!({"email": "ada@example.com", "password": PASSWORD, "deviceInfo": {"deviceName": nothing}});
        assert_eq!(
            app.post("/api/auth/login", &named).await.refused_fields(),
            ["deviceInfo.deviceName"],
            "{nothing:?}"
        );
    }
}
