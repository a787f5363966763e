//! PostgreSQL: what differs from SQLite, and the verbs compiled for it.
//!
//! Everything runs under READ COMMITTED: a statement sees what was committed before it began, and one that waited for
//! a row looks at it again. Verbs that decide by what they read hold its row lock. Locks are taken in one order:
//! person, session, head row.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use super::pool_use;
use super::sql::Dialect;
use super::types::StoreError;
use crate::metrics::PoolUse;

#[expect(clippy::duplicate_mod, reason = "the verbs are written once and compiled for each database")]
#[path = "bodies/mod.rs"]
mod bodies;

type Db = sqlx::Postgres;
type Connection = PgConnection;
type Transaction = sqlx::Transaction<'static, Db>;

/// `statement_timestamp` and not `clock_timestamp`: it stays the same within a statement, so an index serves it.
pub(super) const DIALECT: Dialect = Dialect {
    lock: "FOR UPDATE",
    skip_locked: "FOR UPDATE SKIP LOCKED",
    now: "CAST(FLOOR(EXTRACT(EPOCH FROM statement_timestamp()) * 1000) AS BIGINT)",
};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations/postgres");

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Nothing here takes long; whoever waits longer waits for a lock that is not coming.
const STATEMENT_TIMEOUT: &str = "5s";
/// Lets go of the locks of a server that vanished in the middle of a transaction.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";

/// A PostgreSQL database.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    options: Box<PgConnectOptions>,
}

impl Database {
    /// Connects.
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("latchkey")
            .options([("default_transaction_isolation", "read committed")]);
        let pool = PgPoolOptions::new()
            .max_connections(pool_size.max(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone().options([
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            ]))
            .await?;
        Ok(Self { pool, options: Box::new(options) })
    }

    /// Brings the tables up to date; does nothing where they are. Servers that start together take turns. On a
    /// connection of its own, because waiting for a turn, or for an index, may take longer than a verb.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.options.connect().await?;
        MIGRATOR.run_direct(None, &mut connection, false).await?;
        Ok(sqlx::Connection::close(connection).await?)
    }

    /// Lets go of all connections, after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// How the connections are used.
    pub(super) fn pools(&self) -> Vec<PoolUse> {
        vec![pool_use("all", &self.pool)]
    }

    async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(self.pool.begin().await?)
    }

    const fn writer(&self) -> &PgPool {
        &self.pool
    }

    const fn readers(&self) -> &PgPool {
        &self.pool
    }
}

/// Servers that start together take turns. Reading goes on.
async fn lock_signing_keys(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query::<Db>("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}
