//! The cookies of one browser, where answers come late, tabs sign in at once, and somebody plants others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, PASSWORD, TestApp};

const ADA: &str = "ada@example.com";

/// A browser: what it holds, and what becomes of that by an answer once it has come.
struct Browser<'a> {
    app: &'a TestApp,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    fn of(app: &'a TestApp) -> Self {
        Self { app, cookies: RefCell::default() }
    }

    /// What the server answers to a call with everything that is held. The browser has not seen the answer yet.
    async fn sends(&self, path: &str, body: Value) -> Answer {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.app.request(Method::POST, path).header("latchkey-client", "web").json(&body);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// The answer comes.
    fn takes(&self, answer: &Answer) {
        for (name, value) in answer.set_cookies().filter_map(|set| set.split_once('=')) {
            if value.is_empty() {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn asks(&self, path: &str, body: Value) -> Answer {
        let answer = self.sends(path, body).await;
        self.takes(&answer);
        answer
    }

    async fn signs_in(&self) -> Answer {
        let login = self.asks("/api/auth/login", cookie_login()).await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.text);
        login
    }

    async fn refreshes(&self) -> Answer {
        self.asks("/api/auth/refresh", json!({})).await
    }

    /// How many refresh cookies it holds.
    fn holds(&self) -> usize {
        self.cookies.borrow().keys().filter(|name| !name.starts_with("latchkey-")).count()
    }

    fn is_given(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
}

fn cookie_login() -> Value {
    json!({"email": ADA, "password": PASSWORD, "tokenDelivery": "cookie"})
}

fn session_of(answer: &Answer) -> String {
    answer.body["sessionId"].as_str().unwrap_or_else(|| panic!("tokens, not {}", answer.text)).to_owned()
}

async fn passes(app: &TestApp, login: &Answer) -> bool {
    let token = login.body["accessToken"].as_str().expect("a token");
    let request = app.request(Method::GET, "/api/auth/session").bearer_auth(token);
    request.send().await.expect("an answer").status() == StatusCode::OK
}

async fn a_late_answer(app: TestApp) {
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    browser.signs_in().await;
    let late = browser.sends("/api/auth/refresh", json!({})).await;
    assert_eq!(late.status, StatusCode::OK);
    browser.asks("/api/auth/logout", json!({})).await;
    let login = browser.signs_in().await;
    browser.takes(&late);
    assert_eq!(browser.holds(), 2, "the old session's cookie is back, beside that of the new one");

    let refreshed = browser.refreshes().await;
    assert_eq!(session_of(&refreshed), session_of(&login), "which is the one that counts");
    assert!(passes(&app, &refreshed).await);
    assert_eq!(browser.holds(), 1, "the dead one is gone");
}

#[tokio::test]
async fn a_late_answer_to_an_old_sessions_refresh_takes_nothing_from_the_new_session() {
    a_late_answer(TestApp::start().await).await;
}

#[tokio::test]
async fn a_late_answer_to_an_old_sessions_refresh_takes_nothing_from_the_new_session_on_postgres() {
    a_late_answer(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn a_late_answer_to_an_earlier_refresh_of_the_same_session_is_no_theft() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    let login = browser.signs_in().await;
    let late = browser.sends("/api/auth/refresh", json!({})).await;
    // Another tab asks again with the same cookie, gets the same successor, and uses it.
    browser.refreshes().await;
    browser.refreshes().await;
    app.advance(Duration::from_mins(5));
    browser.takes(&late);
    let refreshed = browser.refreshes().await;
    assert_eq!(session_of(&refreshed), session_of(&login), "{}", refreshed.text);
    assert_eq!(browser.holds(), 1);
    assert!(passes(&app, &refreshed).await);
}

#[tokio::test]
async fn a_late_answer_to_a_sign_out_does_not_take_the_cookie_of_the_next_session() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    browser.signs_in().await;
    let late = browser.sends("/api/auth/logout", json!({})).await;
    assert_eq!(late.status, StatusCode::OK);
    let login = browser.signs_in().await;
    browser.takes(&late);
    assert_eq!(session_of(&browser.refreshes().await), session_of(&login));
}

async fn two_at_once(app: TestApp) {
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    let older = browser.sends("/api/auth/login", cookie_login()).await;
    let newer = browser.sends("/api/auth/login", cookie_login()).await;
    for (first, second) in [(&newer, &older), (&older, &newer)] {
        browser.takes(first);
        browser.takes(second);
    }
    let refreshed = browser.refreshes().await;
    assert_eq!(session_of(&refreshed), session_of(&newer), "the newest counts");
    assert_eq!(browser.holds(), 1);
    assert!(!passes(&app, &older).await, "one browser has one session");
    assert!(passes(&app, &newer).await);
}

#[tokio::test]
async fn of_two_sessions_begun_at_once_in_one_browser_the_newer_stays() {
    two_at_once(TestApp::start().await).await;
}

#[tokio::test]
async fn of_two_sessions_begun_at_once_in_one_browser_the_newer_stays_on_postgres() {
    two_at_once(TestApp::start_on_postgres(&[]).await).await;
}

#[tokio::test]
async fn planted_cookies_are_neither_believed_nor_in_the_way_and_are_removed() {
    let app = TestApp::start().await;
    let native = app.new_user(ADA).await;
    let elsewhere = TestApp::start().await;
    elsewhere.registers(ADA).await;
    let foreign = Browser::of(&elsewhere).signs_in().await.cookie().expect("a cookie");
    let browser = Browser::of(&app);
    for (tag, value) in [("zz", foreign.as_str()), ("yy", native.refresh_token()), ("xx", "lkr_x"), ("ww", "1")] {
        browser.is_given(&format!("latchkey.{tag}"), value);
    }
    browser.is_given("latchkey", "planted");
    let refused = browser.refreshes().await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "invalid-token"));
    assert_eq!(browser.holds(), 0, "nothing of it is worth keeping");
    assert!(native.passes().await, "and nothing of it ends anything");

    let login = browser.signs_in().await;
    for number in 0..40 {
        browser.is_given(&format!("latchkey.{number}"), &format!("lkr_{number}"));
    }
    browser.is_given("latchkey.zz", &foreign);
    assert_eq!(session_of(&browser.refreshes().await), session_of(&login));
    assert_eq!(browser.holds(), 1);
}

#[tokio::test]
async fn a_planted_cookie_alone_signs_nobody_in() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    browser.is_given("latchkey.planted", "before the sign-in");
    let login = browser.signs_in().await;
    let given = login.cookie_pair().expect("a cookie");
    assert!(!given.contains("planted"));
    assert_eq!(browser.holds(), 1, "the planted one is gone");
}

