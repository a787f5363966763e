//! The audit log and its seals.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::{Timestamp, UserId};
use ::types::words::AuditAction;
use uuid::Uuid;

use crate::store::db::verbs;

verbs! {
    /// The audit log and its seals.
    AuditStore = audit;

    /// Writes an audit entry.
    append_audit(audit: &NewAudit) -> ();
    /// Audit entries of a user, newest first; those older than `before` where it is given.
    activity(id: UserId, before: Option<(Timestamp, Uuid)>, limit: i64) -> Vec<Audit>;
    /// Entries as they are stored, oldest first, after the one at `after`.
    stored_entries(filter: &AuditFilter, after: Option<(Timestamp, Uuid)>, limit: i64) -> Vec<StoredAudit>;
    /// Entries as they are stored, newest first.
    search_entries(search: &AuditSearch, limit: i64) -> Vec<StoredAudit>;
    /// How many entries of an action there are, by the hours that have any: each as hours since 1970.
    count_entries(action: AuditAction, from: Timestamp, to: Timestamp) -> Vec<(i64, u64)>;
    /// The counts of hours that are over, from this hour on, in order.
    stored_counts(action: AuditAction, from_hour: i64) -> Vec<(i64, u64)>;
    /// Keeps counts of hours that are over.
    store_counts(action: AuditAction, counts: &[(i64, u64)]) -> ();
    /// Seals the oldest entries that are not sealed yet, `limit` at the most, as `make_seal` says. `None` where there
    /// are none. Servers that do so at once take turns; an entry that somebody else is changing is left for the next
    /// time.
    seal_entries(make_seal: MakeSeal<'_>, limit: i64) -> Option<AuditSeal>;
    /// The seal of that number.
    seal(number: i64) -> Option<AuditSeal>;
    /// The newest seal.
    newest_seal() -> Option<AuditSeal>;
    /// Seals in order, those with a higher number than `after`.
    seals_after(after: i64, limit: i64) -> Vec<AuditSeal>;
    /// Sealed entries in the order of their positions, after the one at this position with this id.
    sealed_after(after: (i64, Uuid), limit: i64) -> Vec<SealedAudit>;
    /// How many entries are not sealed yet.
    count_unsealed() -> u64;
}
