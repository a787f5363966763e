//! The first owner, by the link that a server logs.

use std::time::Duration;

use latchkey::auth::secrets::Capability;
use latchkey::clock::Clock as _;
use latchkey::random::OsRandom;
use latchkey::store::Store;
use reqwest::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{PASSWORD, TestApp};

const ADA: &str = "ada@example.com";
const LIFETIME: Duration = Duration::from_mins(15);

/// A server on which nobody is an owner, and the token of a link.
async fn without_owner(settings: &[(&str, &str)]) -> (TestApp, String) {
    let app = TestApp::start_with(settings).await;
    // The demo user of development is one.
    app.execute("UPDATE users SET disabled_at = 1").await;
    let url = format!("sqlite://{}", app.database_file().display());
    let store = Store::connect(&url, 1).await.expect("a store");
    let (token, now) = (Capability::draw(&OsRandom), app.clock.now());
    let kept = store.first_owner().store_owner_link(&token.digest(), now, now.plus(LIFETIME)).await;
    assert!(kept.expect("an answer"), "somebody is an owner");
    store.close().await;
    (app, token.expose().to_owned())
}

fn owner(token: &str) -> Value {
    json!({ "token": token, "email": ADA, "name": "Ada Lovelace", "password": PASSWORD })
}

/// Sends the form of the page as a browser does by itself, from a page of that origin.
async fn sends_form(app: &TestApp, origin: &str, token: &str) -> Response {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs([("token", token), ("email", ADA), ("name", "Ada Lovelace"), ("password", PASSWORD)]);
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = http.request(Method::POST, app.url("/set-up")).header("accept", "text/html");
    let request = request.header("origin", origin).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.finish());
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn the_token_of_a_link_makes_an_owner_once() {
    let (app, token) = without_owner(&[]).await;
    for wrong in ["", "made-up", Capability::draw(&OsRandom).expose()] {
        let answer = app.post("/api/set-up/owner", &owner(wrong)).await;
        assert_eq!((answer.status, answer.refused_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["token"]));
    }
    let weak = json!({ "token": token, "email": ADA, "name": "Ada Lovelace", "password": "password1" });
    assert_eq!(app.post("/api/set-up/owner", &weak).await.refused_fields(), ["password"]);
    let elsewhere = app.request(Method::POST, "/api/set-up/owner").json(&owner(&token)).header("host", "evil.example");
    assert_eq!(elsewhere.send().await.expect("an answer").status(), StatusCode::MISDIRECTED_REQUEST);

    let made = app.post("/api/set-up/owner", &owner(&token)).await;
    assert_eq!((made.status, &made.body["email"]), (StatusCode::CREATED, &json!(ADA)), "{}", made.text);
    let ada = app.signs_in(ADA).await;
    assert_eq!(ada.get("/api/user/permissions").await.body["roles"], json!(["owner", "user"]));
    let again = app.post("/api/set-up/owner", &owner(&token)).await;
    assert_eq!((again.status, again.code()), (StatusCode::GONE, "owner-exists"));
}

#[tokio::test]
async fn a_link_is_dead_after_a_quarter_of_an_hour() {
    let (app, token) = without_owner(&[]).await;
    app.advance(LIFETIME);
    assert_eq!(app.post("/api/set-up/owner", &owner(&token)).await.refused_fields(), ["token"]);
    let page = sends_form(&app, &app.origin(), &token).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = page.text().await.unwrap();
    assert!(page.contains("This link can’t be used") && !page.contains("<form"), "{page}");
}

#[tokio::test]
async fn the_page_makes_an_owner_and_signs_them_in_without_the_program() {
    let (app, token) = without_owner(&[]).await;
    let page = app.http.get(app.url("/set-up")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned();
    let page = page.text().await.unwrap();
    assert!(page.contains(&format!("<script nonce=\"{nonce}\">")) && page.contains("<form"), "{page}");

    let cross_site = sends_form(&app, "https://evil.example", &token).await;
    assert_eq!(cross_site.status(), StatusCode::FORBIDDEN);
    let made = sends_form(&app, &app.origin(), &token).await;
    let leads = made.headers().get(LOCATION).map(|location| location.to_str().unwrap());
    assert_eq!((made.status(), leads), (StatusCode::SEE_OTHER, Some("/devices")));
    assert!(made.headers().contains_key(SET_COOKIE));

    let page = app.http.get(app.url("/set-up")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::GONE);
    assert!(page.text().await.unwrap().contains("There is an owner already"));
    assert_eq!(sends_form(&app, &app.origin(), &token).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn whoever_names_this_machine_through_a_proxy_makes_no_owner() {
    let (app, token) = without_owner(&[("PUBLIC_URL", "https://id.example.com")]).await;
    let asks = async |host: &str, handed_on: &[(&str, &str)]| {
        let make = app.request(Method::POST, "/api/set-up/owner").json(&owner(&token));
        let mut requests = [app.request(Method::GET, "/set-up"), make].map(|request| request.header("host", host));
        for (name, value) in handed_on {
            requests = requests.map(|request| request.header(*name, *value));
        }
        let [page, make] = requests;
        let page = page.send().await.expect("an answer").status();
        (page, make.send().await.expect("an answer").status())
    };
    let refused = (StatusCode::MISDIRECTED_REQUEST, StatusCode::MISDIRECTED_REQUEST);
    for host in ["localhost", "127.0.0.1:3000", "[::1]"] {
        for handed_on in [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=127.0.0.1"), ("via", "1.1 proxy")] {
            assert_eq!(asks(host, &[handed_on]).await, refused, "{host} {handed_on:?}");
        }
    }
    let through_a_proxy = asks("id.example.com", &[("x-forwarded-for", "203.0.113.7")]).await;
    assert_eq!(through_a_proxy, (StatusCode::OK, StatusCode::CREATED));
}

#[tokio::test]
async fn on_the_machine_itself_an_owner_is_made_who_signs_in_at_the_public_address() {
    let (app, token) = without_owner(&[("PUBLIC_URL", "https://id.example.com")]).await;
    let made = sends_form(&app, &app.origin(), &token).await;
    assert!(made.status() == StatusCode::OK && !made.headers().contains_key(SET_COOKIE));
    let page = made.text().await.unwrap();
    assert!(page.contains("The owner is created"), "{page}");
    assert!(page.replace("&#x2f;", "/").contains("href=\"https://id.example.com/sign-in\""), "{page}");
    app.signs_in(ADA).await;
}