#[tokio::test]
async fn signing_out_removes_every_cookie_and_ends_every_session_of_the_browser() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let browser = Browser::of(&app);
    let dead = browser.signs_in().await;
    let late = browser.sends("/api/auth/refresh", json!({})).await;
    browser.asks("/api/auth/logout", json!({})).await;
    let two = [
        browser.sends("/api/auth/login", cookie_login()).await,
        browser.sends("/api/auth/login", cookie_login()).await,
    ];
    // The second ended the first: one browser, one session.
    browser.takes(&late);
    for login in &two {
        browser.takes(login);
    }
    browser.is_given("latchkey.planted", "x");
    let out = browser.asks("/api/auth/logout", json!({})).await;
    assert_eq!((out.status, &out.body["sessionsEnded"]), (StatusCode::OK, &json!(1)), "{}", out.text);
    assert_eq!(browser.holds(), 0);
    for login in two.iter().chain([&dead]) {
        assert!(!passes(&app, login).await);
    }
}

#[tokio::test]
async fn a_browser_with_only_ended_sessions_learns_why_the_newest_ended() {
    let app = TestApp::start().await;
    let phone = app.new_user(ADA).await;
    let browser = Browser::of(&app);
    browser.signs_in().await;
    let late = browser.sends("/api/auth/refresh", json!({})).await;
    browser.asks("/api/auth/logout", json!({})).await;
    browser.signs_in().await;
    phone.post("/api/auth/logout-all", &json!({"keepCurrent": true})).await;
    browser.takes(&late);
    let refused = browser.refreshes().await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "session-ended"));
    assert_eq!(refused.body["reason"], "revoked_from_other_device");
    assert_eq!(browser.holds(), 0);
    assert!(phone.passes().await);
}
