//! What anybody may ask: keys, health, and in development the mailbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::api::examples::Example;
use types::api::{DevelopmentMailbox, MailMessage};
use types::words::ProblemCode;
use utoipa::ToSchema;

use crate::area::AllAreas;
use crate::auth::keys::KeySet;
use crate::events::BusState;
use crate::http::operation::{Answer, JSON, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::mail::{self, Mail};
use crate::pages::{names, stylesheet};

/// What probes are told.
#[derive(Serialize, Deserialize, ToSchema)]
struct Probe {
    /// `ok` or `unavailable`.
    status: String,
}

impl Example for Probe {
    const EXAMPLE: &'static str = r#"{"status": "ok"}"#;
}

/// How the server is doing.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// `ok`, `degraded` or `unavailable`.
    status: String,
    /// `ok` or `unavailable`.
    database: String,
    /// How the way to the other servers is doing, over whichever line is best.
    bus: String,
    /// How each line of it is doing, by its name.
    bus_lines: BTreeMap<String, String>,
    /// How old this server’s revocation list is.
    revocation_list_age_ms: u64,
    /// How many sessions wait to be ended in the database.
    endings_pending: u64,
    /// Whether what waits can be written down: `ok` or `unavailable`.
    pending_log: String,
    /// How far this machine’s clock is ahead of the database’s.
    clock_offset_ms: i64,
    /// The settings in which the servers on this database differ.
    settings_differ: Vec<String>,
    /// By each of these settings, the servers that have it otherwise than this one.
    differing_servers: BTreeMap<String, Vec<String>>,
    /// `SERVER_ID`.
    server_id: String,
}

impl Example for Health {
    const EXAMPLE: &'static str = r#"{
        "status": "ok", "database": "ok", "bus": "ok", "busLines": {"database": "ok"}, "revocationListAgeMs": 120,
        "endingsPending": 0, "pendingLog": "ok", "clockOffsetMs": 3, "settingsDiffer": [], "differingServers": {},
        "serverId": "latchkey-1"
    }"#;
}

/// The document of the API.
#[derive(Serialize, Deserialize, ToSchema)]
struct Document {
    /// The version of OpenAPI.
    openapi: String,
    /// What OpenAPI says of a document.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Example for Document {
    const EXAMPLE: &'static str =
        r#"{"openapi": "3.1.0", "info": {"title": "Latchkey", "version": "1.0.0"}, "paths": {}, "components": {}}"#;
}

/// For the document of the API: [`openapi`].
pub const OPENAPI: Operation = Operation {
    id: "getOpenApi",
    summary: "This document",
    answers: &[Answer::json::<Document>(200, "The document (OpenAPI 3.1).")],
    ..Operation::NONE
};

/// `GET /api/openapi.json`: the same for every server of this version.
pub async fn openapi(State(state): State<ApiState>) -> Response {
    let document = (state.parts.get::<AllAreas>().document)();
    ([(CONTENT_TYPE, JSON), (CACHE_CONTROL, "public, max-age=300")], document).into_response()
}

/// The media type of a JWK set (RFC 7517, section 8.5.2).
const JWK_SET_JSON: &str = "application/jwk-set+json";

/// How many mails the mailbox shows.
const MAILS_SHOWN: i64 = 50;

/// What it shows while there is none.
const NO_MAILS: &str = "<section class=\"state\"><h2>No mail yet</h2>\
    <p class=\"state-text\">Codes, links and warnings will appear here.</p></section>";

/// For the document of the API: [`jwks`].
pub const JWKS: Operation = Operation {
    id: "getKeys",
    summary: "The public keys that verify access tokens",
    about: "RFC 7517.",
    answers: &[Answer::of(200, "The keys.", JWK_SET_JSON, Payload::of::<KeySet>())],
    ..Operation::NONE
};

/// `GET /.well-known/jwks.json`: may be kept for less than the time a new key is published before it signs.
pub async fn jwks(State(state): State<ApiState>) -> Response {
    let headers = [(CONTENT_TYPE, JWK_SET_JSON), (CACHE_CONTROL, "public, max-age=300")];
    let published = state.server_status().key_ring.published(state.context.clock.now());
    (headers, serde_json::to_string(&published).unwrap_or_default()).into_response()
}

