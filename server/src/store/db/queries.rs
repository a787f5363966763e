//! The queries of every area, written once and compiled for each database. `super` is one of the two, with its own
//! `Db`, `Connection`, `DIALECT`, migrator and lock.
//!
//! A `RETURNING` is read with `fetch_all`, or inside a transaction that is committed: on SQLite `fetch_one` and
//! `fetch_optional` stop after the first row, and outside a transaction a commit that failed would go unseen.

use sqlx::query::{Query, QueryAs};
use sqlx::{Database as SqlxDatabase, FromRow};

use super::{
    Connection, DIALECT, Database, Db, INDEXES_OF_POPULATION, MIGRATOR, Transaction, copied_id, fill_in_peace,
    lock_audit_seals, lock_roles, lock_servers, lock_signing_keys,
};
use crate::store::StoreError;
use crate::store::db::dialect::fill;

/// The most rows in one insert.
pub(in crate::store) const ROWS_PER_INSERT: usize = 100;

/// The same where thousands of rows come together: each statement less is a way to the database and back less.
pub(in crate::store) const ROWS_PER_LARGE_INSERT: usize = 500;

/// Whether an insert of so many rows is worth keeping prepared: one of a single row is, and one of as many as there can
/// be, which comes again and again where there are many.
pub(in crate::store) const fn is_kept_prepared(rows: usize) -> bool {
    matches!(rows, 1 | ROWS_PER_INSERT | ROWS_PER_LARGE_INSERT)
}

pub(in crate::store) type Result<T> = std::result::Result<T, StoreError>;

pub(in crate::store) type Arguments = <Db as SqlxDatabase>::Arguments;

/// A statement in this dialect.
pub(in crate::store) fn query<'q>(statement: &'static str) -> Query<'q, Db, Arguments> {
    sqlx::query::<Db>(fill(statement, &DIALECT, 1))
}

/// A statement in this dialect that gives rows.
pub(in crate::store) fn query_as<'q, R>(statement: &'static str) -> QueryAs<'q, Db, R, Arguments>
where
    R: for<'r> FromRow<'r, <Db as SqlxDatabase>::Row>,
{
    sqlx::query_as::<Db, R>(fill(statement, &DIALECT, 1))
}

macro_rules! queries {
    ($($area:ident: $queries:tt,)+) => {
        $(
            #[path = $queries]
            pub(in crate::store) mod $area;
        )+
    };
}

areas!(queries);
