//! Databases that are away, locked or gone say so, and the store comes back with them.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use latchkey::store::{Store, StoreError};
use rstest::rstest;
use sqlx::Connection;
use sqlx_postgres::PgConnection;
use sqlx_sqlite::SqliteConnection;

use crate::support::store::{Backend, START, TestStore, minutes, stored_user};

#[tokio::test]
async fn a_server_that_is_not_there_means_unavailable() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let refused = Store::connect(&format!("postgres://postgres@127.0.0.1:{nobody}/latchkey"), 2).await;
    assert!(matches!(refused.err(), Some(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn the_file_and_its_folders_are_made_where_they_are_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("not/yet/there/latchkey.db");
    let store = Store::connect(&format!("sqlite://{}", file.display()), 2).await.expect("a store");
    assert_eq!(store.backend(), "sqlite");
    assert!(file.is_file());
    store.close().await;
    assert!(matches!(store.maintenance().ping().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_database_that_is_forgotten_with_the_process_is_refused() {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://"] {
        assert!(matches!(Store::connect(url, 2).await.err(), Some(StoreError::Broken(_))), "{url}");
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_and_not_taken_for_the_name_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("latchkey.db");
    for scheme in ["mysql://", "file:", "postgres:", "SQLITE:", ""] {
        let refused = Store::connect(&format!("{scheme}{}", file.display()), 2).await.err().expect("a refusal");
        let why = std::error::Error::source(&refused).expect("a reason").to_string();
        assert!(why.contains("must begin with sqlite:// or postgres://") && !why.contains("latchkey.db"), "{why}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "something was written");
}

/// Something that takes connections, as a proxy before a database that is gone does: says `answer` to what comes first,
/// and hangs up.
fn proxy_before_nothing(answer: &'static [u8]) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            if !answer.is_empty() {
                // An SSLRequest is eight bytes.
                let asked = connection.read_exact(&mut [0; 8]).and_then(|()| connection.write_all(answer));
                asked.expect("a request");
            }
        }
    });
    port
}

#[rstest]
#[case::accepted_and_closed(b"")]
#[case::closed_before_the_start(b"N")]
#[case::closed_within_tls(b"S")]
#[case::another_protocol(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")]
#[tokio::test]
async fn a_connection_that_breaks_while_it_is_made_means_unavailable(#[case] answer: &'static [u8]) {
    let port = proxy_before_nothing(answer);
    let broken = Store::connect(&format!("postgres://postgres@127.0.0.1:{port}/latchkey"), 2).await;
    let error = broken.err().expect("nobody is there");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_database_that_lets_nobody_in_means_unavailable() {
    let store = TestStore::open(Backend::Postgres).await;
    let url = store.url();
    let closed = url.rsplit_once('/').expect("a database").0.to_owned() + "/template0";
    for url in [url.replace("postgres@", "nobody@"), format!("{url}_that_is_gone"), closed] {
        let error = Store::connect(&url, 2).await.err().expect("a refusal");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn missing_tables_mean_unavailable_and_are_reported() {
    let store = TestStore::open(Backend::Postgres).await;
    let ada = stored_user(&store, "ada").await;
    store.execute("ALTER TABLE users RENAME TO not_yet_users").await.expect("renamed");
    let error = store.accounts().user_by_id(ada).await.expect_err("there is no table");
    assert!(matches!(error, StoreError::Unavailable(_)) && error.is_missing_table(), "{error:?}");
    store.execute("ALTER TABLE not_yet_users RENAME TO users").await.expect("renamed");
    assert!(store.accounts().user_by_id(ada).await.expect("an answer").is_some());
}

/// Somebody who holds what every writer needs and does not let go.
enum Blocker {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Blocker {
    async fn take(store: &TestStore, backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => {
                let mut connection = SqliteConnection::connect(&store.url()).await.expect("a connection");
                sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("the lock");
                Self::Sqlite(connection)
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&store.url()).await.expect("a connection");
                let lock = "BEGIN; UPDATE revocation_head SET position = position";
                sqlx::raw_sql(lock).execute(&mut connection).await.expect("the lock");
                Self::Postgres(connection)
            }
        }
    }

    async fn let_go(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.expect("closed"),
            Self::Postgres(connection) => connection.close().await.expect("closed"),
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_lock_that_takes_too_long_is_an_error_and_nothing_is_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let store = TestStore::open(backend).await;
    let ada = stored_user(&store, "ada").await;
    let blocker = Blocker::take(&store, backend).await;
    let within = Duration::from_secs(10);
    let refused = tokio::time::timeout(within, store.revocations().bump_epoch(ada, START, minutes(20))).await;
    let refused = refused.expect("an answer in time");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.accounts().user_by_id(ada).await.expect("reading goes on").expect("a user").epoch, 0);
    blocker.let_go().await;
    let revocation =
        store.revocations().bump_epoch(ada, START, minutes(20)).await.expect("an answer").expect("a revocation");
    assert_eq!(revocation.position, 1);
    assert!(store.accounts().user_by_id(ada).await.expect("an answer").expect("a user").epoch > 0);
}

#[tokio::test]
async fn the_store_comes_back_when_its_connections_were_cut() {
    let store = TestStore::open(Backend::Postgres).await;
    let ada = stored_user(&store, "ada").await;
    for round in 1..=3 {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        store.execute(cut).await.expect("cut");
        let revocation =
            store.revocations().bump_epoch(ada, START, minutes(20)).await.expect("an answer").expect("a revocation");
        assert_eq!(revocation.position, round);
    }
}
