//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::OrOther;
use uuid::Uuid;

use crate::store::db::rows::{RowResult, reason};
use crate::store::{Audit, AuditSeal, EntrySeal, Origin, SealedAudit, StoreError, StoredAudit, StoredCommitment};

#[derive(FromRow)]
pub struct AuditColumns {
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
    actor_name: Option<String>,
    support_reason: Option<String>,
}

impl TryFrom<AuditColumns> for Audit {
    type Error = StoreError;

    fn try_from(row: AuditColumns) -> RowResult<Self> {
        Ok(Self {
            id: row.id,
            at: Timestamp::from_millis(row.at),
            session_id: row.session_id.map(SessionId),
            action: OrOther::of_name(&row.action),
            reason: reason(row.reason.as_deref())?,
            client_reason: row.client_reason,
            detail: row.detail,
            device_name: row.device_name,
            acting: row.actor_name.zip(row.support_reason),
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
        })
    }
}

/// An entry as it is stored.
#[derive(FromRow)]
pub struct EntryColumns {
    id: Uuid,
    at: i64,
    user_id: Option<Uuid>,
    actor_id: Option<Uuid>,
    session_id: Option<Uuid>,
    action: String,
    reason: Option<String>,
    client_reason: Option<String>,
    ip: String,
    user_agent: String,
    detail: Option<String>,
}

impl From<EntryColumns> for StoredAudit {
    fn from(row: EntryColumns) -> Self {
        Self {
            id: row.id,
            at: Timestamp::from_millis(row.at),
            user_id: row.user_id.map(UserId),
            actor_id: row.actor_id.map(UserId),
            session_id: row.session_id.map(SessionId),
            action: row.action,
            reason: row.reason,
            client_reason: row.client_reason,
            detail: row.detail,
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
        }
    }
}

#[derive(FromRow)]
pub struct SealedColumns {
    #[sqlx(flatten)]
    entry: EntryColumns,
    position: i64,
    origin_salt: Option<Vec<u8>>,
    origin_commitment: Option<Vec<u8>>,
    client_reason_salt: Option<Vec<u8>>,
    client_reason_commitment: Option<Vec<u8>>,
    mark: Option<Vec<u8>>,
}

impl From<SealedColumns> for SealedAudit {
    fn from(row: SealedColumns) -> Self {
        Self {
            entry: row.entry.into(),
            seal: EntrySeal {
                position: row.position,
                origin: StoredCommitment { salt: row.origin_salt, digest: row.origin_commitment },
                client_reason: StoredCommitment { salt: row.client_reason_salt, digest: row.client_reason_commitment },
                mark: row.mark,
            },
        }
    }
}

#[derive(FromRow)]
pub struct SealColumns {
    number: i64,
    version: i64,
    sealed_at: i64,
    first_position: i64,
    last_position: i64,
    root: Vec<u8>,
    previous: Vec<u8>,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

impl From<SealColumns> for AuditSeal {
    fn from(row: SealColumns) -> Self {
        Self {
            number: row.number,
            version: row.version,
            sealed_at: Timestamp::from_millis(row.sealed_at),
            first_position: row.first_position,
            last_position: row.last_position,
            root: row.root,
            previous: row.previous,
            public_key: row.public_key,
            signature: row.signature,
        }
    }
}
