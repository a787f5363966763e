//! What anybody may ask: keys, health, and in development the mailbox.

use app::api::{DevelopmentMailbox, MailMessage};
use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::events::BusState;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;

/// How many letters the mailbox shows.
const MAILBOX: i64 = 50;

/// `GET /.well-known/jwks.json`: may be kept for less than the time a new key is published before it signs.
pub async fn jwks(State(state): State<ApiState>) -> Response {
    let headers = [(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, state.key_ring.published(state.sessions.clock.now()).to_string()).into_response()
}

/// `GET /health/live`: the process runs.
pub async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /health/ready`: the live revocations are loaded and the list is current, or the database can be asked instead.
pub async fn ready(State(state): State<ApiState>) -> Response {
    let current = state.sessions.list.is_current(state.sessions.clock.monotonic());
    let ready = !state.stopping.is_cancelled()
        && state.sessions.list.is_loaded()
        && (current || state.sessions.store.ping().await.is_ok());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"status": if ready { "ok" } else { "unavailable" }}))).into_response()
}

/// `GET /health`: with database and bus.
pub async fn health(State(state): State<ApiState>) -> Response {
    let database = state.sessions.store.ping().await.is_ok();
    let now = state.sessions.clock.monotonic();
    let current = state.sessions.list.is_current(now);
    let bus = state.sessions.bus.state();
    let pending = state.sessions.endings_pending();
    let (status, word) = match (database, current) {
        // Without the bus everything works, only later. What waits to be committed is not known everywhere.
        (true, true) if bus != BusState::Unavailable && pending == 0 => (StatusCode::OK, "ok"),
        (true, _) | (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let age = u64::try_from(state.sessions.list.age(now).as_millis()).unwrap_or(u64::MAX);
    let body = json!({
        "status": word,
        "database": if database { "ok" } else { "unavailable" },
        "bus": bus.as_str(),
        "revocationListAgeMs": age,
        "endingsPending": pending,
        "clockOffsetMs": state.sessions.clock.offset_ms(),
        "serverId": state.server_id,
    });
    (status, Json(body)).into_response()
}

/// `GET /dev/mailbox`: what development mode kept instead of sending, as a page or, for `Accept: application/json`, as data.
pub async fn mailbox(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !state.development {
        return Err(ApiError::not_found());
    }
    let mails = state.sessions.store.mailbox(MAILBOX).await?;
    let messages: Vec<MailMessage> = mails
        .into_iter()
        .map(|mail| MailMessage { to: mail.to, subject: mail.subject, text: mail.text, sent_at: mail.queued_at })
        .collect();
    let wants = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if wants.contains("application/json") {
        return Ok(Json(DevelopmentMailbox { messages }).into_response());
    }
    Ok(Html(page(&messages)).into_response())
}

fn page(messages: &[MailMessage]) -> String {
    let letters: Vec<String> = messages
        .iter()
        .map(|mail| {
            let [to, subject, text] = [&mail.to, &mail.subject, &mail.text].map(|text| escape(text));
            let at = mail.sent_at;
            format!("<article><h2>{subject}</h2><p>To {to} · <time datetime=\"{at}\">{at}</time></p><pre>{text}</pre></article>")
        })
        .collect();
    let letters = if letters.is_empty() { "<p>No mail yet.</p>".to_owned() } else { letters.concat() };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mailbox · Latchkey development</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"></head>\
         <body><main><h1>Mailbox</h1><p>Development mode keeps mail here instead of sending it.</p>{letters}</main></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
