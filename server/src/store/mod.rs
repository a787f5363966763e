//! Everything that is kept, behind verbs of the domain: each is one transaction, and says all that it does.
//!
//! The only place that names `sqlx`. Two databases, one text: `sql/` has every statement once, `bodies/` has every
//! verb once, and `sqlite.rs` and `postgres.rs` compile them with their own few differences. No rules here: what may
//! happen is decided by the callers, what did happen is told by the outcomes.

mod errors;
mod notifications;
mod patience;
mod postgres;
mod records;
mod sql;
mod sqlite;
pub mod types;
mod verbs;

use std::time::Duration;

use crate::metrics::PoolUse;

pub use notifications::Notifications;
pub use postgres::PostgresPlace;
pub use types::*;
pub use verbs::Store;

/// How long a verb waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// How the connections of a pool are used.
fn pool_use<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> PoolUse {
    let (open, idle) = (pool.size() as usize, pool.num_idle());
    PoolUse { name, idle, busy: open.saturating_sub(idle), max: pool.options().get_max_connections() }
}
