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

pub use notifications::Notifications;
pub use types::*;
pub use verbs::Store;

/// How long a verb waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
