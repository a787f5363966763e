//! What is left of a session once it was signed out: nothing but what is named here, in whatever table or key.

use std::collections::BTreeSet;
use std::fs;

use redis::AsyncConnectionConfig;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::{ADA, BOB, eventually, joins, makes_room, says, signs_out};
use crate::architecture::root;
use crate::support::app::TestApp;
use crate::support::redis::RedisServer;
use crate::support::socket::Socket;
use crate::support::store::Backend;

/// What becomes of rows that name a session, when that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// They go in the transaction that ends it.
    Goes,
    /// They stay for a while, which `docs/operate.md` says.
    Stays,
}

/// The tables in which a session can stand.
const TABLES: [(&str, Rest); 8] = [
    ("alerts", Rest::Stays),
    ("audit_log", Rest::Stays),
    ("end_runs", Rest::Stays),
    ("revocation_log", Rest::Stays),
    ("room_presence", Rest::Goes),
    ("session_history", Rest::Stays),
    ("sessions", Rest::Stays),
    ("stream_tickets", Rest::Stays),
];

/// What the keys have in them that Redis may hold. `docs/operate.md` says when each goes by itself.
const REDIS_KEYS: &[&str] = &[":room:", ":rooms:since"];

/// Tables with a column that names a session, or that refers to sessions.
const OF_SQLITE: &str = "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
    AND (m.name = 'sessions' OR c.name LIKE '%session%' OR c.name = 'ended_by') \
    UNION SELECT m.name FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f \
    WHERE m.type = 'table' AND f.\"table\" = 'sessions'";
const OF_POSTGRES: &str = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' \
    AND (table_name = 'sessions' OR column_name LIKE '%session%' OR column_name = 'ended_by') \
    UNION SELECT c.table_name::text FROM information_schema.table_constraints c \
    JOIN information_schema.constraint_column_usage u ON u.constraint_name = c.constraint_name \
    WHERE c.constraint_type = 'FOREIGN KEY' AND u.table_name = 'sessions'";

#[rstest]
#[tokio::test]
async fn every_table_in_which_a_session_can_stand_is_named(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let found: Vec<(String,)> = match backend {
        Backend::Sqlite => sqlx::query_as(OF_SQLITE).fetch_all(&mut app.database().await).await.expect("tables"),
        Backend::Postgres => sqlx::query_as(OF_POSTGRES).fetch_all(&mut app.postgres().await).await.expect("tables"),
    };
    let found: BTreeSet<String> = found.into_iter().map(|(table,)| table).collect();
    let named: BTreeSet<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
    assert_eq!(found, named, "say what becomes of the rows of a session that has ended");
}

#[test]
fn what_stays_is_documented() {
    let documentation = fs::read_to_string(root().join("docs/operate.md")).expect("the documentation");
    let (_, section) = documentation.split_once("### What is left of a session that has ended\n").expect("a section");
    let section = section.split("\n## ").next().expect("a section");
    for (table, rest) in TABLES {
        let is_there = section.contains(&format!("| `{table}` |"));
        assert_eq!(is_there, rest == Rest::Stays, "{table}");
    }
}

/// Where a server keeps what it knows.
#[derive(Clone, Copy, Debug)]
enum Place {
    Sqlite,
    Postgres,
    PostgresWithRedis,
}

/// The tables in which a session stands.
async fn tables_with(app: &TestApp, session_id: &str) -> BTreeSet<String> {
    let id = session_id.replace('-', "");
    let rows = app.everything().await.into_iter().filter(|row| row.contains(&id));
    rows.filter_map(|row| Some(row.split_once(": ")?.0.to_owned())).collect()
}

pub(super) async fn nothing_is_left_but_what_is_named(app: &TestApp, session_id: &str) {
    for table in tables_with(app, session_id).await {
        let named = TABLES.iter().find(|(name, _)| *name == table).map(|(_, rest)| *rest);
        assert_eq!(named, Some(Rest::Stays), "{table} names the session");
    }
}

/// The keys that a Redis holds, each with what is in it where it is a set.
async fn keys_of(server: &RedisServer) -> Vec<(String, Vec<String>)> {
    let client = redis::Client::open(server.url()).expect("a client");
    let config = AsyncConnectionConfig::new();
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection");
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("keys");
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let members = redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).query_async(&mut connection).await;
        // The others are one text.
        found.push((key, members.unwrap_or_default()));
    }
    found
}

/// Heartbeats go with the next ones in their room, which the end of the session brings on.
pub(super) async fn no_key_is_left_but_what_is_named(server: &RedisServer, session_id: &str) {
    let names_session = |text: &str| text.contains(session_id) || text.contains(&session_id.replace('-', ""));
    eventually(async || {
        let keys = keys_of(server).await;
        keys.iter().all(|(_, members)| !members.iter().any(|member| names_session(member)))
    })
    .await;
    for (key, _) in keys_of(server).await {
        assert!(REDIS_KEYS.iter().any(|part| key.contains(part)), "{key} is not named");
        assert!(!names_session(&key), "{key} names the session");
    }
}

#[rstest]
#[tokio::test]
async fn after_a_sign_out_nothing_of_the_session_is_left(
    #[values(Place::Sqlite, Place::Postgres, Place::PostgresWithRedis)] place: Place,
) {
    let server = if matches!(place, Place::PostgresWithRedis) { Some(RedisServer::start().await) } else { None };
    let url = server.as_ref().map(RedisServer::url);
    let settings: Vec<(&str, &str)> = url.iter().map(|url| ("REDIS_URL", url.as_str())).collect();
    let backend = if matches!(place, Place::Sqlite) { Backend::Sqlite } else { Backend::Postgres };
    let mut app = TestApp::start_on(backend, &settings).await;
    if server.is_some() {
        eventually(async || app.get("/health").await.body["bus"] == "ok").await;
    }
    let session_id = {
        let (ada, bob) = (app.new_user(ADA).await, app.new_user(BOB).await);
        let attic = makes_room(&ada, "Attic").await;
        joins(&bob, &attic).await;
        let mut hers = Socket::attending(&ada, &attic).await;
        // All that a session can have: a socket, a stream, a ticket that nobody has used, words, and being about to say
        // more.
        let (mut his, mut events) = (Socket::attending(&bob, &attic).await, bob.listens().await);
        let ticket = bob.post("/api/auth/events/ticket", &json!({})).await;
        assert_eq!(ticket.status, StatusCode::OK, "{}", ticket.text);
        assert_eq!(says(&bob, &attic, "Good-bye").await.status, StatusCode::CREATED);
        his.types(&attic, true).await;
        hers.next_named("room.typing").await;
        let before = tables_with(&app, bob.session_id()).await;
        for table in ["room_presence", "sessions", "session_history", "stream_tickets"] {
            assert!(before.contains(table), "what is looked for in {table} is found: {before:?}");
        }

        signs_out(&bob).await;
        nothing_is_left_but_what_is_named(&app, bob.session_id()).await;
        hers.next_named("room.left").await;
        assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
        while events.next().await.is_some() {}
        assert_eq!(says(&ada, &attic, "Is he gone?").await.status, StatusCode::CREATED);
        nothing_is_left_but_what_is_named(&app, bob.session_id()).await;
        bob.session_id().to_owned()
    };
    if let Some(server) = &server {
        no_key_is_left_but_what_is_named(server, &session_id).await;
    }
    // Whatever was still to be written is written now.
    app.shut_down().await;
    nothing_is_left_but_what_is_named(&app, &session_id).await;
    if let Some(server) = &server {
        no_key_is_left_but_what_is_named(server, &session_id).await;
    }
}
