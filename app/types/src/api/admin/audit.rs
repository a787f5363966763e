//! The audit log: what is asked of it, and its entries.

use serde::{Deserialize, Serialize};

use crate::api::roles::RolesChange;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::words::{AuditAction, EndReason, OrOther};

/// Which entries of the audit log to give: those that all of it is true of. What is exported has no cursor and no
/// limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditQuery {
    /// About this user, by id or by the e-mail that they have now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// By this administrator, by id or by the e-mail that they have now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The name of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// From this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Not earlier than this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Earlier than this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `nextCursor` of the page before; the first page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// `newestCursor` of an earlier answer: only what is newer. Entries of the five seconds before it come again,
    /// because some are committed late: know them by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many entries at most: a whole number up to 200, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub limit: Option<String>,
    /// Of an export: `ndjson` (the default) or `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Answer of `GET /api/admin/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Pass it as `?cursor=` for older entries; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Pass it as `?after=` to follow the log; absent where there is no entry at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_cursor: Option<String>,
}

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The entry's id.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: OrOther<AuditAction>,
    /// Whom it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<AuditParty>,
    /// The administrator who did it, where it was not the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AuditParty>,
    /// The session it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Why, where a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OrOther<EndReason>>,
    /// The words of whoever did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_reason: Option<String>,
    /// The roles before and after, where those of a user were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesChange>,
    /// What else is known, as the text of a JSON value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where the request came from; empty after `IP_RETENTION`.
    pub ip_address: String,
    /// What the request came from; empty after `IP_RETENTION`.
    pub user_agent: String,
}

/// Somebody in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditParty {
    /// The user's id.
    pub user_id: UserId,
    /// The address now; absent where the account was deleted, and in receipts for whoever may find neither users nor
    /// entries of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}
