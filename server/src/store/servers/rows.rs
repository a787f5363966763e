//! The columns of rows as the database has them.

use std::time::Duration;

use sqlx::FromRow;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::store::db::rows::{RowResult, digest};
use crate::store::{ServerRow, StoreError};

#[derive(FromRow)]
pub struct ServerColumns {
    id: Uuid,
    name: String,
    agreement: Vec<u8>,
    settings: String,
    version: Option<String>,
    revocation_list_age_ms: Option<i64>,
    seen_at: i64,
    own_url: Option<String>,
}

impl TryFrom<ServerColumns> for ServerRow {
    type Error = StoreError;

    fn try_from(row: ServerColumns) -> RowResult<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            agreement: digest(&row.agreement)?,
            settings: row.settings,
            version: row.version,
            list_age: row.revocation_list_age_ms.map(|age| Duration::from_millis(age.unsigned_abs())),
            seen_at: Timestamp::from_millis(row.seen_at),
            own_url: row.own_url,
        })
    }
}
