//! Rows as the database has them.

use sqlx::FromRow;
use types::domain::{SessionId, Timestamp};
use types::words::OrOther;
use uuid::Uuid;

use crate::store::db::rows::{Read, reason};
use crate::store::{Audit, Origin, StoreError};

#[derive(FromRow)]
pub struct AuditRecord {
    id: Uuid,
    at: i64,
    session_id: Option<Uuid>,
    action: String,
    reason: Option<String>,
    client_reason: Option<String>,
    ip: String,
    user_agent: String,
    detail: Option<String>,
    device_name: Option<String>,
}

impl TryFrom<AuditRecord> for Audit {
    type Error = StoreError;

    fn try_from(row: AuditRecord) -> Read<Self> {
        Ok(Self {
            id: row.id,
            at: Timestamp::from_millis(row.at),
            session_id: row.session_id.map(SessionId),
            action: OrOther::of_name(&row.action),
            reason: reason(row.reason.as_deref())?,
            client_reason: row.client_reason,
            detail: row.detail,
            device_name: row.device_name,
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
        })
    }
}
