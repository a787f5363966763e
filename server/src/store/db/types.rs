//! Values that every area uses, and the errors of the store.

/// SHA-256 (or HMAC-SHA-256) of a secret, which is stored instead of it.
pub type Digest = [u8; 32];

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, lets nobody in, is full, locked for too long, read-only or being restored:
    /// nothing was decided, try again later.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: String,
    /// The user agent as sent, capped.
    pub user_agent: String,
}
