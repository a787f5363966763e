//! Rows as the database has them.

use sqlx::FromRow;
use types::domain::UserId;
use uuid::Uuid;

use crate::store::db::rows::Read;
use crate::store::sessions::rows::EndedRecord;
use crate::store::{EndedSession, StoreError};

/// A session that has just been ended, and whose it was.
#[derive(FromRow)]
pub struct ListedRecord {
    user_id: Uuid,
    #[sqlx(flatten)]
    ended: EndedRecord,
}

impl TryFrom<ListedRecord> for (UserId, EndedSession) {
    type Error = StoreError;

    fn try_from(row: ListedRecord) -> Read<Self> {
        Ok((UserId(row.user_id), row.ended.try_into()?))
    }
}
