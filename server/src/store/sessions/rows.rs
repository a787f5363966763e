//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::api::DeviceDescription;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{DeviceKind, OrOther, SignInMethod, TokenDelivery};
use uuid::Uuid;

use crate::auth::proofs::{Proof, Proofs};
use crate::store::db::rows::{RowResult, digest, moment, reason};
use crate::store::{
    Acting, EndedSession, HistoryEntry, Origin, ReceiptRow, SessionEnd, SessionRow, SessionTraits, StoreError, Ticket,
};

#[derive(FromRow)]
pub struct EndedColumns {
    id: Uuid,
    #[sqlx(flatten)]
    device: DeviceColumns,
    remember_until: i64,
    in_room: bool,
}

impl TryFrom<EndedColumns> for EndedSession {
    type Error = StoreError;

    fn try_from(row: EndedColumns) -> RowResult<Self> {
        let remember_until = Timestamp::from_millis(row.remember_until);
        Ok(Self { id: SessionId(row.id), device: row.device.into(), remember_until, in_room: row.in_room })
    }
}

#[derive(FromRow)]
pub struct ReceiptColumns {
    id: Uuid,
    #[sqlx(flatten)]
    device: DeviceColumns,
    ended_by: Option<Uuid>,
    notified_at: Option<i64>,
    confirmed_at: Option<i64>,
}

impl TryFrom<ReceiptColumns> for ReceiptRow {
    type Error = StoreError;

    fn try_from(row: ReceiptColumns) -> RowResult<Self> {
        Ok(Self {
            session_id: SessionId(row.id),
            device: row.device.into(),
            current: row.ended_by == Some(row.id),
            notified_at: moment(row.notified_at),
            confirmed_at: moment(row.confirmed_at),
        })
    }
}

#[derive(FromRow)]
pub struct DeviceColumns {
    device_name: String,
    platform: String,
    browser: Option<String>,
    os: Option<String>,
    kind: String,
    app_version: Option<String>,
}

impl From<DeviceColumns> for DeviceDescription {
    fn from(row: DeviceColumns) -> Self {
        Self {
            device_name: row.device_name,
            platform: row.platform,
            browser: row.browser,
            os: row.os,
            kind: DeviceKind::parse(&row.kind).unwrap_or(DeviceKind::Unknown),
            app_version: row.app_version,
        }
    }
}

#[derive(FromRow)]
pub struct EndColumns {
    ended_at: Option<i64>,
    end_reason: Option<String>,
    ended_by: Option<Uuid>,
    ended_by_device: Option<String>,
}

impl EndColumns {
    fn read(self) -> RowResult<Option<SessionEnd>> {
        let (Some(at), Some(reason)) = (moment(self.ended_at), reason(self.end_reason.as_deref())?) else {
            return Ok(None);
        };
        let ended_by = self.ended_by.map(SessionId);
        Ok(Some(SessionEnd { at, reason, ended_by, ended_by_device: self.ended_by_device }))
    }
}

#[derive(FromRow)]
pub struct ActingColumns {
    actor_id: Option<Uuid>,
    actor_name: Option<String>,
    support_reason: Option<String>,
}

impl ActingColumns {
    fn read(self) -> Option<Acting> {
        let Self { actor_id, actor_name, support_reason } = self;
        Some(Acting {
            actor_id: UserId(actor_id?),
            actor_name: actor_name.unwrap_or_default(),
            reason: support_reason.unwrap_or_default(),
        })
    }
}

#[derive(FromRow)]
pub struct SessionColumns {
    id: Uuid,
    user_id: Uuid,
    created_at: i64,
    last_active: i64,
    expires_at: i64,
    max_expires_at: i64,
    #[sqlx(flatten)]
    device: DeviceColumns,
    ip: String,
    user_agent: String,
    place: Option<String>,
    signed_in_with: String,
    proofs: String,
    delivery: String,
    remember: bool,
    refresh_digest: Vec<u8>,
    previous_digest: Option<Vec<u8>>,
    refreshed_at: i64,
    #[sqlx(flatten)]
    acting: ActingColumns,
    #[sqlx(flatten)]
    end: EndColumns,
}

impl TryFrom<SessionColumns> for SessionRow {
    type Error = StoreError;

