//! SQLite: what differs from PostgreSQL, and the verbs compiled for it.
//!
//! One connection writes, a pool of others reads. Every write transaction begins with `BEGIN IMMEDIATE`, so none is
//! ever refused in its middle because another wrote first.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx_sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Notify;

use super::StoreError;
use super::dialect::Dialect;
use super::{POOL_TIMEOUT, pool_use};
use crate::store::PoolUse;

#[cfg(test)]
#[path = "full_disk.rs"]
mod full_disk;
#[path = "queries.rs"]
mod queries;

type Db = sqlx_sqlite::Sqlite;
type Connection = SqliteConnection;
type Transaction = sqlx::Transaction<'static, Db>;

/// One writer makes row locks needless.
pub(super) const DIALECT: Dialect = Dialect {
    lock: "",
    skip_locked: "",
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    is_replica: "FALSE",
    started: "0",
    types_rows: false,
};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations/sqlite");

/// Older ones can damage a database in WAL mode when two connections reset it at once.
const OLDEST_SAFE: [u32; 3] = [3, 51, 3];
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A SQLite file.
#[derive(Clone)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Notified where a job may have been enqueued.
    pub(in crate::store) enqueued: Arc<Notify>,
}

impl Database {
    /// Opens the file, making it and its folder where they are missing.
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//")).unwrap_or_default();
        if path.is_empty() || path.contains(":memory:") || path.contains("mode=memory") {
            return Err(StoreError::misconfigured("the database must be a file, such as sqlite://data/latchkey.db"));
        }
        Self::open(SqliteConnectOptions::from_str(url)?, pool_size).await
    }

    /// The file of that address, where it is missing.
    pub fn missing_file(url: &str) -> Option<PathBuf> {
        let options = SqliteConnectOptions::from_str(url).ok()?;
        let file = options.get_filename();
        (!file.exists()).then(|| file.to_owned())
    }

    async fn open(options: SqliteConnectOptions, pool_size: u32) -> Result<Self, StoreError> {
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        make_folder_of(options.get_filename())?;
        make_file(options.get_filename())?;
        // The writer first: only it can make the file and set its journal mode.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(POOL_TIMEOUT)
            .after_release(|connection, _| Box::pin(is_fit_for_more(connection)))
            .connect_with(options.clone().create_if_missing(true))
            .await?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await?;
        if !is_safe(&version) {
            return Err(StoreError::misconfigured(format!("SQLite {version} is too old: 3.51.3 or later is needed")));
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(pool_size.max(1))
            .test_before_acquire(false)
            .acquire_timeout(POOL_TIMEOUT)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, readers, enqueued: Arc::default() })
    }

    /// Brings the tables up to date, and gives what was missing; does nothing where they are.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let missing = self.missing_migrations().await?;
        MIGRATOR.run(&self.writer).await?;
        Ok(missing)
    }

    /// Closes all connections, after the work that is under way.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// How the connections are used.
    pub(super) fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("writer", &self.writer), pool_use("readers", &self.readers)]
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn begin_batch(&self) -> Result<Transaction, StoreError> {
        self.begin().await
    }

    /// For reading several things as they were at one moment.
    async fn begin_snapshot(&self) -> Result<Transaction, StoreError> {
        Ok(self.readers.begin().await?)
    }

    const fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    const fn tail_pool(&self) -> &SqlitePool {
        &self.readers
    }
}

/// Names and definitions of the indexes of users and sessions that can be made again.
const INDEXES_OF_POPULATION: &str = "SELECT name, sql FROM sqlite_schema \
    WHERE type = 'index' AND tbl_name IN ('users', 'sessions') AND sql IS NOT NULL";

/// The id in a column with another digit (1 to 9) before its random part: that of a copy.
fn copied_id(column: &str, copy: u8) -> String {
    format!("unhex(substr(hex({column}), 1, 13) || '{copy}' || substr(hex({column}), 15))")
}

/// Nothing hurries a transaction.
async fn fill_in_peace(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// The one writer needs no lock.
async fn lock_signing_keys(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// The one writer needs no lock.
async fn lock_roles(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// The one writer needs no lock.
async fn lock_servers(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// The one writer needs no lock.
async fn lock_audit_seals(_connection: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// Whether the writer may go back into its pool. On a full disk SQLite rolls back by itself, the driver's own rollback
/// then fails, and it goes on to think that a transaction is open: such a connection would refuse all further work.
async fn is_fit_for_more(connection: &mut Connection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // The rollback of an abandoned transaction may still be queued; this query comes after it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn make_folder_of(file: &Path) -> Result<(), StoreError> {
    match file.parent() {
        Some(folder) => Ok(std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?),
        None => Ok(()),
    }
}

/// Makes the file, for its owner alone: it holds addresses, and digests of passwords and tokens. The files that SQLite
/// puts beside it get the same rights.
fn make_file(file: &Path) -> Result<(), StoreError> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(sqlx::Error::Io(error).into()),
        _ => Ok(()),
    }
}

fn is_safe(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.as_slice() >= OLDEST_SAFE.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_is_named_as_the_driver_would_name_it_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a b.db");
        let url = format!("sqlite://{}/a%20b.db", folder.path().display());
        assert_eq!(Database::missing_file(&url), Some(file.clone()));
        assert!(!file.exists());
        std::fs::write(&file, "").unwrap();
        assert_eq!(Database::missing_file(&url), None);
    }

    #[test]
    fn versions_before_the_safe_one_are_refused() {
        for (version, safe) in
            [("3.51.2", false), ("3.51.3", true), ("3.52.0", true), ("3.9.9", false), ("4.0.0", true), ("", false)]
        {
            assert_eq!(is_safe(version), safe, "{version}");
        }
    }
}
