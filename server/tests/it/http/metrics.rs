//! Metrics: what Prometheus is told, and who is told.

use std::time::Duration;

use latchkey::areas;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

pub const TOKEN: &str = "a-token-of-tests-0123456789-abcdefghijkl";
pub const OWN_LISTENER: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");

/// What Prometheus would read.
struct Scrape(String);

impl Scrape {
    async fn of(app: &TestApp) -> Self {
        let address = app.metrics_address.expect("a metrics listener");
        let answer = app.http.get(format!("http://{address}/metrics")).send().await.expect("an answer");
        let answer = Answer::read(answer).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        Self(answer.text)
    }

    /// The value of one series.
    fn get(&self, series: &str) -> f64 {
        let found = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        found.unwrap_or_else(|| panic!("no {series} in\n{}", self.0))
    }

    /// Whether all these series have these values.
    fn assert(&self, expected: &[(&str, f64)]) {
        for (series, value) in expected {
            assert!((self.get(series) - value).abs() < 1e-9, "{series} is {} in\n{}", self.get(series), self.0);
        }
    }
}

#[tokio::test]
async fn signing_in_refreshing_and_ending_are_counted_by_what_they_came_to() {
    let app = TestApp::start_with(&[OWN_LISTENER]).await;
    let mut device = app.new_user("ada@example.com").await;
    let other = app.signs_in("ada@example.com").await;
    app.post("/api/auth/login", &json!({"email": "ada@example.com", "password": "not the right one"})).await;
    let first = device.refresh_token().to_owned();
    device.refreshes().await;
    device.refreshes_with(&first).await;
    app.advance(Duration::from_secs(5));
    device.refreshes_with(&first).await;
    app.advance(Duration::from_secs(10));
    device.refreshes_with(&first).await;
    device.refreshes_with(&first).await;
    device.refreshes_with("lkr_nonsense").await;
    other.post("/api/auth/logout", &json!({})).await;
    let scrape = Scrape::of(&app).await;
    scrape.assert(&[
        ("latchkey_sign_ins_total{result=\"ok\"}", 2.0),
        ("latchkey_sign_ins_total{result=\"wrong_credentials\"}", 1.0),
        ("latchkey_sign_ins_total{result=\"limited\"}", 0.0),
        ("latchkey_refreshes_total{case=\"refreshed\"}", 1.0),
        ("latchkey_refreshes_total{case=\"repeated_two_tabs\"}", 1.0),
        ("latchkey_refreshes_total{case=\"repeated_lost_reply\"}", 1.0),
        ("latchkey_refreshes_total{case=\"reuse\"}", 1.0),
        ("latchkey_refreshes_total{case=\"ended\"}", 1.0),
        ("latchkey_refreshes_total{case=\"invalid\"}", 1.0),
        ("latchkey_sessions_ended_total{reason=\"refresh_reuse\"}", 1.0),
        ("latchkey_sessions_ended_total{reason=\"user_initiated_logout\"}", 1.0),
        ("latchkey_sessions_ended_total{reason=\"logout_all\"}", 0.0),
        // Each step that an area brings is shown before it fails.
        ("latchkey_session_cleanup_failures_total{step=\"streams\"}", 0.0),
        ("latchkey_session_cleanup_failures_total{step=\"attendances\"}", 0.0),
        ("latchkey_session_cleanup_failures_total{step=\"rooms\"}", 0.0),
        ("latchkey_session_cleanup_failures_total{step=\"other_servers\"}", 0.0),
        ("latchkey_revocation_list_entries", 2.0),
        // The demo user; registering, where the password is judged and hashed; four comparisons, two for the wrong
        // password.
        ("latchkey_password_hash_duration_seconds_count", 7.0),
        ("latchkey_password_hashes_running", 0.0),
        ("latchkey_endings_pending", 0.0),
        ("latchkey_bus_state{state=\"ok\"}", 1.0),
    ]);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_what_somebody_made_up() {
    let app = TestApp::start_with(&[OWN_LISTENER]).await;
    let device = app.new_user("ada@example.com").await;
    for _ in 0..3 {
        device.get("/api/auth/session").await;
    }
    app.get("/api/auth/session").await;
    device.get(&format!("/api/auth/sessions/{}/history", device.session_id())).await;
    app.get("/api/made-up-by-somebody").await;
    app.get("/made-up.txt").await;
    app.get("/sign-in").await;
    app.request(Method::PUT, "/api/auth/session").send().await.unwrap();
    let scrape = Scrape::of(&app).await;
    scrape.assert(&[
        ("latchkey_http_requests_total{route=\"/api/auth/session\",method=\"GET\",status_class=\"2xx\"}", 3.0),
        ("latchkey_http_requests_total{route=\"/api/auth/session\",method=\"GET\",status_class=\"4xx\"}", 1.0),
        (
            "latchkey_http_requests_total{route=\"/api/auth/sessions/{id}/history\",method=\"GET\",status_class=\"2xx\"}",
            1.0,
        ),
        ("latchkey_http_requests_total{route=\"none\",method=\"GET\",status_class=\"4xx\"}", 2.0),
        ("latchkey_http_requests_total{route=\"none\",method=\"PUT\",status_class=\"4xx\"}", 1.0),
        ("latchkey_http_requests_total{route=\"/sign-in\",method=\"GET\",status_class=\"2xx\"}", 1.0),
        ("latchkey_http_request_duration_seconds_count{route=\"/api/auth/session\"}", 4.0),
    ]);
    for canary in ["made-up", device.session_id(), "ada@", device.access_token(), device.refresh_token()] {
        assert!(!scrape.0.contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn every_metric_of_the_list_is_shown_once_and_in_its_order() {
    let app = TestApp::start_with(&[OWN_LISTENER]).await;
    app.get("/health").await;
    let scrape = Scrape::of(&app).await;
    let heads = |line: &'static str| scrape.0.lines().filter_map(move |text| text.strip_prefix(line));
    let families = || areas::metrics().into_iter().flat_map(|declaration| declaration.families);
    let types: Vec<&str> = heads("# TYPE ").collect();
    let listed: Vec<String> = families().map(|family| format!("{} {}", family.name, family.kind.as_str())).collect();
    assert_eq!(types, listed);
    let meanings: Vec<&str> = heads("# HELP ").collect();
    let listed: Vec<String> = families().map(|family| format!("{} {}", family.name, family.help)).collect();
    assert_eq!(meanings, listed);
}

#[tokio::test]
async fn how_it_is_now_is_read_when_it_is_asked_for() {
    let app = TestApp::start_with(&[OWN_LISTENER, ("REVOCATION_MAX_STALENESS", "3s")]).await;
    let device = app.new_user("ada@example.com").await;
    device.get("/api/auth/session").await;
    let before = Scrape::of(&app).await;
    before.assert(&[
        ("latchkey_streams_open", 0.0),
        ("latchkey_verified_tokens", 1.0),
        ("latchkey_last_active_waiting", 1.0),
        ("latchkey_revocation_list_max_age_seconds", 3.0),
        ("latchkey_database_pool_connections_max{pool=\"writer\"}", 1.0),
        ("latchkey_clock_offset_seconds", 0.0),
    ]);
    let events = device.listens().await;
    Scrape::of(&app).await.assert(&[("latchkey_streams_open", 1.0)]);
    drop(events);
    for series in ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "latchkey_tasks"] {
        assert!(before.get(series) > 0.0, "{series}");
    }
    assert!(before.get("process_cpu_seconds_total") >= 0.0);
}

#[tokio::test]
async fn a_list_that_is_too_old_shows_in_its_age_and_in_what_the_database_is_asked() {
    let app = TestApp::start_with(&[OWN_LISTENER]).await;
    let device = app.new_user("ada@example.com").await;
    let checks = "latchkey_authenticate_database_checks_total{result=\"passed\"}";
    for _ in 0..50 {
        // The tail looks twice a second by the real clock, so one of these comes between two looks.
        app.advance(Duration::from_secs(3));
        assert!(device.passes().await);
        let scrape = Scrape::of(&app).await;
        if scrape.get(checks) > 0.0 {
            assert!(scrape.get("latchkey_revocation_tail_duration_seconds_count") > 0.0);
            return;
        }
    }
    panic!("the database was never asked");
}

#[tokio::test]
async fn the_listener_for_metrics_serves_nothing_else_and_stops_with_the_server() {
    let mut app = TestApp::start_with(&[OWN_LISTENER]).await;
    let address = app.metrics_address.unwrap();
    for path in ["/", "/api/auth/session", "/health", "/metrics/"] {
        let answer = app.http.get(format!("http://{address}{path}")).send().await.unwrap();
        let answer = Answer::of_another_listener(answer).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not-found"), "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let posted = app.http.post(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(app.get("/metrics").await.status, StatusCode::NOT_FOUND, "not on the public listener");
    app.shut_down().await;
    assert!(app.http.get(format!("http://{address}/metrics")).send().await.is_err());
}

/// An answer without what differs each time.
fn comparable(answer: &Answer) -> (StatusCode, Vec<(String, String)>, Value) {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "content-security-policy"))
        .collect();
    headers.sort();
    let mut body = answer.body.clone();
    body["requestId"] = Value::Null;
    (answer.status, headers, body)
}

#[tokio::test]
async fn metrics_beside_the_api_need_the_token_and_do_not_exist_without_it() {
    let app = TestApp::start_with(&[("METRICS_TOKEN", TOKEN)]).await;
    let without = TestApp::start().await;
    let ask = async |app: &TestApp, method: Method, path: &str, token: Option<&str>, accept: &str| {
        let mut request = app.request(method, path).header("accept", accept);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Answer::read(request.send().await.unwrap()).await
    };
    let shown = ask(&app, Method::GET, "/metrics", Some(TOKEN), "*/*").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text.contains("\nlatchkey_revocation_list_age_seconds "), "{}", shown.text);

    let prefix = &TOKEN[..TOKEN.len() - 1];
    for (method, token, accept) in [
        (Method::GET, None, "*/*"),
        (Method::GET, None, "text/html"),
        (Method::GET, Some("wrong"), "*/*"),
        (Method::GET, Some(prefix), "*/*"),
        (Method::HEAD, None, "*/*"),
        (Method::POST, Some(TOKEN), "*/*"),
        (Method::OPTIONS, None, "*/*"),
        (Method::DELETE, None, "*/*"),
    ] {
        let hidden = ask(&app, method.clone(), "/metrics", token, accept).await;
        let nowhere = ask(&app, method.clone(), "/metrixx", token, accept).await;
        let unset = ask(&without, method.clone(), "/metrics", token, accept).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{method} {token:?}");
        assert_eq!(comparable(&hidden), comparable(&nowhere), "{method} {token:?} {accept}");
        assert_eq!(comparable(&hidden), comparable(&unset), "{method} {token:?} {accept}");
    }
}
