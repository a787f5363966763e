//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::store::db::rows::{RowResult, moment};
use crate::store::{Job, StoreError};

#[derive(FromRow)]
pub struct JobColumns {
    id: Uuid,
    kind: String,
    payload: String,
    concerns: Option<String>,
    attempts: i64,
    created_at: i64,
    expires_at: Option<i64>,
    last_error: Option<String>,
    done_at: Option<i64>,
    dead_at: Option<i64>,
}

impl TryFrom<JobColumns> for Job {
    type Error = StoreError;

    fn try_from(row: JobColumns) -> RowResult<Self> {
        Ok(Self {
            id: row.id,
            kind: row.kind,
            payload: row.payload,
            concerns: row.concerns,
            attempts: u32::try_from(row.attempts).map_err(|_| StoreError::Unreadable("number of attempts"))?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: moment(row.expires_at),
            last_error: row.last_error,
            done_at: moment(row.done_at),
            dead_at: moment(row.dead_at),
        })
    }
}
