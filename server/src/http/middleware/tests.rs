//! What every answer carries, and what no request gets past.

use super::*;
use crate::clock::ManualClock;
use crate::http::proxies::{ClientAddress, LoopbackPeer};
use crate::metrics::RouteNames;
use crate::random::OsRandom;
use axum::extract::Extension;
use axum::routing::{get, post};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, VARY,
};
use http_body_util::BodyExt as _;
use rstest::rstest;
use std::fmt::Write as _;
use std::io;
use std::sync::Mutex;
use tracing::Level;
use tracing::instrument::WithSubscriber as _;

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "203.0.113.7";

fn edge(more: &[(&str, &str)]) -> Edge {
    let settings = [
        ("LATCHKEY_SECRET", "q7Xv2LrT9bWz4KcN8mJd1HsF6gYp3RuQ"),
        ("PUBLIC_URL", "https://id.example.com"),
        ("SMTP_URL", "smtps://mail.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ];
    let env = settings.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::load(env, None).unwrap();
    let router = Router::new()
        .route("/api/ok", get(async || "ok"))
        .route("/api/post", post(async || "posted"))
        .route(
            "/api/client",
            get(async |Extension(ClientAddress(client)): Extension<ClientAddress>| client.to_string()),
        )
        .route(
            "/api/peer",
            get(async |request: Request| request.extensions().get::<LoopbackPeer>().is_some().to_string()),
        )
        .route("/api/panic", get(panics))
        .route("/api/id/{id}", get(async |_: axum::extract::Path<uuid::Uuid>| "found"))
        .route("/api/late", get(async || ApiError::too_many_requests(Duration::from_secs(3))))
        .route("/api/away", get(async || ApiError::unavailable(Trouble(io::Error::other("nobody answers")))))
        .route("/api/restored", get(async || ApiError::unavailable(Trouble(io::Error::other("no table"))).alarming()))
        .route("/api/broken", get(async || ApiError::internal(Trouble(io::Error::other("a bug")))))
        .route(
            "/health",
            get(async || (StatusCode::SERVICE_UNAVAILABLE, axum::Json(serde_json::json!({"status": "unavailable"})))),
        )
        .fallback(async || ApiError::not_found());
    let clock = Arc::new(ManualClock::default());
    let metrics = Arc::new(HttpMetrics::default());
    let requests = metrics.count_requests_of(RouteNames::default());
    Edge::new(router, &config, clock, Arc::new(OsRandom), Instruments { metrics, requests, traces: None })
}

#[derive(Debug, thiserror::Error)]
#[error("the database is not available")]
struct Trouble(#[source] io::Error);

async fn panics() -> &'static str {
    panic!("with hunter2 inside")
}

struct Answered {
    response: Response,
    body: String,
}

impl Answered {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    fn problem(&self) -> Problem {
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"), "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn ask(edge: &Edge, peer: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answered {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    let response = edge.answer(peer, request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answered { response: Response::from_parts(parts, Body::empty()), body }
}

#[tokio::test]
async fn handlers_know_this_machine_by_the_connection_and_by_nothing_that_is_sent() {
    let edge = edge(&[]);
    for (peer, expected) in [("127.0.0.1", "true"), ("::1", "true"), ("::ffff:127.0.0.1", "true"), (PROXY, "false")] {
        let sent = [("host", "localhost"), ("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];
        assert_eq!(ask(&edge, peer, "GET", "/api/peer", &sent).await.body, expected, "{peer}");
    }
    let sent = [("host", "localhost"), ("x-forwarded-for", "127.0.0.1")];
    assert_eq!(ask(&edge, STRANGER, "GET", "/api/peer", &sent).await.body, "false");
}

#[rstest]
#[case("GET", "/api/ok", 200)]
#[case("GET", "/api/nothing", 404)]
#[case("POST", "/api/ok", 405)]
#[case("GET", "/api/panic", 500)]
#[case("TRACE", "/api/ok", 405)]
#[case("GET", "/api/%2e%2e/ok", 404)]
#[case("GET", "/api/id/no-uuid", 400)]
#[case("GET", "/api/late", 429)]
#[case("OPTIONS", "*", 404)]
#[tokio::test]
async fn every_answer_carries_the_security_headers_and_every_error_is_a_problem(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
) {
    let answer = ask(&edge(&[]), STRANGER, method, path, &[]).await;
    assert_eq!(answer.response.status(), status);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    if status >= 400 {
        let problem = answer.problem();
        assert_eq!(problem.status, status);
        assert_eq!(problem.request_id.as_deref(), answer.header("x-request-id"));
        let length: usize = answer.header(CONTENT_LENGTH).unwrap().parse().unwrap();
        assert_eq!(length, answer.body.len());
    }
}

#[tokio::test]
async fn a_panic_says_nothing_and_the_next_request_is_answered() {
    let edge = edge(&[]);
    let answer = ask(&edge, STRANGER, "GET", "/api/panic", &[]).await;
    assert_eq!(answer.problem().code.name(), "internal-error");
    assert!(!answer.body.contains("hunter2"));
    assert_eq!(ask(&edge, STRANGER, "GET", "/api/ok", &[]).await.body, "ok");
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let answer = ask(&edge(&[]), STRANGER, "DELETE", "/api/post", &[]).await;
    assert_eq!(answer.problem().code.name(), "method-not-allowed");
    assert_eq!(answer.header(ALLOW), Some("POST"));
}

#[rstest]
#[case("x-http-method-override")]
#[case("x-http-method")]
#[case("x-method-override")]
#[tokio::test]
async fn a_post_cannot_pass_for_something_else(#[case] header: &str) {
    let answer = ask(&edge(&[]), STRANGER, "POST", "/api/post", &[(header, "DELETE")]).await;
    assert_eq!(answer.response.status(), 405);
}

#[rstest]
#[case::packed(&[("content-encoding", "gzip")])]
#[case::packed_behind_one_that_is_not(&[("content-encoding", "identity"), ("content-encoding", "gzip")])]
#[case::packed_twice(&[("content-encoding", "gzip"), ("content-encoding", "br")])]
#[case::packed_in_no_way_twice(&[("content-encoding", "identity"), ("content-encoding", "identity")])]
#[case::in_a_list(&[("content-encoding", "identity, gzip")])]
#[case::of_two_kinds(&[("content-type", "application/json"), ("content-type", "text/plain")])]
#[tokio::test]
async fn a_body_that_is_packed_or_of_two_kinds_is_refused(#[case] headers: &[(&str, &str)]) {
    let answer = ask(&edge(&[]), STRANGER, "POST", "/api/post", headers).await;
    assert_eq!((answer.response.status().as_u16(), answer.problem().code.name()), (415, "unsupported-media-type"));
}

#[tokio::test]
async fn an_error_with_a_body_of_its_own_keeps_it() {
    let answer = ask(&edge(&[]), STRANGER, "GET", "/health", &[]).await;
    assert_eq!((answer.response.status().as_u16(), answer.body.as_str()), (503, r#"{"status":"unavailable"}"#));
}

#[tokio::test]
async fn handlers_see_the_client_that_a_trusted_proxy_names_and_no_other() {
    let edge = edge(&[]);
    let forwarded = [("x-forwarded-for", "198.51.100.1")];
    assert_eq!(ask(&edge, PROXY, "GET", "/api/client", &forwarded).await.body, "198.51.100.1");
    assert_eq!(ask(&edge, STRANGER, "GET", "/api/client", &forwarded).await.body, STRANGER);
}

#[tokio::test]
async fn each_request_has_an_id_of_its_own() {
    let edge = edge(&[]);
    let first = ask(&edge, STRANGER, "GET", "/api/ok", &[("x-request-id", "chosen-by-me")]).await;
    let second = ask(&edge, STRANGER, "GET", "/api/ok", &[]).await;
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_ne!(first.header("x-request-id"), Some("chosen-by-me"));
}

#[rstest]
#[case::null("null")]
#[case::suffix("https://app.example.com.evil.example")]
#[case::prefix("https://evil-app.example.com")]
#[case::subdomain("https://x.app.example.com")]
#[case::plain_http("http://app.example.com")]
#[case::port("https://app.example.com:8443")]
#[case::slash("https://app.example.com/")]
#[case::case_of_letters("https://APP.example.com")]
#[case::wildcard("*")]
#[tokio::test]
async fn a_hostile_origin_is_never_allowed(#[case] origin: &str) {
    let edge = edge(&[("CORS_ORIGINS", "https://app.example.com")]);
    for (method, extra) in [("GET", None), ("OPTIONS", Some(("access-control-request-method", "GET")))] {
        let headers: Vec<_> = [("origin", origin)].into_iter().chain(extra).collect();
        let answer = ask(&edge, STRANGER, method, "/api/ok", &headers).await;
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), None);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_METHODS), None);
        assert_eq!(answer.header(VARY), Some("origin"));
    }
}

#[tokio::test]
async fn a_configured_origin_may_ask_and_read_but_never_with_cookies() {
    let edge = edge(&[("CORS_ORIGINS", "https://app.example.com")]);
    let origin = ("origin", "https://app.example.com");
    let preflight =
        ask(&edge, STRANGER, "OPTIONS", "/api/ok", &[origin, ("access-control-request-method", "PATCH")]).await;
    assert_eq!(preflight.response.status(), 204);
    assert_eq!(preflight.header(ACCESS_CONTROL_ALLOW_METHODS), Some("GET, POST, PUT, PATCH, DELETE"));
    let answer = ask(&edge, STRANGER, "GET", "/api/ok", &[origin]).await;
    for answer in [preflight, answer] {
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), Some("https://app.example.com"));
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_CREDENTIALS), None);
    }
}

#[tokio::test]
async fn of_two_origins_neither_is_allowed() {
    let edge = edge(&[("CORS_ORIGINS", "https://app.example.com")]);
    for origins in [["https://app.example.com", "https://evil.example"], ["https://app.example.com"; 2]] {
        let headers = origins.map(|origin| ("origin", origin));
        assert_eq!(ask(&edge, STRANGER, "GET", "/api/ok", &headers).await.header(ACCESS_CONTROL_ALLOW_ORIGIN), None);
    }
}

#[tokio::test]
async fn without_configured_origins_nobody_is_allowed() {
    let answer = ask(&edge(&[]), STRANGER, "GET", "/api/ok", &[("origin", "https://id.example.com")]).await;
    assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), None);
}

