//! What is asked about sessions.

use super::{Connection, DIALECT, Database, Db, ROWS_PER_INSERT, Result, is_kept_prepared, query, query_as};

pub(in crate::store) mod devices;
pub(in crate::store) mod ending;
pub(in crate::store) mod ends_with_session;
pub(in crate::store) mod history;
pub(in crate::store) mod refresh;
pub(in crate::store) mod sign_in;
pub(in crate::store) mod theft;
pub(in crate::store) mod tickets;
