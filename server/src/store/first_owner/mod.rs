//! The first owner, and the links that make one.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;

use crate::store::db::verbs;
use crate::store::{Digest, NewAudit, NewUser};

verbs! {
    /// The first owner, and the links that make one.
    FirstOwnerStore = first_owner;

    /// Whether there is an owner who may sign in.
    has_owner() -> bool;
    /// Stores a link by its digest where there is no owner who may sign in, and says whether it did. Forgets links that
    /// have expired.
    store_owner_link(digest: &Digest, now: Timestamp, expires_at: Timestamp) -> bool;
    /// Whether there is a link of this digest that is good still.
    is_owner_link(digest: &Digest, now: Timestamp) -> bool;
    /// Makes the first owner, with the audit entry, and forgets all links. Of several at once the first one does.
    make_first_owner(digest: &Digest, owner: &NewUser, audit: &NewAudit) -> FirstOwnerOutcome;
}