/// What is logged, as somebody keeps it who only looks at levels and words.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<(Level, String)>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Captured {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::INFO {
            return;
        }
        let mut words = String::new();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            let _ = write!(words, "{field}={value:?} ");
        });
        self.0.lock().unwrap().push((level, words));
    }
}

#[rstest]
#[case::something_below_is_away("/api/away", Level::WARN, "the database is not available: nobody answers")]
#[case::what_may_pass_but_should_be_seen("/api/restored", Level::ERROR, "the database is not available: no table")]
#[case::a_fault("/api/broken", Level::ERROR, "the database is not available: a bug")]
#[case::an_answer_that_is_no_problem("/health", Level::WARN, "status=503")]
#[tokio::test]
async fn a_request_that_cannot_be_answered_is_one_line_with_its_cause_and_only_a_fault_is_an_alarm(
    #[case] path: &str,
    #[case] level: Level,
    #[case] words: &str,
) {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), captured.clone());
    let answer = ask(&edge(&[]), STRANGER, "GET", path, &[]).with_subscriber(subscriber).await;
    assert!(answer.response.status().is_server_error() && !answer.body.contains("database"), "{}", answer.body);
    let lines = captured.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].0 == level && lines[0].1.contains(words) && lines[0].1.contains(path), "{lines:?}");
}
