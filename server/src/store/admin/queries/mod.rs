//! What administrators ask and do.

use super::{Connection, DIALECT, Database, Db, ROWS_PER_LARGE_INSERT, Result, lock_roles, query, query_as};

pub(in crate::store) mod changes;
pub(in crate::store) mod import;
pub(in crate::store) mod listed;
pub(in crate::store) mod lists;
pub(in crate::store) mod runs;
pub(in crate::store) mod statistics;
pub(in crate::store) mod users;
