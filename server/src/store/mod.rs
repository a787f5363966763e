//! Everything that is stored, behind verbs of the domain. Each verb is one transaction, and its comment says all that
//! it does.
//!
//! The only place that names `sqlx`. `db` has the two databases, and each area a folder with its verbs (`mod.rs`),
//! statements (`sql.rs`), queries (`queries`), rows and types: `store.accounts().create_user(…)`. One text for two
//! databases: `db/queries.rs` lists the queries of the areas, and is compiled for each. No rules here: the areas decide
//! what may happen, and outcomes say what did happen.
//!
//! Secrets never get here in the plain: passwords are PHC strings, tokens and codes are digests.

mod db;

/// The areas: each is a folder here, and is listed in `db/queries.rs` as well.
macro_rules! areas {
    ($($area:ident),+ $(,)?) => {
        $(pub use $area::*;)+

        /// The statements of each area.
        mod sql {
            $(pub(in crate::store) use super::$area::sql as $area;)+
        }

        /// Every statement by name.
        fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
            [$($area::sql::STATEMENTS),+].into_iter().flatten().copied()
        }
    };
}

mod accounts;
mod alerts;
mod audit;
mod jobs;
mod keys;
mod limits;
mod maintenance;
mod metrics;
mod revocations;
mod servers;
mod sessions;

areas!(accounts, alerts, audit, jobs, keys, limits, maintenance, revocations, servers, sessions);

pub use db::{Digest, Notifications, Origin, PostgresPlace, Store, StoreError};
pub use metrics::{PoolUse, StoreMetrics, show_metrics};
