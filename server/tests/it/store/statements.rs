//! Every statement is good SQL on both databases, and none is read in the way that hides a failed commit.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr};

use crate::support::store::{Backend, TestStore};
use types::words::{AlertKind, AuditAction, DeviceKind, HistoryKind};

#[rstest]
#[tokio::test]
async fn every_statement_can_be_prepared(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let store = TestStore::open(backend).await;
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, text) in store.statements() {
        count += 1;
        let statement = AssertSqlSafe(text).into_sql_str();
        let prepared = match backend {
            Backend::Sqlite => {
                let mut connection = sqlx_sqlite::SqliteConnection::connect(&store.url()).await.expect("a connection");
                connection.prepare(statement).await.map(|_| ())
            }
            Backend::Postgres => {
                let mut connection = sqlx_postgres::PgConnection::connect(&store.url()).await.expect("a connection");
                connection.prepare(statement).await.map(|_| ())
            }
        };
        failures.extend(prepared.err().map(|error| format!("{name}: {error}")));
    }
    assert!(count > 50, "only {count} statements were listed");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// On SQLite `fetch_one` and `fetch_optional` stop after the first row, so that outside a transaction a commit that
/// fails is never seen. They may be used on a transaction that is committed, and on connections that only read.
#[test]
fn single_rows_are_fetched_in_transactions_or_from_readers_only() {
    let mut offenders = Vec::new();
    let mut seen = 0;
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")) {
        let text = fs::read_to_string(&file).expect("a source file");
        for (at, _) in text.match_indices(".fetch_one(").chain(text.match_indices(".fetch_optional(")) {
            seen += 1;
            let argument = text[at..].split_once('(').map(|(_, rest)| rest).unwrap_or_default();
            let allowed = ["&mut *tx)", "&mut *connection)", "self.readers())", "&writer)"];
            // The one exception asks SQLite for its version, before there is anything to write to.
            let is_exception = argument.starts_with("&writer)") && !file.ends_with("sqlite.rs");
            if !allowed.iter().any(|allowed| argument.starts_with(allowed)) || is_exception {
                offenders.push(format!("{}: {}", file.display(), argument.lines().next().unwrap_or_default()));
            }
        }
    }
    assert!(seen > 10, "the scan found {seen} calls only");
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Statements that name a word of a vocabulary by itself say it as everybody does.
#[tokio::test]
async fn words_in_statements_are_of_the_vocabulary() {
    let store = TestStore::open(Backend::Sqlite).await;
    let mut seen = 0;
    for (name, text) in store.statements() {
        for (column, is_known) in
            [("kind", is_history_kind as fn(&str) -> bool), ("action", |word| AuditAction::parse(word).is_some())]
        {
            for word in words_compared_with(column, &text) {
                seen += 1;
                assert!(is_known(&word), "{name} compares {column} with {word:?}");
            }
        }
    }
    assert!(seen > 5, "only {seen} words were found");
}

/// The column `kind` is of sessions' histories, of devices and of alerts.
fn is_history_kind(word: &str) -> bool {
    HistoryKind::parse(word).is_some() || DeviceKind::parse(word).is_some() || AlertKind::parse(word).is_some()
}

/// The words that a column is compared with: `column = 'word'` and `column IN ('one', 'two')`.
fn words_compared_with(column: &str, text: &str) -> Vec<String> {
    let quoted = |text: &str| text.split('\'').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut words = Vec::new();
    for (at, _) in text.match_indices(&format!("{column} = '")) {
        words.extend(quoted(&text[at..]).into_iter().take(1));
    }
    for (at, _) in text.match_indices(&format!("{column} IN ('")) {
        let end = text[at..].find(')').map_or(text.len(), |end| at + end);
        words.extend(quoted(&text[at..end]));
    }
    words
}
