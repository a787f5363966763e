//! Where devices are, in words, where an operator brings a database of places.

use std::path::Path;

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::mmdb::{self, PLACES};

/// A server behind a load balancer, with a database of that kind.
async fn start(folder: &Path, kind: &str) -> TestApp {
    let database = mmdb::write(folder, kind, &PLACES);
    let settings = [("TRUSTED_PROXIES", "127.0.0.1"), ("GEOIP_DATABASE", database.to_str().expect("a path"))];
    TestApp::start_with(&settings).await
}

/// Posts through the load balancer.
async fn posts_from(app: &TestApp, address: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path).header("x-forwarded-for", address).json(body);
    Answer::read(request.send().await.expect("an answer")).await
}

async fn signs_in_from<'a>(app: &'a TestApp, address: &str) -> Device<'a> {
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let tokens = posts_from(app, address, "/api/auth/login", &body).await.body;
    Device { app, tokens }
}

/// How another device sees this one.
async fn seen(device: &Device<'_>, observer: &Device<'_>) -> Value {
    let list = observer.get("/api/auth/sessions").await.body;
    let mut sessions = list["sessions"].as_array().expect("sessions").iter();
    sessions.find(|session| session["sessionId"] == device.session_id()).expect("the device").clone()
}

#[rstest]
#[case::with_a_city("203.0.113.7", Some("Kyiv, Ukraine"))]
#[case::with_a_city_by_ipv6("2001:db8::7", Some("Lisbon, Portugal"))]
#[case::with_a_country_only("198.51.100.7", Some("Poland"))]
#[case::unknown("192.0.2.7", None)]
#[case::unknown_by_ipv6("2001:db9::7", None)]
#[case::private("10.1.2.3", None)]
#[tokio::test]
async fn a_device_is_shown_with_the_place_it_signed_in_from(#[case] address: &str, #[case] place: Option<&str>) {
    let folder = tempfile::tempdir().expect("a folder");
    let app = start(folder.path(), "DBIP-City-Lite").await;
    let observer = app.new_user("ada@example.com").await;
    let mut events = observer.listens().await;
    let device = signs_in_from(&app, address).await;
    let session = seen(&device, &observer).await;
    // Left out where it is not known.
    assert_eq!((&session["ipAddress"], session.get("place").is_some()), (&json!(address), place.is_some()));
    assert_eq!(session["place"], json!(place));
    let created = events.next_named("session.created").await;
    assert_eq!((&created["session"]["ipAddress"], &created["session"]["place"]), (&json!(address), &json!(place)));
}

#[tokio::test]
async fn a_device_that_refreshes_from_another_network_is_shown_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = start(folder.path(), "GeoLite2-Country").await;
    let observer = app.new_user("ada@example.com").await;
    let device = signs_in_from(&app, "203.0.113.7").await;
    let mut refresh_token = device.refresh_token().to_owned();
    for (address, place) in
        [("198.51.100.7", json!("Poland")), ("192.0.2.7", Value::Null), ("2001:db8::7", json!("Lisbon, Portugal"))]
    {
        let body = json!({"refreshToken": refresh_token});
        let refreshed = posts_from(&app, address, "/api/auth/refresh", &body).await;
        refresh_token = refreshed.body["refreshToken"].as_str().expect("a successor").to_owned();
        let session = seen(&device, &observer).await;
        assert_eq!((&session["ipAddress"], &session["place"]), (&json!(address), &place));
    }
}

#[tokio::test]
async fn without_a_database_no_place_is_shown() {
    let app = TestApp::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let observer = app.new_user("ada@example.com").await;
    let device = signs_in_from(&app, "203.0.113.7").await;
    let session = seen(&device, &observer).await;
    assert_eq!((&session["ipAddress"], session.get("place")), (&json!("203.0.113.7"), None));
}
