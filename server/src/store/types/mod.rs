//! What goes into the store and what comes out: plain values, one name for each thing.
//!
//! No SQL and no rules. Secrets never get here in the plain: passwords are PHC strings, tokens and codes are digests.

mod accounts;
mod alerts;
mod browsers;
mod ending;
mod holdings;
mod registrations;
mod sessions;
mod upkeep;

pub use accounts::*;
pub use alerts::*;
pub use browsers::*;
pub use ending::*;
pub use holdings::*;
pub use registrations::*;
pub use sessions::*;
pub use upkeep::*;

/// SHA-256 (or HMAC-SHA-256) of a secret; what is stored in its place.
pub type Digest = [u8; 32];

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, lets nobody in, is full, locked for too long, read-only or being restored: nothing was decided,
    /// try again later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a bug or a damaged database.
    #[error("the database refused")]
    Broken(#[source] sqlx::Error),
    /// A stored value that this version cannot read.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// The client's address.
    pub ip: String,
    /// The user agent as sent, capped.
    pub user_agent: String,
}
