//! Everything that is stored, behind verbs of the domain. Each verb is one transaction, and its comment says all that
//! it does.
//!
//! The only place that names `sqlx`. `db` has the two databases, and each area a folder with its verbs (`mod.rs`),
//! statements (`sql.rs`), queries (`queries`), rows and types: `store.accounts().create_user(…)`. One text for two
//! databases: the queries are compiled for each. No rules here: the areas decide what may happen, and outcomes say what
//! did happen.
//!
//! Secrets never get here in the plain: passwords are PHC strings, tokens and codes are digests.

/// The areas with their queries, by the path from `db/queries.rs`. The macro that is named is given them all.
macro_rules! areas {
    ($for_each:ident) => {
        $for_each! {
            accounts: "../accounts/queries/mod.rs",
            admin: "../admin/queries/mod.rs",
            alerts: "../alerts/queries.rs",
            audit: "../audit/queries.rs",
            first_owner: "../first_owner/queries.rs",
            impersonation: "../impersonation/queries.rs",
            jobs: "../jobs/queries.rs",
            keys: "../keys/queries.rs",
            limits: "../limits/queries.rs",
            maintenance: "../maintenance/queries/mod.rs",
            revocations: "../revocations/queries.rs",
            roles: "../roles/queries.rs",
            rooms: "../rooms/queries/mod.rs",
            servers: "../servers/queries.rs",
            sessions: "../sessions/queries/mod.rs",
        }
    };
}

// Declared by themselves, because `rustfmt` looks into no macro. The queries are declared for it alone, in the areas.
mod accounts;
mod admin;
mod alerts;
mod audit;
mod db;
mod first_owner;
mod impersonation;
mod jobs;
mod keys;
mod limits;
mod maintenance;
mod metrics;
mod revocations;
mod roles;
mod rooms;
mod servers;
mod sessions;

macro_rules! declare {
    ($($area:ident: $queries:tt,)+) => {
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

areas!(declare);

pub use db::{Digest, Notifications, Origin, PostgresPlace, Store, StoreError};
pub use metrics::{PoolUse, StoreMetrics, show_metrics};
