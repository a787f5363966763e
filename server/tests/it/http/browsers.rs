//! One browser, one session (ASVS 7.2.4).

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::store::Backend;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// Signs in as a browser that holds these cookies.
async fn signs_in(app: &TestApp, email: &str, cookies: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "tokenDelivery": "cookie"});
    let mut request = app.request(Method::POST, "/api/auth/login").json(&body);
    if !cookies.is_empty() {
        request = request.header("cookie", cookies);
    }
    let answer = Answer::read(request.send().await.expect("an answer")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer
}

fn device(app: &TestApp, answer: Answer) -> Device<'_> {
    Device { app, tokens: answer.body }
}

async fn sessions_of(device: &Device<'_>) -> Vec<String> {
    let body = device.get("/api/auth/sessions").await.body;
    let sessions = body["sessions"].as_array().cloned().unwrap_or_default();
    sessions.iter().filter_map(|session| session["sessionId"].as_str().map(str::to_owned)).collect()
}

#[rstest]
#[tokio::test]
async fn signing_in_again_in_a_browser_ends_the_session_it_had_whosever_it_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("both cookies", "the refresh cookie", "the browser's own")] held: &str,
    #[values(ADA, BOB)] next: &str,
) {
    let app = TestApp::start_on(backend, &[]).await;
    for email in [ADA, BOB] {
        app.registers(email).await;
    }
    let elsewhere = app.signs_in(ADA).await;
    let first = signs_in(&app, ADA, "").await;
    let cookies = match held {
        "both cookies" => first.cookies(),
        "the refresh cookie" => format!("latchkey={}", first.cookie().expect("a cookie")),
        _ => first.browser_cookie().expect("a cookie"),
    };
    let mut events = device(&app, first.clone()).listens().await;
    let second = device(&app, signs_in(&app, next, &cookies).await);
    let event = events.next_named("session.ended").await;
    assert_eq!((&event["reason"], &event["endedBy"]), (&json!("replaced"), &json!(second.session_id())));
    let first = device(&app, first);
    assert!(!first.passes().await && second.passes().await && elsewhere.passes().await);
    let live = sessions_of(&elsewhere).await;
    assert_eq!(live.len(), if next == ADA { 2 } else { 1 }, "{live:?}");
    assert_eq!(sessions_of(&second).await.len(), if next == ADA { 2 } else { 1 });
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tabs_that_sign_in_at_once_end_with_one_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("a page's cookie", "both cookies", "the refresh cookie")] held: &str,
) {
    let app = TestApp::start_on(backend, &[]).await;
    app.registers(ADA).await;
    let watch = app.signs_in(ADA).await;
    let cookies = if held == "a page's cookie" {
        let page = app.request(Method::GET, "/sign-in").header("accept", "text/html").send().await.expect("a page");
        let page = Answer::read(page).await;
        let set = page.header("set-cookie");
        assert!(set.contains("HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000"), "{set}");
        page.browser_cookie().expect("a page gives it to a browser that has none")
    } else {
        let first = signs_in(&app, ADA, "").await;
        if held == "both cookies" { first.cookies() } else { format!("latchkey={}", first.cookie().expect("a cookie")) }
    };
    let tabs = join_all((0..6).map(|_| signs_in(&app, ADA, &cookies))).await;
    let live: Vec<String> = sessions_of(&watch).await.into_iter().filter(|id| id != watch.session_id()).collect();
    assert_eq!(live.len(), 1, "{live:?}");
    assert!(tabs.iter().any(|tab| tab.body["sessionId"] == json!(live[0])));
    // Whichever answer came last, the browser is still known.
    for tab in tabs {
        let next = signs_in(&app, ADA, &tab.cookies()).await;
        assert_eq!(sessions_of(&watch).await.len(), 2, "{}", next.text);
    }
}

#[rstest]
#[tokio::test]
async fn proving_an_address_ends_the_session_the_browser_had(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let verify = async |email: &str, cookies: &str| {
        app.registers(email).await;
        let body = json!({"email": email, "otp": app.code_for(email).await, "tokenDelivery": "cookie"});
        let request = app.request(Method::POST, "/api/auth/verify-email").header("cookie", cookies).json(&body);
        Answer::read(request.send().await.expect("an answer")).await
    };
    let ada = verify(ADA, "theme=dark").await;
    let bob = verify(BOB, &ada.cookies()).await;
    assert_eq!((ada.status, bob.status), (StatusCode::OK, StatusCode::OK));
    assert!(!device(&app, ada).passes().await);
    assert!(device(&app, bob).passes().await);
}

#[tokio::test]
async fn a_cookie_of_nobody_ends_nothing_and_a_page_gives_none_to_whoever_has_one() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let first = signs_in(&app, ADA, "").await;
    let planted = format!("latchkey=lkr_rubbish; latchkey-browser={}", "A".repeat(43));
    let second = signs_in(&app, ADA, &planted).await;
    assert_ne!(
        second.browser_cookie(),
        Some(format!("latchkey-browser={}", "A".repeat(43))),
        "a planted one is replaced"
    );
    let cookies = first.cookies();
    assert!(device(&app, first).passes().await && device(&app, second).passes().await);
    let page = app.request(Method::GET, "/sign-in").header("accept", "text/html").header("cookie", cookies);
    let page = Answer::read(page.send().await.expect("a page")).await;
    assert_eq!(page.header("set-cookie"), "");
    let data: Value = app.get("/api/auth/session").await.body;
    assert_eq!(data["code"], "missing-token");
}
