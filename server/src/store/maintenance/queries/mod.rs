//! What keeps the database in shape.

use super::{
    Connection, DIALECT, Database, Db, INDEXES_OF_POPULATION, MIGRATOR, Result, copied_id, fill_in_peace, query,
    query_as,
};

pub(in crate::store) mod cleanup;
pub(in crate::store) mod copying;
pub(in crate::store) mod migrations;
pub(in crate::store) mod seeding;