    fn try_from(row: SessionColumns) -> RowResult<Self> {
        let proofs = proofs(&row)?;
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            created_at: Timestamp::from_millis(row.created_at),
            last_active: Timestamp::from_millis(row.last_active),
            expires_at: Timestamp::from_millis(row.expires_at),
            max_expires_at: Timestamp::from_millis(row.max_expires_at),
            device: row.device.into(),
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
            place: row.place,
            proofs,
            delivery: TokenDelivery::parse(&row.delivery).ok_or(StoreError::Unreadable("token delivery"))?,
            remember: row.remember,
            refresh_digest: digest(&row.refresh_digest)?,
            previous_digest: row.previous_digest.as_deref().map(digest).transpose()?,
            refreshed_at: Timestamp::from_millis(row.refreshed_at),
            acting: row.acting.read(),
            end: row.end.read()?,
        })
    }
}

#[derive(FromRow)]
pub struct TraitColumns {
    id: Uuid,
    user_id: Uuid,
    created_at: i64,
    #[sqlx(flatten)]
    device: DeviceColumns,
    ip: String,
    place: Option<String>,
}

impl From<TraitColumns> for SessionTraits {
    fn from(row: TraitColumns) -> Self {
        Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            created_at: Timestamp::from_millis(row.created_at),
            device: row.device.into(),
            ip: row.ip,
            place: row.place,
        }
    }
}

/// The proofs of a session. Sessions from before they were stored one by one rest on one, given when they began.
fn proofs(row: &SessionColumns) -> RowResult<Proofs> {
    let stored: Vec<Proof> = serde_json::from_str(&row.proofs).map_err(|_| StoreError::Unreadable("proofs"))?;
    if let Ok(proofs) = Proofs::try_from(stored) {
        return Ok(proofs);
    }
    let method = SignInMethod::parse(&row.signed_in_with).ok_or(StoreError::Unreadable("sign-in method"))?;
    Ok(Proofs::one(method, Timestamp::from_millis(row.created_at)))
}

/// What decides whether a token may pass.
#[derive(FromRow)]
pub struct StandingColumns {
    is_replica: bool,
    expires_at: i64,
    epoch: i64,
    #[sqlx(flatten)]
    end: EndColumns,
}

impl StandingColumns {
    /// When the session runs out, the user's epoch, and how the session ended.
    pub fn read(self) -> RowResult<(Timestamp, i64, Option<SessionEnd>)> {
        if self.is_replica {
            return Err(StoreError::replica());
        }
        Ok((Timestamp::from_millis(self.expires_at), self.epoch, self.end.read()?))
    }
}

/// A session that was found past its time.
#[derive(FromRow)]
pub struct ExpiredColumns {
    pub id: Uuid,
    pub user_id: Uuid,
    pub ended_at: i64,
    pub end_reason: String,
}

#[derive(FromRow)]
pub struct HistoryColumns {
    at: i64,
    kind: String,
    detail: Option<String>,
    ip: String,
}

impl TryFrom<HistoryColumns> for HistoryEntry {
    type Error = StoreError;

    fn try_from(row: HistoryColumns) -> RowResult<Self> {
        Ok(Self {
            at: Timestamp::from_millis(row.at),
            kind: OrOther::of_name(&row.kind),
            detail: row.detail,
            ip: row.ip,
        })
    }
}

/// A moment in the life of one of several sessions.
#[derive(FromRow)]
pub struct HistoryOfColumns {
    session_id: Uuid,
    #[sqlx(flatten)]
    entry: HistoryColumns,
}

impl TryFrom<HistoryOfColumns> for (SessionId, HistoryEntry) {
    type Error = StoreError;

    fn try_from(row: HistoryOfColumns) -> RowResult<Self> {
        Ok((SessionId(row.session_id), row.entry.try_into()?))
    }
}

#[derive(FromRow)]
pub struct TicketColumns {
    session_id: Uuid,
    user_id: Uuid,
    epoch: i64,
    session_expires_at: i64,
    expires_at: i64,
}

impl TryFrom<TicketColumns> for Ticket {
    type Error = StoreError;

    fn try_from(row: TicketColumns) -> RowResult<Self> {
        Ok(Self {
            session_id: SessionId(row.session_id),
            user_id: UserId(row.user_id),
            epoch: row.epoch,
            session_expires_at: Timestamp::from_millis(row.session_expires_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}
