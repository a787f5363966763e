//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::store::db::rows::{RowResult, moment};
use crate::store::sessions::rows::EndedColumns;
use crate::store::{EndRunRow, EndedSession, NewEndRun, Origin, StoreError};

/// A session that has just been ended, and whose it was.
#[derive(FromRow)]
pub struct ListedColumns {
    user_id: Uuid,
    #[sqlx(flatten)]
    ended: EndedColumns,
}

impl TryFrom<ListedColumns> for (UserId, EndedSession) {
    type Error = StoreError;

    fn try_from(row: ListedColumns) -> RowResult<Self> {
        Ok((UserId(row.user_id), row.ended.try_into()?))
    }
}

/// An end by rule.
#[derive(FromRow)]
pub struct EndRunColumns {
    id: Uuid,
    actor_id: Uuid,
    session_id: Uuid,
    rule: String,
    client_reason: Option<String>,
    ip: String,
    user_agent: String,
    created_at: i64,
    begun_at: Option<i64>,
    finished_at: Option<i64>,
    stopped_at: Option<i64>,
    total_sessions: Option<i64>,
    ended_sessions: i64,
}

impl From<EndRunColumns> for EndRunRow {
    fn from(row: EndRunColumns) -> Self {
        let run = NewEndRun {
            id: row.id,
            actor_id: UserId(row.actor_id),
            session_id: SessionId(row.session_id),
            rule: row.rule,
            client_reason: row.client_reason,
            origin: Origin { ip: row.ip, user_agent: row.user_agent },
            at: Timestamp::from_millis(row.created_at),
        };
        Self {
            run,
            begun_at: moment(row.begun_at),
            finished_at: moment(row.finished_at),
            was_stopped: row.stopped_at.is_some(),
            total: row.total_sessions.map(i64::unsigned_abs),
            ended: row.ended_sessions.unsigned_abs(),
        }
    }
}
