//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::Timestamp;
use types::words::BuiltInRole;

use crate::store::db::rows::RowResult;
use crate::store::{RoleRow, StoreError};

#[derive(FromRow)]
pub struct RoleColumns {
    name: String,
    inherits: Option<String>,
    permissions: String,
    description: String,
    built_in: bool,
    base: String,
    grants: String,
    created_at: i64,
    holders: i64,
}

impl TryFrom<RoleColumns> for RoleRow {
    type Error = StoreError;

    fn try_from(row: RoleColumns) -> RowResult<Self> {
        Ok(Self {
            name: row.name,
            inherits: row.inherits,
            permissions: serde_json::from_str(&row.permissions).map_err(|_| StoreError::Unreadable("role"))?,
            description: row.description,
            built_in: row.built_in,
            base: base(&row.base)?,
            grants: row.grants.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            created_at: Timestamp::from_millis(row.created_at),
            holders: row.holders.unsigned_abs(),
        })
    }
}

/// A built-in role by its name.
pub fn base(name: &str) -> RowResult<BuiltInRole> {
    BuiltInRole::parse(name).ok_or(StoreError::Unreadable("role"))
}
