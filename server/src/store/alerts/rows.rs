//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::api::DeviceDescription;
use types::domain::{AlertId, SessionId, Timestamp};
use types::words::{AlertAnswer, AlertKind, DeviceKind};
use uuid::Uuid;

use crate::store::db::rows::{RowResult, moment};
use crate::store::{AlertRow, Answered, KnownDevice, StoreError};

#[derive(FromRow)]
pub struct AlertColumns {
    id: Uuid,
    kind: String,
    session_id: Uuid,
    created_at: i64,
    ip: String,
    place: Option<String>,
    answer: Option<String>,
    answered_at: Option<i64>,
    answered_by: Option<Uuid>,
    confirms: bool,
    session_began_at: i64,
    signed_in: bool,
    device_name: String,
    platform: String,
    browser: Option<String>,
    os: Option<String>,
    device_kind: String,
    app_version: Option<String>,
}

impl TryFrom<AlertColumns> for AlertRow {
    type Error = StoreError;

    fn try_from(row: AlertColumns) -> RowResult<Self> {
        let answered = match (row.answer.as_deref(), moment(row.answered_at)) {
            (Some(answer), Some(at)) => Some(Answered {
                answer: AlertAnswer::parse(answer).ok_or(StoreError::Unreadable("answer"))?,
                at,
                by: row.answered_by.map(SessionId),
                confirms: row.confirms,
            }),
            _ => None,
        };
        Ok(Self {
            id: AlertId(row.id),
            kind: AlertKind::parse(&row.kind).ok_or(StoreError::Unreadable("alert"))?,
            session_id: SessionId(row.session_id),
            at: Timestamp::from_millis(row.created_at),
            ip: row.ip,
            place: row.place,
            device: DeviceDescription {
                device_name: row.device_name,
                platform: row.platform,
                browser: row.browser,
                os: row.os,
                kind: DeviceKind::parse(&row.device_kind).unwrap_or(DeviceKind::Unknown),
                app_version: row.app_version,
            },
            session_began_at: Timestamp::from_millis(row.session_began_at),
            signed_in: row.signed_in,
            answered,
        })
    }
}

#[derive(FromRow)]
pub struct KnownDeviceColumns {
    browser: Option<String>,
    os: Option<String>,
    platform: String,
    ip: String,
}

impl From<KnownDeviceColumns> for KnownDevice {
    fn from(row: KnownDeviceColumns) -> Self {
        Self { browser: row.browser, os: row.os, platform: row.platform, ip: row.ip }
    }
}
