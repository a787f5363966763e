//! The two databases: connections, what differs between them, time limits, errors. Knows no area.

mod acquire_timeout;
pub(super) mod dialect;
mod errors;
mod notifications;
mod postgres;
pub(in crate::store) mod rows;
mod sqlite;
mod types;

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

pub use notifications::Notifications;
pub use postgres::PostgresPlace;
pub use types::{Digest, Origin, StoreError};

use crate::store::PoolUse;

/// How long a poll of the revocation log may take.
pub(super) const POLL_TIMEOUT: Duration = Duration::from_secs(2);

/// The database. Cheap to clone.
#[derive(Clone)]
pub enum Store {
    #[doc(hidden)]
    Sqlite(sqlite::Database),
    #[doc(hidden)]
    Postgres(postgres::Database),
}

impl Store {
    /// Opens `sqlite://path` (making the file and its folder where they are missing) or connects to `postgres://…`.
    /// `pool_size` is the most connections; on SQLite, the most that read. Refuses every other address.
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(Box::pin(postgres::Database::connect(url, pool_size)).await?))
        } else if url.starts_with("sqlite:") {
            Ok(Self::Sqlite(Box::pin(sqlite::Database::connect(url, pool_size)).await?))
        } else {
            // Without the address: it may hold a password.
            Err(StoreError::misconfigured("the address of the database must begin with sqlite:// or postgres://"))
        }
    }

    /// The file of `sqlite://path`, where it is missing and [`connect`](Self::connect) would make it. None for any
    /// other address.
    pub fn missing_file(url: &str) -> Option<PathBuf> {
        url.starts_with("sqlite:").then(|| sqlite::Database::missing_file(url)).flatten()
    }

    /// `sqlite` or `postgres`.
    pub const fn backend(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// How many batches of what goes on for a while are written at once. SQLite writes one after the other.
    pub fn batches_at_once(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => usize::try_from(postgres::BATCHES_AT_ONCE).unwrap_or(1),
        }
    }

    /// Every statement by name, as this database is asked it: for the test that prepares them.
    #[doc(hidden)]
    pub fn statements(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let dialect = match self {
            Self::Sqlite(_) => &sqlite::DIALECT,
            Self::Postgres(_) => &postgres::DIALECT,
        };
        super::statements().map(move |(name, text)| (name, dialect::fill(text, dialect, 2).as_str().to_owned()))
    }

    /// How the connections are used.
    pub fn pools(&self) -> Vec<PoolUse> {
        match self {
            Self::Sqlite(database) => database.pools(),
            Self::Postgres(database) => database.pools(),
        }
    }

    /// Brings the tables up to date, and gives the names of the migrations that were missing; does nothing where they
    /// are.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(database) => Box::pin(database.migrate()).await,
            Self::Postgres(database) => Box::pin(database.migrate()).await,
        }
    }

    /// The way between servers, where the database offers one.
    pub fn notifications(&self) -> Option<Notifications> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => Some(database.notifications()),
        }
    }

    /// Closes all connections, after the work that is under way.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }
}

/// Where ids of further rows come from.
pub(super) type Ids<'a> = &'a mut (dyn FnMut() -> Uuid + Send);

/// Hands each verb to the database there is. The futures are boxed: those of the drivers are large, and the code that
/// uses them nests them deeply.
macro_rules! verbs {
    (
        $(#[$about:meta])* $area:ident = $door:ident;
        $($(#[$doc:meta])* $verb:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $area<'a>(&'a $crate::store::Store);

        impl $crate::store::Store {
            $(#[$about])*
            pub const fn $door(&self) -> $area<'_> {
                $area(self)
            }
        }

        impl $area<'_> {
            $($(#[$doc])*
            pub async fn $verb(self, $($argument: $kind),*) -> Result<$answer, $crate::store::StoreError> {
                let _span = $crate::current_request::span(concat!("store.", stringify!($verb)));
                match self.0 {
                    $crate::store::Store::Sqlite(database) => Box::pin(database.$verb($($argument),*)).await,
                    $crate::store::Store::Postgres(database) => {
                        database.acquire_timeout.wait(Box::pin(database.$verb($($argument),*))).await
                    }
                }
            })*
        }
    };
}

pub(in crate::store) use verbs;

/// Tries a transaction again that met another one in the wrong order: three times in all. The expression gives its
/// future.
macro_rules! retry_conflicts {
    ($transaction:expr) => {{
        const TRIES: u32 = 3;
        let mut tried = 1;
        loop {
            match $transaction.await {
                Err(error) if error.is_conflict() && tried < TRIES => tried += 1,
                result => break result,
            }
        }
    }};
}
pub(in crate::store) use retry_conflicts;

/// How long a verb waits for a connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(2);

/// How the connections of a pool are used.
fn pool_use<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> PoolUse {
    let (open, idle) = (pool.size() as usize, pool.num_idle());
    PoolUse { name, idle, busy: open.saturating_sub(idle), max: pool.options().get_max_connections() }
}
