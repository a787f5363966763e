//! No statement reads a whole table that grows: each finds its rows by an index.

use sqlx::{AssertSqlSafe, Connection};
use sqlx_postgres::PgConnection;
use sqlx_sqlite::SqliteConnection;

use crate::support::store::{Backend, START, TestStore, sign_in, stored_user};

/// What is asked of everything there is, on purpose, and rarely.
const OF_EVERYTHING: [&str; 1] = ["COUNT_USERS"];
/// These stay small: one row, and a handful of keys.
const SMALL: [&str; 2] = ["revocation_head", "signing_keys"];

#[tokio::test]
async fn sqlite_finds_all_rows_by_an_index() {
    let store = TestStore::open(Backend::Sqlite).await;
    let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
    let mut scans = Vec::new();
    for (name, text) in store.statements().filter(|(name, _)| !OF_EVERYTHING.contains(name)) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.expect("a plan");
        // What a statement has found itself and reads once more (`due`, `few`, `found`, `seen`) is no table.
        // An index that is walked in order stops at its LIMIT; so does the table where its own order is asked for.
        let is_scan = |step: &&String| step.starts_with("SCAN") && !step.contains(" USING ");
        let is_small = |step: &&String| {
            SMALL
                .iter()
                .chain(&["h", "CONSTANT", "2-ROW", "due", "few", "found", "seen", "(subquery"])
                .any(|small| step[5..].starts_with(small))
        };
        let found = steps.iter().map(|(.., step)| step).filter(is_scan).filter(|step| !is_small(step));
        scans.extend(found.map(|step| format!("{name}: {step}")));
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

#[tokio::test]
async fn postgres_can_find_all_rows_by_an_index() {
    let store = TestStore::open(Backend::Postgres).await;
    let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
    // The tables are empty here; this makes the planner take an index wherever one serves.
    let plan = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(plan).execute(&mut connection).await.expect("settings");
    let mut scans = Vec::new();
    for (name, text) in store.statements().filter(|(name, _)| !OF_EVERYTHING.contains(name)) {
        let steps = generic_plan(&mut connection, name, &text).await;
        let is_small = |step: &&String| SMALL.iter().any(|small| step.contains(small));
        let found = steps.iter().filter(|step| step.contains("Seq Scan"));
        scans.extend(found.filter(|step| !is_small(step)).map(|step| format!("{name}: {}", step.trim())));
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// How PostgreSQL would execute a statement whatever its parameters are, step by step.
async fn generic_plan(connection: &mut PgConnection, name: &str, text: &str) -> Vec<String> {
    let prepare = AssertSqlSafe(format!("PREPARE asked AS {text}"));
    sqlx::raw_sql(prepare).execute(&mut *connection).await.expect(name);
    let count: Vec<(i32,)> =
        sqlx::query_as("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'")
            .fetch_all(&mut *connection)
            .await
            .expect("its parameters");
    let nulls = vec!["NULL"; usize::try_from(count[0].0).expect("a number")].join(", ");
    let call = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{call}"));
    let steps: Vec<(String,)> = sqlx::query_as(explain).fetch_all(&mut *connection).await.expect("a plan");
    sqlx::raw_sql("DEALLOCATE asked").execute(connection).await.expect("done");
    steps.into_iter().map(|(step,)| step).collect()
}

#[tokio::test]
async fn lists_come_out_of_their_index_in_order() {
    let store = TestStore::open(Backend::Sqlite).await;
    let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
    for (name, index) in [
        ("LIVE_SESSIONS", "sessions_live_of_user"),
        ("ACTIVITY", "audit_log_of_user"),
        ("USERS_BY_EMAIL", "sqlite_autoindex_users"),
        ("DISABLED_USERS_BY_EMAIL", "users_disabled"),
        ("UNVERIFIED_USERS_BY_EMAIL", "users_unverified"),
        ("USERS_BY_NAME", "users_by_name"),
        ("DISABLED_USERS_BY_NAME", "users_disabled_by_name"),
        ("UNVERIFIED_USERS_BY_NAME", "users_unverified_by_name"),
        ("NEWEST_USERS", "sqlite_autoindex_users"),
        ("NEWEST_DISABLED_USERS", "users_disabled_by_age"),
        ("NEWEST_UNVERIFIED_USERS", "users_unverified_by_age"),
        ("ENTRIES_BEFORE", "audit_log_in_time"),
        ("ENTRIES_BEFORE_OF_USER", "audit_log_of_user"),
        ("ENTRIES_BEFORE_BY_ACTOR", "audit_log_by_actor"),
        ("ENTRIES_BEFORE_AT_ADDRESS", "audit_log_by_address"),
        ("ENTRIES_BEFORE_OF_ACTION", "audit_log_by_action"),
        ("NEWEST_LIVE_SESSIONS", "sessions_live_by_start"),
        ("LIVE_SESSIONS_BY_START", "sessions_live_by_start"),
        ("LIVE_SESSIONS_BY_ADDRESS", "sessions_live_by_address"),
        ("REMOVALS_AFTER", "room_messages_by_removal"),
        ("TAKEN_ADDRESSES", "audit_log_of_user"),
    ] {
        let (_, text) = store.statements().find(|(found, _)| *found == name).expect("the statement");
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.expect("a plan");
        let steps: Vec<_> = steps.into_iter().map(|(.., step)| step).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}

/// Those of a role that few have are found by the role, and not by walking all users in their order.
#[tokio::test]
async fn those_of_a_role_are_found_by_the_role() {
    let sqlite = TestStore::open(Backend::Sqlite).await;
    let mut connection = SqliteConnection::connect(&sqlite.url()).await.expect("a connection");
    for name in ["FEW_USERS_BY_EMAIL", "FEW_USERS_BY_NAME", "NEWEST_FEW_USERS"] {
        let (_, text) = sqlite.statements().find(|(found, _)| *found == name).expect("the statement");
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut connection).await.expect("a plan");
        let steps: Vec<_> = steps.into_iter().map(|(.., step)| step).collect();
        assert!(steps.iter().any(|step| step.contains("user_roles_by_role")), "{name}: {steps:?}");
        assert!(steps.iter().any(|step| step.contains("users") && step.contains("(id=?")), "{name}: {steps:?}");
    }
    let (_, text) = sqlite.statements().find(|(name, _)| *name == "USERS_AT_ADDRESS").expect("the statement");
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.expect("a plan");
    let steps: Vec<_> = steps.into_iter().map(|(.., step)| step).collect();
    assert!(steps.iter().any(|step| step.contains("sessions_live_by_address")), "{steps:?}");
    assert!(steps.iter().any(|step| step.contains("users") && step.contains("(id=?")), "{steps:?}");
}

#[tokio::test]
async fn a_page_of_the_log_is_read_in_order_and_not_sorted_out_of_all_that_is_left() {
    let store = TestStore::open(Backend::Postgres).await;
    let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
    sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
        .execute(&mut connection)
        .await
        .expect("settings");
    let (_, text) = store.statements().find(|(name, _)| *name == "LIVE_REVOCATIONS").expect("the statement");
    let explain = AssertSqlSafe(format!("EXPLAIN {}", text.replace("$1", "500000").replace("$2", "10000")));
    let steps: Vec<(String,)> = sqlx::query_as(explain).fetch_all(&mut connection).await.expect("a plan");
    assert!(!steps.iter().any(|(step,)| step.contains("Sort")), "{steps:?}");
}

/// The indexes of all sessions that have not ended, and of all entries that are not sealed: small when almost nobody is
/// signed in and everything is sealed, and large an hour later. Only what walks them may read them.
const OF_ALL_THAT_LIVES: [(&str, &[&str]); 5] = [
    ("sessions_past_their_time", &["MARK_EXPIRED", "COUNT_LIVE_SESSIONS"]),
    ("sessions_live_by_start", &["NEWEST_LIVE_SESSIONS", "LIVE_SESSIONS_BY_START"]),
    ("sessions_live_by_address", &["LIVE_SESSIONS_BY_ADDRESS", "USERS_AT_ADDRESS"]),
    ("sessions_live_in_browser", &["LIVE_IN_BROWSER"]),
    ("audit_log_unsealed", &["UNSEALED", "COUNT_UNSEALED"]),
];

/// A plan is kept as long as its connection, and may be from when everybody had been signed out.
#[tokio::test]
async fn a_plan_from_when_nobody_was_signed_in_serves_when_everybody_is() {
    let store = TestStore::open(Backend::Postgres).await;
    let ada = stored_user(&store, "ada").await;
    sign_in(&store, ada, "Laptop", START).await;
    let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
    for statement in [
        "UPDATE sessions SET ended_at = created_at, end_reason = 'admin_revoked'",
        "INSERT INTO sessions SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), \
         'refresh_digest', sha256(CAST(CAST(gen_random_uuid() AS text) AS bytea))))).* \
         FROM sessions s, generate_series(1, 20000)",
        "VACUUM (FULL, ANALYZE) sessions",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
    }
    let mut wrong = Vec::new();
    for (name, text) in store.statements() {
        for step in generic_plan(&mut connection, name, &text).await {
            let read = OF_ALL_THAT_LIVES.iter().filter(|(index, _)| step.contains(index));
            let read = read.filter(|(_, walks)| !walks.contains(&name));
            wrong.extend(read.map(|(index, _)| format!("{name} reads {index}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