/// For the document of the API: [`live`].
pub const LIVE: Operation = Operation {
    id: "isLive",
    summary: "Whether the process runs",
    answers: &[Answer::json::<Probe>(200, "It does.")],
    ..Operation::NONE
};

/// `GET /health/live`: the process runs.
pub async fn live() -> Response {
    Json(Probe { status: availability(true) }).into_response()
}

fn availability(is_well: bool) -> String {
    let word = if is_well { "ok" } else { "unavailable" };
    word.to_owned()
}

/// For the document of the API: [`ready`].
pub const READY: Operation = Operation {
    id: "isReady",
    summary: "Whether the server may be sent traffic",
    answers: &[Answer::json::<Probe>(200, "It may."), Answer::json::<Probe>(503, "It may not, for now.")],
    ..Operation::NONE
};

/// `GET /health/ready`: the live revocations are loaded and the list is current, or the database can be asked instead.
pub async fn ready(State(state): State<ApiState>) -> Response {
    let current = state.sessions().revocations().list().is_current(state.context.clock.monotonic());
    let ready = !state.stopping.is_cancelled()
        && state.sessions().revocations().list().is_loaded()
        && (current || state.context.store.maintenance().ping().await.is_ok());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Probe { status: availability(ready) })).into_response()
}

/// For the document of the API: [`health`].
pub const HEALTH: Operation = Operation {
    id: "getHealth",
    summary: "The server, with its database and the way to the others",
    answers: &[
        Answer::json::<Health>(200, "It works, perhaps with something amiss."),
        Answer::json::<Health>(503, "It does not work."),
    ],
    ..Operation::NONE
};

