//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::Timestamp;

use crate::store::db::rows::{RowResult, moment};
use crate::store::{SigningKeyRow, StoreError};

#[derive(FromRow)]
pub struct SigningKeyColumns {
    kid: String,
    public_key: Vec<u8>,
    sealed_private_key: Vec<u8>,
    created_at: i64,
    signs_from: i64,
    retires_at: Option<i64>,
}

impl TryFrom<SigningKeyColumns> for SigningKeyRow {
    type Error = StoreError;

    fn try_from(row: SigningKeyColumns) -> RowResult<Self> {
        Ok(Self {
            kid: row.kid,
            public_key: row.public_key,
            sealed_private_key: row.sealed_private_key,
            created_at: Timestamp::from_millis(row.created_at),
            signs_from: Timestamp::from_millis(row.signs_from),
            retires_at: moment(row.retires_at),
        })
    }
}
