//! Tries that are counted, once for all servers.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;

use crate::store::Digest;

use crate::store::db::verbs;

verbs! {
    /// Tries that are counted, once for all servers.
    LimitsStore = limits;

    /// Takes a try from each of these buckets, or from none: then gives the empty one, and when it has another.
    take_tries(tries: &[Try], now: Timestamp) -> Option<(Digest, Timestamp)>;
    /// Gives tries back that turned out to be none.
    give_back(tries: &[Try]) -> ();
}
