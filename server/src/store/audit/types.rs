//! Entries of the audit log.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, OrOther};
use uuid::Uuid;

use crate::store::Origin;

/// An audit entry to be written.
#[derive(Clone, Debug)]
pub struct NewAudit {
    /// The id (`UUIDv7`).
    pub id: Uuid,
    pub at: Timestamp,
    /// Whom it concerns.
    pub user_id: Option<UserId>,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    /// What happened, such as `sign_in`.
    pub action: AuditAction,
    /// Why, where a session ended.
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// What was before and after, as JSON.
    pub detail: Option<String>,
    pub origin: Origin,
}

impl NewAudit {
    /// An entry with nothing but what every entry has.
    pub const fn new(id: Uuid, at: Timestamp, action: AuditAction, origin: Origin) -> Self {
        Self {
            id,
            at,
            user_id: None,
            actor_id: None,
            session_id: None,
            action,
            reason: None,
            client_reason: None,
            detail: None,
            origin,
        }
    }
}

/// An audit entry, with the name of the device it concerns where that is still known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub id: Uuid,
    pub at: Timestamp,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    pub action: OrOther<AuditAction>,
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// What was before and after, as JSON.
    pub detail: Option<String>,
    /// The device's name.
    pub device_name: Option<String>,
    pub origin: Origin,
}
