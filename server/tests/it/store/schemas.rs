//! Both databases have the same tables, columns and indexes, and bringing them up to date twice does no harm.

use std::collections::{BTreeMap, BTreeSet};

use latchkey::mail::Mail;
use latchkey::store::Store;
use rstest::rstest;
use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx_postgres::PgConnection;
use sqlx_sqlite::SqliteConnection;
use types::domain::Timestamp;

use crate::support::store::{Backend, CAPACITY, START, TestStore, lease, mailbox};

/// A column: its class of type, and whether it must have a value.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;
/// An index: the columns in order, whether they are unique, and whether only some rows are in it.
type Indexes = BTreeSet<(String, Vec<String>, bool, bool)>;

#[tokio::test]
async fn both_schemas_have_the_same_columns() {
    let (sqlite, postgres) = both().await;
    let (sqlite, postgres) = (sqlite_columns(&sqlite).await, postgres_columns(&postgres).await);
    assert!(sqlite.len() > 80);
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn both_schemas_have_the_same_indexes() {
    let (sqlite, postgres) = both().await;
    let (sqlite, postgres) = (sqlite_indexes(&sqlite).await, postgres_indexes(&postgres).await);
    assert!(sqlite.len() > 20);
    assert_eq!(sqlite, postgres);
}

#[tokio::test]
async fn what_belongs_to_a_user_is_deleted_with_the_user() {
    let (sqlite, postgres) = both().await;
    let mut connection = SqliteConnection::connect(&sqlite.url()).await.expect("a connection");
    let of_sqlite: Vec<(String, bool)> = sqlx::query_as(
        "SELECT m.name, f.on_delete = 'CASCADE' FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" = 'users' ORDER BY m.name",
    )
    .fetch_all(&mut connection)
    .await
    .expect("references");
    let mut connection = PgConnection::connect(&postgres.url()).await.expect("a connection");
    let of_postgres: Vec<(String, bool)> = sqlx::query_as(
        "SELECT conrelid::regclass::text, confdeltype::text = 'c' FROM pg_constraint \
         WHERE contype = 'f' AND confrelid = 'users'::regclass ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .expect("references");
    for references in [of_sqlite, of_postgres] {
        assert!(references.len() >= 5, "{references:?}");
        let staying: Vec<_> = references.into_iter().filter(|(_, cascades)| !cascades).collect();
        assert_eq!(staying, Vec::<(String, bool)>::new(), "say ON DELETE CASCADE");
    }
}

#[test]
fn both_folders_have_migrations_of_the_same_names() {
    let names = |folder: &str| -> BTreeSet<_> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(folder);
        std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("a file").file_name()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[rstest]
#[tokio::test]
async fn migrating_twice_does_no_harm(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::unmigrated(backend).await;
    let missing = store.maintenance().missing_migrations().await.expect("an answer");
    assert_eq!(missing[..2], ["0001 accounts", "0002 sessions"]);
    assert_eq!(store.migrate().await.expect("tables"), missing);
    assert_eq!(store.maintenance().missing_migrations().await.expect("an answer"), [""; 0]);
    let all = store.maintenance().migrations().await.expect("an answer");
    assert_eq!(all.iter().map(|(name, was_run)| (name, *was_run)).collect::<Vec<_>>(), with_true(&missing));
    assert_eq!(store.migrate().await.expect("nothing to do"), [""; 0]);
    store.maintenance().ping().await.expect("a sign of life");
}

fn with_true(names: &[String]) -> Vec<(&String, bool)> {
    names.iter().map(|name| (name, true)).collect()
}

#[rstest]
#[tokio::test]
async fn mail_from_before_the_queue_moves_into_it(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::unmigrated(backend).await;
    migrate_to(&store, backend, 21).await;
    let ids = match backend {
        Backend::Sqlite => ["X'00000000000000000000000000000001'", "X'00000000000000000000000000000002'"],
        Backend::Postgres => ["'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"],
    };
    let columns =
        "id, recipient, subject, body, queued_at, next_attempt_at, domain, priority, attempts, forget, sent_at";
    for (id, rest) in [
        (ids[0], "'Your \"code\"', 'It is 123456.', 1, 2, 'example.com', 0, 7, TRUE, NULL"),
        (ids[1], "'Your code', '', 2, 2, 'example.com', 1, 0, FALSE, 3"),
    ] {
        let insert = format!("INSERT INTO mail ({columns}) VALUES ({id}, 'ada@example.com', {rest})");
        store.execute(&insert).await.expect("a mail");
    }
    store.migrate().await.expect("tables");

    let (jobs, _) = lease(&store, START, CAPACITY).await;
    assert_eq!(jobs.iter().map(|job| job.attempts).collect::<Vec<_>>(), [8], "and this one");
    let mail = Mail::of(&jobs[0]).expect("a mail");
    assert_eq!((mail.to.as_str(), mail.forget), ("ada@example.com", true));
    assert_eq!((mail.content.subject.as_str(), mail.content.text.as_str()), ("Your \"code\"", "It is 123456."));
    let sent: Vec<_> = mailbox(&store).await.iter().map(|mail| mail.sent_at.map(Timestamp::as_millis)).collect();
    assert_eq!(sent, [Some(3), None]);
}

/// Brings the tables up to an earlier version.
async fn migrate_to(store: &TestStore, backend: Backend, version: i64) {
    let folder = if backend == Backend::Sqlite { "sqlite" } else { "postgres" };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(folder);
    let migrator = Migrator::new(path).await.expect("migrations");
    match backend {
        Backend::Sqlite => {
            let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
            migrator.run_direct(Some(version), &mut connection, false).await.expect("tables");
        }
        Backend::Postgres => {
            let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
            migrator.run_direct(Some(version), &mut connection, false).await.expect("tables");
        }
    }
}

#[rstest]
#[tokio::test]
async fn servers_that_start_together_all_find_their_tables() {
    let store = TestStore::unmigrated(Backend::Postgres).await;
    let mut servers: Vec<Store> = Vec::new();
    for _ in 0..4 {
        servers.push(store.another_server().await);
    }
    let migrated = futures::future::join_all(servers.iter().map(Store::migrate)).await;
    assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
}

async fn both() -> (TestStore, TestStore) {
    (TestStore::open(Backend::Sqlite).await, TestStore::open(Backend::Postgres).await)
}

fn is_ours(table: &str) -> bool {
    !table.starts_with("_sqlx") && !table.starts_with("sqlite_")
}

async fn sqlite_columns(store: &TestStore) -> Columns {
    let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT m.name, c.name, c.type, c.\"notnull\" FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("columns");
    rows.into_iter()
        .filter(|(table, ..)| is_ours(table))
        .map(|(table, column, kind, required)| {
            let class = match kind.as_str() {
                "INTEGER" => "number",
                "BLOB" => "bytes",
                "TEXT" => "text",
                other => panic!("{table}.{column} is {other}"),
            };
            ((table, column), (class, required))
        })
        .collect()
}

async fn postgres_columns(store: &TestStore) -> Columns {
    let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO' \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("columns");
    rows.into_iter()
        .filter(|(table, ..)| is_ours(table))
        .map(|(table, column, kind, required)| {
            let class = match kind.as_str() {
                "bigint" | "boolean" => "number",
                "uuid" | "bytea" => "bytes",
                "text" => "text",
                other => panic!("{table}.{column} is {other}"),
            };
            ((table, column), (class, required))
        })
        .collect()
}

async fn sqlite_indexes(store: &TestStore) -> Indexes {
    let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
    let rows: Vec<(String, String, bool, bool, i64, Option<String>)> = sqlx::query_as(
        "SELECT m.name, l.name, l.\"unique\", l.partial, i.seqno, i.name FROM sqlite_schema m \
         JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i WHERE m.type = 'table' \
         UNION ALL SELECT m.name, 'rowid', true, false, 0, c.name FROM sqlite_schema m \
         JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER' \
         ORDER BY 1, 2, 5",
    )
    .fetch_all(&mut connection)
    .await
    .expect("indexes");
    gather(rows)
}

async fn postgres_indexes(store: &TestStore) -> Indexes {
    let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
    let rows: Vec<(String, String, bool, bool, i64, Option<String>)> = sqlx::query_as(
        "SELECT t.relname::text, i.relname::text, x.indisunique, x.indpred IS NOT NULL, k.place, a.attname::text \
         FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
         JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public' \
         CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
         LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum ORDER BY 1, 2, 5",
    )
    .fetch_all(&mut connection)
    .await
    .expect("indexes");
    gather(rows)
}

/// One index from its columns. Names are left out: those behind primary keys differ.
fn gather(rows: Vec<(String, String, bool, bool, i64, Option<String>)>) -> Indexes {
    let mut indexes: BTreeMap<(String, String), (Vec<String>, bool, bool)> = BTreeMap::new();
    for (table, index, unique, partial, _, column) in rows.into_iter().filter(|(table, ..)| is_ours(table)) {
        let entry = indexes.entry((table, index)).or_insert((Vec::new(), unique, partial));
        entry.0.push(column.unwrap_or_default());
    }
    indexes.into_iter().map(|((table, _), (columns, unique, partial))| (table, columns, unique, partial)).collect()
}
