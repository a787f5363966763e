//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::db::rows::{RowResult, reason};
use crate::store::{Revocation, RevokedSubject, StoreError, Tail};

/// One row of the log.
#[derive(FromRow)]
pub struct RevocationColumns {
    position: i64,
    user_id: Uuid,
    session_id: Option<Uuid>,
    epoch: Option<i64>,
    reason: Option<String>,
    ended_by: Option<Uuid>,
    ended_by_device: Option<String>,
    at: i64,
    remember_until: i64,
}

impl TryFrom<RevocationColumns> for Revocation {
    type Error = StoreError;

    fn try_from(row: RevocationColumns) -> RowResult<Self> {
        let subject = match (row.session_id, row.epoch) {
            (Some(session), None) => RevokedSubject::Session(SessionId(session)),
            (None, Some(epoch)) => RevokedSubject::Epoch(epoch),
            _ => return Err(StoreError::Unreadable("revocation")),
        };
        Ok(Self {
            position: row.position,
            user_id: UserId(row.user_id),
            subject,
            reason: reason(row.reason.as_deref())?,
            ended_by: row.ended_by.map(SessionId),
            ended_by_device: row.ended_by_device,
            at: Timestamp::from_millis(row.at),
            remember_until: Timestamp::from_millis(row.remember_until),
        })
    }
}

/// One row of a poll of the log: the head and the time in each, and no revocation where there is none.
#[derive(FromRow)]
pub struct TailColumns {
    head: i64,
    database_time: i64,
    is_replica: bool,
    has_restarted: bool,
    position: Option<i64>,
    user_id: Option<Uuid>,
    session_id: Option<Uuid>,
    epoch: Option<i64>,
    reason: Option<String>,
    ended_by: Option<Uuid>,
    ended_by_device: Option<String>,
    at: Option<i64>,
    remember_until: Option<i64>,
}

impl TailColumns {
    fn revocation(self) -> RowResult<Option<Revocation>> {
        let (Some(position), Some(user_id), Some(at), Some(remember_until)) =
            (self.position, self.user_id, self.at, self.remember_until)
        else {
            return Ok(None);
        };
        let Self { session_id, epoch, reason, ended_by, ended_by_device, .. } = self;
        let row = RevocationColumns {
            position,
            user_id,
            session_id,
            epoch,
            reason,
            ended_by,
            ended_by_device,
            at,
            remember_until,
        };
        row.try_into().map(Some)
    }
}

impl TryFrom<Vec<TailColumns>> for Tail {
    type Error = StoreError;

    fn try_from(rows: Vec<TailColumns>) -> RowResult<Self> {
        let first = rows.first().ok_or(StoreError::Unreadable("revocation head"))?;
        if first.is_replica {
            return Err(StoreError::replica());
        }
        let (head, database_time) = (first.head, Timestamp::from_millis(first.database_time));
        let has_restarted = first.has_restarted;
        let revocations = rows.into_iter().filter_map(|row| row.revocation().transpose()).collect::<RowResult<_>>()?;
        Ok(Self { head, database_time, has_restarted, revocations })
    }
}
