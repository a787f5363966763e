//! What is asked about rooms.

use super::{Connection, DIALECT, Database, Db, ROWS_PER_INSERT, Result, is_kept_prepared, query, query_as};

pub(in crate::store) mod membership;
pub(in crate::store) mod messages;
pub(in crate::store) mod presence;
