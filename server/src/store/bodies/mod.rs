//! The verbs, written once and compiled for each database. `super` is one of the two, with its own `Db`, `Connection`,
//! `DIALECT`, migrator and lock.
//!
//! A `RETURNING` is read with `fetch_all`, or inside a transaction that is committed: on SQLite `fetch_one` and
//! `fetch_optional` stop after the first row, and outside a transaction a commit that failed would go unseen.

mod accounts;
mod alerts;
mod alongside;
mod browsers;
mod bulk;
mod cleanup;
mod ending;
mod holdings;
mod keys;
mod limits;
mod mail;
mod maintenance;
mod recovery;
mod refresh;
mod registrations;
mod rows;
mod servers;
mod sessions;
mod sign_in;

use sqlx::query::{Query, QueryAs};
use sqlx::{Database as SqlxDatabase, FromRow};

use super::{Connection, DIALECT, Database, Db, MIGRATOR, Transaction, lock_servers, lock_signing_keys};
use crate::store::sql;
use crate::store::types::StoreError;

type Result<T> = std::result::Result<T, StoreError>;
type Arguments = <Db as SqlxDatabase>::Arguments;

/// How often a transaction that met another one in the wrong order is tried.
const TRIES: u32 = 3;

/// A statement in this dialect.
fn query<'q>(statement: &'static str) -> Query<'q, Db, Arguments> {
    sqlx::query::<Db>(sql::fill(statement, &DIALECT, 1))
}

/// A statement in this dialect that gives rows.
fn query_as<'q, R>(statement: &'static str) -> QueryAs<'q, Db, R, Arguments>
where
    R: for<'r> FromRow<'r, <Db as SqlxDatabase>::Row>,
{
    sqlx::query_as::<Db, R>(sql::fill(statement, &DIALECT, 1))
}
