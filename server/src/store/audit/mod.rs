//! The audit log.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{Timestamp, UserId};
use uuid::Uuid;

use crate::store::db::verbs;

verbs! {
    /// The audit log.
    AuditStore = audit;

    /// Writes an audit entry.
    append_audit(audit: &NewAudit) -> ();
    /// Audit entries of a user, newest first; those older than `before` where it is given.
    activity(id: UserId, before: Option<(Timestamp, Uuid)>, limit: i64) -> Vec<Audit>;
}
