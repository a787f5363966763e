//! Forms as browsers send them by themselves, without the program.

use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::app::{PASSWORD, TestApp};

const ADA: &str = "ada@example.com";

/// A browser without the program: it sends forms, keeps the cookie, and follows nothing by itself.
struct Browser<'a> {
    app: &'a TestApp,
    http: reqwest::Client,
    cookie: Option<String>,
}

/// What came back.
struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Page {
    fn leads_to(&self) -> Option<&str> {
        self.headers.get(LOCATION).map(|location| location.to_str().unwrap())
    }

    fn cookie(&self) -> Option<&str> {
        self.headers.get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap())
    }
}

impl<'a> Browser<'a> {
    fn new(app: &'a TestApp) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, http, cookie: None }
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let request = self.http.request(Method::POST, self.app.url(path)).header("accept", "text/html");
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        request.header("content-type", "application/x-www-form-urlencoded").body(body.finish())
    }

    async fn sends(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request =
            self.form(path, fields).header("origin", self.app.origin()).header("sec-fetch-site", "same-origin");
        let page = read(request).await;
        if let Some(cookie) = page.cookie() {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        page
    }

    async fn signs_in(&mut self) -> Page {
        self.sends("/sign-in", &[("email", ADA), ("password", PASSWORD), ("remember", "on")]).await
    }
}

async fn read(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Page { status, headers, body: response.text().await.unwrap() }
}

#[rstest]
#[case::home("/sign-in", "/devices")]
#[case::back_to_where_one_was("/sign-in?next=/activity%3Fcursor%3Da%2526b", "/activity?cursor=a%26b")]
#[case::never_off_this_site("/sign-in?next=//evil.example", "/devices")]
#[case::nor_into_the_header("/sign-in?next=/devices%0d%0aset-cookie:a=b", "/devices")]
#[tokio::test]
async fn a_sign_in_form_sets_the_cookie_and_leads_on(#[case] path: &str, #[case] leads: &str) {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let mut browser = Browser::new(&app);
    let page = browser.sends(path, &[("email", ADA), ("password", PASSWORD), ("remember", "on")]).await;
    assert_eq!((page.status, page.leads_to()), (StatusCode::SEE_OTHER, Some(leads)), "{}", page.body);
    let cookie = page.cookie().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Max-Age"),
        "{cookie}"
    );
    assert!(page.body.is_empty(), "{}", page.body);
    let refreshed = app.http.post(app.url("/api/auth/refresh")).header("cookie", browser.cookie.unwrap());
    assert_eq!(refreshed.header("latchkey-client", "web").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn without_the_tick_the_session_goes_with_the_browser() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let page = Browser::new(&app).sends("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    assert!(!page.cookie().unwrap().contains("Max-Age"));
}

#[tokio::test]
async fn a_form_that_is_refused_comes_back_with_what_was_typed_and_never_with_a_password() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let page =
        Browser::new(&app).sends("/sign-in?next=/activity", &[("email", ADA), ("password", "hunter2 hunter2")]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(page.body.contains("E-mail or password is wrong."), "{}", page.body);
    assert!(page.body.contains(r#"aria-describedby="password-error""#), "{}", page.body);
    assert!(page.body.contains(r#"value="ada@example.com""#), "{}", page.body);
    assert!(page.body.contains(r#"action="/sign-in?next=/activity""#), "{}", page.body);
    assert!(!page.body.contains("hunter2") && page.cookie().is_none());
}

#[rstest]
#[case::nothing_typed(&[], &["Enter your e-mail address.", "Choose a password."])]
#[case::markup(&[("email", "<script>alert(1)</script>")], &["&lt;script&gt;"])]
#[tokio::test]
async fn every_field_that_is_wrong_says_so_in_words(#[case] fields: &[(&str, &str)], #[case] words: &[&str]) {
    let app = TestApp::start().await;
    let page = Browser::new(&app).sends("/register", fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in words {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
}

#[rstest]
#[case::another_site(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")])]
#[case::nothing_is_said(&[])]
#[case::a_program_says_it_is_ours(&[("latchkey-client", "web")])]
#[case::two_origins(&[("origin", "self"), ("origin", "https://evil.example")])]
#[case::null(&[("origin", "null")])]
#[tokio::test]
async fn a_form_from_anywhere_else_is_refused_and_nothing_of_it_is_shown(#[case] headers: &[(&str, &str)]) {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let mut browser = Browser::new(&app);
    browser.signs_in().await;
    for path in ["/sign-in", "/register", "/verify", "/forgot-password", "/reset-password", "/sign-out"] {
        let fields = [("email", ADA), ("password", PASSWORD), ("name", "planted by a stranger"), ("otp", "123456")];
        let mut request = browser.form(path, &fields);
        for (name, value) in headers {
            let value = if *value == "self" { app.origin() } else { (*value).to_owned() };
            request = request.header(*name, value);
        }
        let page = read(request).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.cookie().is_none() && !page.headers.contains_key("clear-site-data"), "{path}");
        assert!(!page.body.contains("planted") && !page.body.contains(ADA), "{path}: {}", page.body);
        assert!(page.body.contains(&app.origin()), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn registering_by_form_leads_to_the_code_and_the_code_to_where_one_was_going() {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let mut browser = Browser::new(&app);
    let fields = [("email", ADA), ("password", PASSWORD), ("name", "Ada Lovelace"), ("accountType", "BUSINESS")];
    let page = browser.sends("/register?next=/activity", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert_eq!(page.leads_to(), Some("/verify?email=ada%40example.com&next=/activity"));
    let code_page = page.leads_to().unwrap().to_owned();

    let wrong = browser.sends(&code_page, &[("otp", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("This code is wrong or has expired."), "{}", wrong.body);

    app.advance(Duration::from_mins(2));
    let again = browser.sends(&code_page, &[("otp", ""), ("again", "1")]).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.body.contains("a new code is on its way"), "{}", again.body);

    let code = app.code_for(ADA).await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let done = browser.sends(&code_page, &[("otp", &spaced)]).await;
    assert_eq!((done.status, done.leads_to()), (StatusCode::SEE_OTHER, Some("/activity")), "{}", done.body);
    assert!(browser.cookie.is_some());
}

#[rstest]
#[case::of_a_registration(false)]
#[case::of_an_account_from_before_addresses_needed_proof(true)]
#[tokio::test]
async fn a_sign_in_form_leads_to_the_code_where_the_address_must_be_proved(#[case] has_account: bool) {
    let app = TestApp::start_with(&[("REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    app.registers(ADA).await;
    if has_account {
        let code = app.code_for(ADA).await;
        let entered = app.post("/api/auth/verify-email", &json!({"email": ADA, "otp": code})).await;
        assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
        app.execute("UPDATE users SET email_verified_at = NULL").await;
    }
    app.advance(Duration::from_mins(2));
    let mut browser = Browser::new(&app);
    let page = browser.sends("/sign-in?next=/activity", &[("email", ADA), ("password", PASSWORD)]).await;
    let code_page = "/verify?email=ada%40example.com&next=/activity";
    assert_eq!((page.status, page.leads_to()), (StatusCode::SEE_OTHER, Some(code_page)), "{}", page.body);
    assert!(browser.cookie.is_none());
    let code = app.code_for(ADA).await;
    let done = browser.sends(code_page, &[("otp", &code)]).await;
    assert_eq!((done.status, done.leads_to()), (StatusCode::SEE_OTHER, Some("/activity")), "{}", done.body);
    assert!(browser.cookie.is_some());
}

#[tokio::test]
async fn where_nothing_must_be_proved_registering_by_form_signs_in() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.sends("/register", &[("email", ADA), ("password", PASSWORD), ("name", "Ada")]).await;
    assert_eq!((page.status, page.leads_to()), (StatusCode::SEE_OTHER, Some("/devices")), "{}", page.body);
    assert!(browser.cookie.is_some());
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_forms_alone_and_the_token_is_in_no_address() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let mut browser = Browser::new(&app);
    let page = browser.sends("/forgot-password", &[("email", ADA)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("a link is on its way"), "{}", page.body);
    let (_, text) = app.mails_to(ADA).await.into_iter().next().unwrap();
    let link = text.split_whitespace().find(|word| word.contains("#token=")).unwrap().to_owned();

    // Who runs no scripts pastes the link; a password that is refused leaves it good.
    let weak = browser.sends("/reset-password", &[("token", ""), ("link", &link), ("password", "password")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", weak.body);
    assert!(weak.body.contains("password-error"), "{}", weak.body);
    let token = link.split("#token=").nth(1).unwrap();
    let new = "a lantern for the otter";
    let done = browser.sends("/reset-password", &[("token", token), ("link", ""), ("password", new)]).await;
    let page = format!("/sign-in?email={}&because=password-reset", ADA.replace('@', "%40"));
    assert_eq!((done.status, done.leads_to()), (StatusCode::SEE_OTHER, Some(page.as_str())));
    let page = read(app.request(Method::GET, &page).header("accept", "text/html")).await;
    assert!(page.body.contains(&format!("value=\"{ADA}\"")), "{}", page.body);
    let used = browser.sends("/reset-password", &[("token", token), ("password", new)]).await;
    assert!(used.status == StatusCode::UNPROCESSABLE_ENTITY && used.body.contains("This link can’t be used"));
    assert!(used.leads_to().is_none() && !used.body.contains(ADA), "whose link it was is for whoever used it");
    let page = browser.sends("/sign-in", &[("email", ADA), ("password", new)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
}

#[tokio::test]
async fn signing_out_by_form_ends_the_session_and_forgets_the_cookie() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let mut browser = Browser::new(&app);
    browser.signs_in().await;
    let cookie = browser.cookie.clone().unwrap();
    let page = browser.sends("/sign-out", &[]).await;
    assert_eq!((page.status, page.leads_to()), (StatusCode::SEE_OTHER, Some("/sign-in?because=signed-out")));
    assert_eq!(page.headers["clear-site-data"], "\"storage\"");
    assert!(page.cookie().unwrap().contains("Max-Age=0"));
    let refreshed =
        app.http.post(app.url("/api/auth/refresh")).header("cookie", cookie).header("latchkey-client", "web");
    assert_eq!(refreshed.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    // Nobody to sign out ends up signed out as well.
    let again = Browser::new(&app).sends("/sign-out", &[]).await;
    assert_eq!((again.status, again.leads_to()), (StatusCode::SEE_OTHER, Some("/sign-in?because=signed-out")));
}

#[tokio::test]
async fn forms_are_limited_as_calls_are_and_say_how_long() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let mut browser = Browser::new(&app);
    let mut last = None;
    for _ in 0..60 {
        let page = browser.sends("/sign-in", &[("email", ADA), ("password", "not the password")]).await;
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            last = Some(page);
            break;
        }
    }
    let page = last.expect("a limit");
    assert!(page.headers.contains_key("retry-after") && page.body.contains("Too many attempts"), "{}", page.body);
}

#[tokio::test]
async fn at_the_limit_of_sessions_the_page_asks_which_device_goes() {
    let app = TestApp::start_with(&[("MAX_SESSIONS_PER_USER", "1")]).await;
    let device = app.new_user(ADA).await;
    let mut browser = Browser::new(&app);
    let page = browser.signs_in().await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("Device to sign out") && page.body.contains(device.session_id()), "{}", page.body);
    let fields = [("email", ADA), ("password", PASSWORD), ("replaceSession", device.session_id())];
    let page = browser.sends("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert_eq!(device.get("/api/auth/session").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_field_that_stands_there_twice_is_refused() {
    let app = TestApp::start().await;
    app.registers(ADA).await;
    let fields = [("email", ADA), ("password", PASSWORD), ("email", "mallory@example.com")];
    let page = Browser::new(&app).sends("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn pages_travel_packed_and_say_that_this_depends_on_who_asks() {
    let app = TestApp::start().await;
    for coding in ["br", "gzip"] {
        let page = app.http.get(app.url("/sign-in")).header("accept", "text/html").header("accept-encoding", coding);
        let page = page.send().await.unwrap();
        assert_eq!(page.headers()["content-encoding"], coding);
        let vary = page.headers().get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("accept-encoding"));
        assert!(vary, "{:?}", page.headers());
    }
    let page = app.http.get(app.url("/sign-in")).header("accept", "text/html").send().await.unwrap();
    assert!(!page.headers().contains_key("content-encoding"));
}
