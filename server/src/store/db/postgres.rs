//! PostgreSQL: what differs from SQLite, and the verbs compiled for it.
//!
//! Everything runs under READ COMMITTED: a statement sees what was committed before it began, and one that waited for
//! a row looks at it again. Verbs that decide by what they read hold its row lock. Locks are taken in one order:
//! all roles, user, session, presence in rooms, room, head row.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection as _};
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tokio::sync::Notify;

use super::StoreError;
use super::acquire_timeout::AcquireTimeout;
use super::dialect::Dialect;
use super::notifications::Notifications;
use super::{POOL_TIMEOUT, pool_use};
use crate::store::PoolUse;

#[expect(clippy::duplicate_mod, reason = "the verbs are written once and compiled for each database")]
#[path = "queries.rs"]
mod queries;

type Db = sqlx_postgres::Postgres;
type Connection = PgConnection;
type Transaction = sqlx::Transaction<'static, Db>;

/// `statement_timestamp` and not `clock_timestamp`: it stays the same within a statement, so an index serves it.
pub(super) const DIALECT: Dialect = Dialect {
    lock: "FOR UPDATE",
    skip_locked: "FOR UPDATE SKIP LOCKED",
    now: "CAST(FLOOR(EXTRACT(EPOCH FROM statement_timestamp()) * 1000) AS BIGINT)",
    is_replica: "pg_is_in_recovery()",
    started: "CAST(FLOOR(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000) AS BIGINT)",
    types_rows: true,
};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations/postgres");

/// Statements are short: one that takes longer waits for a lock that is not released.
const STATEMENT_TIMEOUT: &str = "2500ms";
/// How long a connection may take to show that it is alive before it is used or put back.
const SIGN_OF_LIFE: Duration = Duration::from_millis(250);
/// A connection keeps the defaults it began with, and the machine that the name led to then.
const LIFETIME: Duration = Duration::from_mins(10);
/// After this long the locks of a server that vanished within a transaction are released.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";

/// Batches of what goes on for a while are written so many at once. The database works for each on one core; of more,
/// most would wait for the same locks.
pub(super) const BATCHES_AT_ONCE: u32 = 2;

/// A PostgreSQL database.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    /// One connection for polling the revocation log, however busy the others are.
    tail_pool: PgPool,
    /// Connections of their own for what goes on in batches for a while: nobody waits for one behind it, and they keep
    /// what they have prepared.
    batch_pool: PgPool,
    options: Box<PgConnectOptions>,
    pub(in crate::store) acquire_timeout: Arc<AcquireTimeout>,
    /// Notified where a job may have been enqueued.
    pub(in crate::store) enqueued: Arc<Notify>,
}

impl Database {
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("latchkey")
            .options([("default_transaction_isolation", "read committed")]);
        let limited = options.clone().options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ]);
        let acquire_timeout = Arc::new(AcquireTimeout::default());
        let pool = pool_of(pool_size.max(1), &acquire_timeout).connect_with(limited.clone()).await?;
        let batch_pool = pool_of(BATCHES_AT_ONCE, &acquire_timeout).connect_lazy_with(limited.clone());
        let tail_pool = pool_of(1, &acquire_timeout).connect_lazy_with(limited.options([("statement_timeout", "30s")]));
        Ok(Self { pool, tail_pool, batch_pool, options: Box::new(options), acquire_timeout, enqueued: Arc::default() })
    }

    pub fn notifications(&self) -> Notifications {
        Notifications::new((*self.options).clone())
    }

    /// Brings the tables up to date, and gives what was missing; does nothing where they are. Servers that start
    /// together take turns. On a connection of its own, because waiting for a turn, or for an index, may take longer
    /// than a verb.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let missing = self.missing_migrations().await?;
        let mut connection = self.options.connect().await?;
        MIGRATOR.run_direct(None, &mut connection, false).await?;
        sqlx::Connection::close(connection).await?;
        Ok(missing)
    }

    /// Closes all connections, after the work that is under way.
    pub async fn close(&self) {
        self.tail_pool.close().await;
        self.batch_pool.close().await;
        self.pool.close().await;
    }

    /// How the connections are used.
    pub(super) fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("all", &self.pool)]
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// For one of many transactions that follow each other.
    async fn begin_batch(&self) -> Result<Transaction, StoreError> {
        Ok(self.batch_pool.begin().await?)
    }

    /// For reading several things as they were at one moment.
    async fn begin_snapshot(&self) -> Result<Transaction, StoreError> {
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
    }

    const fn writer(&self) -> &PgPool {
        &self.pool
    }

    const fn readers(&self) -> &PgPool {
        &self.pool
    }

    const fn tail_pool(&self) -> &PgPool {
        &self.tail_pool
    }
}

