//! What keeps the database in shape.

use super::{DIALECT, Database, Db, MIGRATOR, Result, query, query_as};

pub(in crate::store) mod cleanup;
pub(in crate::store) mod migrations;
pub(in crate::store) mod seeding;
