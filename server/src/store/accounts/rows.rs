//! Rows as the database has them.

use sqlx::FromRow;
use types::domain::{Timestamp, UserId};
use types::words::AccountType;
use uuid::Uuid;

use crate::store::db::rows::{Read, digest, moment};
use crate::store::{Registrant, Registration, StoreError, User};

#[derive(FromRow)]
pub struct UserRecord {
    id: Uuid,
    email: String,
    name: String,
    account_type: String,
    password_hash: String,
    password_changed_at: i64,
    email_verified_at: Option<i64>,
    disabled_at: Option<i64>,
    epoch: i64,
    last_logout: Option<i64>,
    created_at: i64,
    roles: Option<String>,
}

impl TryFrom<UserRecord> for User {
    type Error = StoreError;

    fn try_from(row: UserRecord) -> Read<Self> {
        let mut roles: Vec<String> =
            row.roles.unwrap_or_default().split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
        roles.sort();
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            name: row.name,
            account_type: AccountType::parse(&row.account_type).ok_or(StoreError::Unreadable("account type"))?,
            password_hash: row.password_hash,
            roles,
            email_verified_at: moment(row.email_verified_at),
            disabled_at: moment(row.disabled_at),
            epoch: row.epoch,
            last_logout: moment(row.last_logout),
            password_changed_at: Timestamp::from_millis(row.password_changed_at),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

#[derive(FromRow)]
pub struct RegistrationRecord {
    id: Uuid,
    password_hash: String,
    network: Vec<u8>,
    browser: Option<Vec<u8>>,
}

impl TryFrom<RegistrationRecord> for Registration {
    type Error = StoreError;

    fn try_from(row: RegistrationRecord) -> Read<Self> {
        let browser = row.browser.as_deref().map(digest).transpose()?;
        let registrant = Registrant { network: digest(&row.network)?, browser };
        Ok(Self { id: UserId(row.id), password_hash: row.password_hash, registrant })
    }
}