/// The location of a PostgreSQL database, without user and password.
pub struct PostgresPlace {
    host: String,
    port: u16,
    database: Option<String>,
}

impl PostgresPlace {
    /// The location that an address names. Parts that it leaves out come from the environment and PostgreSQL's
    /// defaults.
    pub fn of(url: &str) -> Option<Self> {
        let options = PgConnectOptions::from_str(url).ok()?;
        let socket = options.get_socket().map(|folder| folder.display().to_string());
        let host = socket.unwrap_or_else(|| options.get_host().to_owned());
        Some(Self { host, port: options.get_port(), database: options.get_database().map(str::to_owned) })
    }
}

impl fmt::Display for PostgresPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)?;
        self.database.as_ref().map_or(Ok(()), |database| write!(f, ", database {database}"))
    }
}

/// Connections that a network may have swallowed, or that lead to a database that only reads, are found out before they
/// are used, and not waited for when they are put back.
fn pool_of(size: u32, acquire_timeout: &Arc<AcquireTimeout>) -> PgPoolOptions {
    let (trusting, acquire_timeout) = (Arc::clone(acquire_timeout), Arc::clone(acquire_timeout));
    PgPoolOptions::new()
        .max_connections(size)
        .max_lifetime(LIFETIME)
        .acquire_timeout(POOL_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let trusted = trusting.trusts(meta.age);
            Box::pin(async move { Ok(trusted && is_alive(connection).await) })
        })
        .after_release(move |connection, _| {
            let trusted = !acquire_timeout.is_away();
            Box::pin(async move {
                // An error has it closed at once; an orderly close would wait for an answer.
                if trusted || is_alive(connection).await { Ok(true) } else { Err(sqlx::Error::WorkerCrashed) }
            })
        })
}

async fn is_alive(connection: &mut PgConnection) -> bool {
    matches!(tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await, Ok(Ok(())))
}

/// Names and definitions of the indexes of users and sessions that can be made again.
const INDEXES_OF_POPULATION: &str = "SELECT CAST(c.relname AS text), pg_get_indexdef(i.indexrelid) \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE i.indrelid IN (CAST('users' AS regclass), CAST('sessions' AS regclass)) \
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)";

/// The id in a column with another digit (1 to 9) before its random part: that of a copy.
fn copied_id(column: &str, copy: u8) -> String {
    format!("CAST(overlay(CAST({column} AS text) PLACING '{copy}' FROM 16 FOR 1) AS uuid)")
}

/// Lets statements of this transaction take their time, and does not look up for each row what it refers to.
async fn fill_in_peace(connection: &mut Connection) -> Result<(), StoreError> {
    for setting in ["SET LOCAL statement_timeout = 0", "SET LOCAL session_replication_role = replica"] {
        sqlx::query::<Db>(setting).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Changes of roles take turns, on all servers: each is decided by what the one before it has left. First of all
/// locks.
async fn lock_roles(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query::<Db>("SELECT pg_advisory_xact_lock(hashtext('latchkey roles'))").execute(connection).await?;
    Ok(())
}

/// Servers that start together take turns. Reading goes on.
async fn lock_signing_keys(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query::<Db>("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}

/// Servers that start together take turns. Reads and refreshes go on.
async fn lock_servers(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query::<Db>("SELECT pg_advisory_xact_lock(hashtext('latchkey servers'))").execute(connection).await?;
    Ok(())
}

/// Servers that seal the audit log take turns. Everything else goes on.
async fn lock_audit_seals(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query::<Db>("SELECT pg_advisory_xact_lock(hashtext('latchkey audit seals'))").execute(connection).await?;
    Ok(())
}
