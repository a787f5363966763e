//! Whoever has an address, a call does the same work: as many statements and as many password hashes. Times are not
//! compared, because a busy machine says what it likes.

use std::sync::{Mutex, PoisonError};

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::support::app::{Answer, PASSWORD, TestApp};
use crate::support::store::Backend;

/// What the driver says it has asked the database, in this process.
static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What runs by itself every now and then.
const BY_ITSELF: [&str; 10] = [
    " servers ",
    // Of whatever transaction: what was done in ours is compared.
    "COMMIT",
    "revocation_head",
    "UPDATE jobs SET due_at",
    "UPDATE jobs SET done_at",
    "DELETE FROM jobs WHERE id",
    "FROM jobs WHERE kind",
    "UPDATE sessions SET last_active",
    "signing_keys",
    "pg_notify",
];

struct Statements;

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Read(String, String);
        impl Visit for Read {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                match field.name() {
                    "summary" => self.0 = format!("{value:?}"),
                    "db.statement" => self.1 = format!("{value:?}"),
                    _ => {}
                }
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                match field.name() {
                    "summary" => value.clone_into(&mut self.0),
                    "db.statement" => value.clone_into(&mut self.1),
                    _ => {}
                }
            }
        }
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut read = Read(String::new(), String::new());
        event.record(&mut read);
        let text = if read.1.trim().is_empty() { read.0 } else { read.1 };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if BY_ITSELF.iter().all(|part| !text.contains(part)) {
            STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}

/// What one call did: its statements in order, and how many passwords were hashed, compared or judged.
#[derive(Debug, PartialEq)]
struct Work {
    statements: Vec<String>,
    hashes: u64,
}

async fn hashes(app: &TestApp) -> u64 {
    let address = app.metrics_address.expect("a metrics listener");
    let metrics = app.http.get(format!("http://{address}/metrics")).send().await.expect("an answer");
    let metrics = Answer::read(metrics).await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("latchkey_password_hash_duration_seconds_count "));
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{metrics}"))
}

async fn work_of(app: &TestApp, path: &str, body: &Value) -> (StatusCode, Work) {
    let before = hashes(app).await;
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let answer = app.post(path, body).await;
    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(!statements.is_empty(), "{path}: the driver says what it asks");
    (answer.status, Work { statements, hashes: hashes(app).await - before })
}

/// Somebody with an account, somebody who waits for a code, somebody whose account a stranger registers, nobody, and
/// somebody who has brought a hash along from another system.
async fn everybody(app: &TestApp) -> [&'static str; 5] {
    let all =
        ["proved@example.com", "waiting@example.com", "both@example.com", "nobody@example.com", "imported@example.com"];
    for email in [all[0], all[2], all[4]] {
        app.registers(email).await;
        let code = app.code_for(email).await;
        let proof = app.post("/api/auth/verify-email", &json!({"email": email, "otp": code})).await;
        assert_eq!(proof.status, StatusCode::OK);
    }
    for email in [all[1], all[2]] {
        app.registers(email).await;
    }
    app.execute(
        "UPDATE users SET password_hash = '$2b$04$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.' \
         WHERE email = 'imported@example.com'",
    )
    .await;
    app.advance(std::time::Duration::from_hours(25));
    all
}

#[rstest]
#[tokio::test]
async fn a_call_does_the_same_whoever_has_the_address(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let subscriber = tracing_subscriber::registry().with(Statements);
    // Every test is a process of its own; where several share one, the first has set it.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let app =
        TestApp::start_on(backend, &[("REQUIRE_EMAIL_VERIFICATION", "true"), ("METRICS_ADDR", "127.0.0.1:0")]).await;
    let all = everybody(&app).await;
    let other = "monday walrus candle";
    for (path, rest, hashed) in [
        ("/api/auth/resend-code", json!({}), 0),
        ("/api/auth/verify-email", json!({"otp": "000000"}), 0),
        ("/api/auth/login", json!({"password": other}), 2),
        ("/api/auth/forgot-password", json!({}), 0),
        ("/api/auth/register", json!({"password": other, "name": "Curious"}), 2),
        // And what can be told from the same password afterwards.
        ("/api/auth/login", json!({"password": other}), 2),
        ("/api/auth/resend-code", json!({}), 0),
        ("/api/auth/verify-email", json!({"otp": "000000"}), 0),
    ] {
        app.advance(std::time::Duration::from_mins(1));
        let mut done = Vec::new();
        for email in all {
            let mut body = rest.clone();
            body["email"] = json!(email);
            done.push(work_of(&app, path, &body).await);
        }
        for (email, work) in all.iter().zip(&done) {
            assert_eq!(*work, done[0], "{path} for {email} and for {}", all[0]);
        }
        assert_eq!(done[0].1.hashes, hashed, "{path}");
    }
    assert_eq!(
        app.post("/api/auth/login", &json!({"email": all[0], "password": PASSWORD})).await.status,
        StatusCode::OK
    );
}
