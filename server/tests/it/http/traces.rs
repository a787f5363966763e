//! Traces: what a collector is sent, and what it is not.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::app::{Answer, PASSWORD, TestApp};
use crate::support::collector::{Collector, text};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn signs_in_within_a_trace(app: &TestApp) -> Answer {
    let request = app
        .request(Method::POST, "/api/auth/login")
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&json!({"email": "ada@example.com", "password": PASSWORD}));
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_request_is_a_span_with_what_it_waited_for_within() {
    let collector = Collector::start().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_SERVICE_NAME", "sign-in".to_owned()),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
    ];
    let mut app = TestApp::start_with(&settings.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    app.registers("ada@example.com").await;
    let signed_in = signs_in_within_a_trace(&app).await;
    let session = signed_in.body["sessionId"].as_str().unwrap().to_owned();
    app.get(&format!("/api/auth/sessions/{session}/history?secret=in-the-query")).await;
    app.shut_down().await;

    let spans = collector.spans();
    let login = spans.iter().find(|span| span.name == "POST /api/auth/login").expect("a span of the sign-in");
    assert_eq!((hexadecimal(&login.trace_id), hexadecimal(&login.parent_span_id)), (TRACE.into(), PARENT.into()));
    let attribute = |name| text(&login.attributes, name);
    assert_eq!(attribute("http.route").as_deref(), Some("/api/auth/login"));
    assert_eq!(attribute("http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute("latchkey.request_id").as_deref(), Some(signed_in.header("x-request-id")));
    let within: Vec<&str> = spans
        .iter()
        .filter(|span| span.parent_span_id == login.span_id && span.trace_id == login.trace_id)
        .map(|span| span.name.as_str())
        .collect();
    for expected in ["store.user_by_email", "password.hash", "store.record_sign_in"] {
        assert!(within.contains(&expected), "{expected} in {within:?}");
    }
    assert_eq!(collector.resource("service.name").as_deref(), Some("sign-in"));
    assert_eq!(collector.resource("service.instance.id").as_deref(), Some("test"));

    let (access, refresh) = (signed_in.body["accessToken"].as_str(), signed_in.body["refreshToken"].as_str());
    let sent = String::from_utf8_lossy(&collector.bytes()).into_owned();
    for canary in ["ada@example.com", PASSWORD, &session, "in-the-query", access.unwrap(), refresh.unwrap()] {
        assert!(!sent.contains(canary), "{canary} was sent");
    }
}

#[tokio::test]
async fn a_stranger_cannot_put_requests_into_a_trace() {
    let collector = Collector::start().await;
    let mut app = TestApp::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())]).await;
    app.registers("ada@example.com").await;
    signs_in_within_a_trace(&app).await;
    app.shut_down().await;
    let spans = collector.spans();
    let login = spans.iter().find(|span| span.name == "POST /api/auth/login").expect("a span of the sign-in");
    assert_ne!(hexadecimal(&login.trace_id), TRACE);
    assert!(login.parent_span_id.is_empty());
}

#[tokio::test]
async fn a_collector_that_does_not_answer_holds_up_neither_requests_nor_the_end() {
    // Takes connections, as the operating system does for every listener, and never reads.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut app = TestApp::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    assert!(app.new_user("ada@example.com").await.passes().await);
    let began = Instant::now();
    app.shut_down().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