/// `GET /health`: with database and bus.
pub async fn health(State(state): State<ApiState>) -> Response {
    let database = state.context.store.maintenance().ping().await.is_ok();
    let now = state.context.clock.monotonic();
    let current = state.sessions().revocations().list().is_current(now);
    let bus = state.server_status().bus.state();
    let pending = state.sessions().terminations().pending();
    let differing = state.server_status().registry.differing_servers();
    let pending_log = Arc::clone(state.sessions().terminations().pending_log());
    let written = tokio::task::spawn_blocking(move || pending_log.is_writable()).await.unwrap_or(false);
    // Without the bus everything works, only later. What waits to be committed is not known everywhere, and what could
    // not be written down either would be forgotten.
    let is_bus_well = !matches!(bus, BusState::Unavailable | BusState::Degraded);
    let is_well = is_bus_well && pending == 0 && written && differing.is_empty();
    let (status, summary) = match (database, current) {
        (true, true) if is_well => (StatusCode::OK, "ok"),
        (true, _) | (false, true) => (StatusCode::OK, "degraded"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let age = u64::try_from(state.sessions().revocations().list().age(now).as_millis()).unwrap_or(u64::MAX);
    let lines = state.server_status().bus.lines().map(|(name, line)| (name.to_owned(), line.as_str().to_owned()));
    let health = Health {
        status: summary.to_owned(),
        database: availability(database),
        bus: bus.as_str().to_owned(),
        bus_lines: lines.collect(),
        revocation_list_age_ms: age,
        endings_pending: u64::try_from(pending).unwrap_or(u64::MAX),
        pending_log: availability(written),
        clock_offset_ms: state.context.clock.offset_ms(),
        settings_differ: differing.keys().cloned().collect(),
        differing_servers: differing,
        server_id: state.server_status().server_id.clone(),
    };
    (status, Json(health)).into_response()
}

/// The mailbox as a page.
#[derive(Serialize, Deserialize, ToSchema)]
struct MailboxPage(String);

impl Example for MailboxPage {
    const EXAMPLE: &'static str =
        r#""<!doctype html><html lang=\"en\"><head><title>Mailbox</title></head><body>…</body></html>""#;
}

/// For the document of the API: [`mailbox`].
pub const MAILBOX: Operation = Operation {
    id: "getMailbox",
    summary: "Mail that development mode kept",
    about: "As a page, or for `Accept: application/json` as data. Only in development.",
    answers: &[
        Answer::json::<DevelopmentMailbox>(200, "The newest mails, as data"),
        Answer::of(200, "or as a page.", "text/html", Payload::of::<MailboxPage>()),
    ],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `GET /dev/mailbox`: what development mode kept instead of sending, as a page or, for `Accept: application/json`, as
/// data.
pub async fn mailbox(State(state): State<ApiState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !state.development {
        return Err(ApiError::not_found());
    }
    let messages: Vec<MailMessage> = mail::mailbox(&state, MAILS_SHOWN)
        .await?
        .into_iter()
        .map(|Mail { to, content, queued_at, .. }| MailMessage {
            to,
            subject: content.subject,
            text: content.text,
            sent_at: queued_at,
        })
        .collect();
    if headers.get_all(ACCEPT).iter().any(|accept| names(accept, b"application/json")) {
        return Ok(Json(DevelopmentMailbox { messages }).into_response());
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(Html(page(&messages, &stylesheet(), host)).into_response())
}

/// The mailbox as a page in the app's style. Links in mails can be followed where they lead to `host`, which is us.
fn page(messages: &[MailMessage], stylesheet: &str, host: &str) -> String {
    let mails: Vec<String> = messages.iter().map(|mail| article(mail, host)).collect();
    let mails = if mails.is_empty() { NO_MAILS.to_owned() } else { mails.concat() };
    let stylesheet = escape(stylesheet);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mailbox · Latchkey development</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"><link rel=\"stylesheet\" href=\"{stylesheet}\"></head>\
         <body><header class=\"header\"><div class=\"header-inner\"><a class=\"brand\" href=\"/\">\
         <img src=\"/favicon.svg\" alt=\"\" width=\"30\" height=\"30\">Latchkey</a></div></header>\
         <main class=\"page\"><h1>Mailbox</h1>\
         <p class=\"page-lead\">Development mode keeps mail here instead of sending it.</p>\
         <div class=\"mails\">{mails}</div></main></body></html>"
    )
}

fn article(mail: &MailMessage, host: &str) -> String {
    let (to, subject, text) = (escape(&mail.to), escape(&mail.subject), with_links(&mail.text, host));
    let at = mail.sent_at.to_string();
    let readable = match (at.get(..10), at.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => at.clone(),
    };
    format!(
        "<article class=\"panel mail\"><h2>{subject}</h2>\
         <p class=\"small quiet\">To {to} · <time datetime=\"{at}\">{readable}</time></p>\
         <p class=\"mail-text\">{text}</p></article>"
    )
}

/// The text for a page, with its addresses on `host` as links. Other addresses are what somebody typed, and stay text.
fn with_links(text: &str, host: &str) -> String {
    let is_ours = |word: &str| {
        let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
        rest.and_then(|rest| rest.strip_prefix(host)).is_some_and(|rest| !host.is_empty() && rest.starts_with('/'))
    };
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            let (space, shown) = (&piece[word.len()..], escape(word));
            if is_ours(word) { format!("<a href=\"{shown}\">{shown}</a>{space}") } else { format!("{shown}{space}") }
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const HOST_HERE: &str = "localhost:3000";

    #[rstest]
    #[case("http://localhost:3000/reset-password#token=a-b", true)]
    #[case("https://localhost:3000/", true)]
    #[case("http://localhost:3000.evil.example/", false)]
    #[case("http://localhost:3000@evil.example/", false)]
    #[case("http://evil.example/localhost:3000/", false)]
    #[case("javascript:alert(1)//localhost:3000/", false)]
    fn only_addresses_of_this_server_become_links(#[case] address: &str, #[case] linked: bool) {
        let page = with_links(&format!("Hello,\n\n{address}\n\nBye"), HOST_HERE);
        assert_eq!(page.contains(&format!("<a href=\"{address}\">{address}</a>\n\nBye")), linked, "{page}");
        assert_eq!(page.contains("<a"), linked, "{page}");
    }

    #[test]
    fn markup_around_an_address_stays_text() {
        let page = with_links("<b> http://localhost:3000/\"><script> &", HOST_HERE);
        assert_eq!(page.matches('<').count(), 2, "the link and its end: {page}");
        assert!(!with_links("http:///x", "").contains("<a"), "nobody said where they are");
    }
}
