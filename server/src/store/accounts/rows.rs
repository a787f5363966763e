//! The columns of rows as the database has them.

use sqlx::FromRow;
use types::domain::{Timestamp, UserId};
use types::words::{AccountType, BuiltInRole};
use uuid::Uuid;

use crate::store::db::rows::{RowResult, digest, moment};
use crate::store::roles::rows::base;
use crate::store::{Registrant, Registration, StoreError, User};

#[derive(FromRow)]
pub struct UserColumns {
    id: Uuid,
    email: String,
    name: String,
    account_type: String,
    password_hash: String,
    password_changed_at: i64,
    email_verified_at: Option<i64>,
    disabled_at: Option<i64>,
    password_reset_required_at: Option<i64>,
    epoch: i64,
    last_logout: Option<i64>,
    created_at: i64,
    roles: Option<String>,
}

impl TryFrom<UserColumns> for User {
    type Error = StoreError;

    fn try_from(row: UserColumns) -> RowResult<Self> {
        let HeldRoles { roles, base_role, added_permissions } = HeldRoles::read(&row.roles.unwrap_or_default())?;
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            name: row.name,
            account_type: AccountType::parse(&row.account_type).ok_or(StoreError::Unreadable("account type"))?,
            password_hash: row.password_hash,
            roles,
            base_role,
            added_permissions,
            email_verified_at: moment(row.email_verified_at),
            disabled_at: moment(row.disabled_at),
            password_reset_required_at: moment(row.password_reset_required_at),
            epoch: row.epoch,
            last_logout: moment(row.last_logout),
            password_changed_at: Timestamp::from_millis(row.password_changed_at),
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

/// The roles of a user, and what they come to.
struct HeldRoles {
    roles: Vec<String>,
    base_role: BuiltInRole,
    added_permissions: Vec<String>,
}

impl HeldRoles {
    /// Reads what stands in the column: roles with a comma between them, each of words.
    fn read(text: &str) -> RowResult<Self> {
        let mut held = Self { roles: Vec::new(), base_role: BuiltInRole::User, added_permissions: Vec::new() };
        for role in text.split(',').filter(|role| !role.is_empty()) {
            let mut words = role.split(' ').filter(|word| !word.is_empty());
            let (Some(name), Some(its_base)) = (words.next(), words.next()) else {
                return Err(StoreError::Unreadable("role"));
            };
            held.roles.push(name.to_owned());
            held.base_role = held.base_role.max(base(its_base)?);
            held.added_permissions.extend(words.map(str::to_owned));
        }
        held.roles.sort();
        held.added_permissions.sort();
        held.added_permissions.dedup();
        Ok(held)
    }
}

#[derive(FromRow)]
pub struct RegistrationColumns {
    id: Uuid,
    password_hash: String,
    network: Vec<u8>,
    browser: Option<Vec<u8>>,
}

impl TryFrom<RegistrationColumns> for Registration {
    type Error = StoreError;

    fn try_from(row: RegistrationColumns) -> RowResult<Self> {
        let browser = row.browser.as_deref().map(digest).transpose()?;
        let registrant = Registrant { network: digest(&row.network)?, browser };
        Ok(Self { id: UserId(row.id), password_hash: row.password_hash, registrant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_with_what_they_come_to() {
        let held = HeldRoles::read("user user ,on-call moderator rooms:open users:read,support user users:read");
        let HeldRoles { roles, base_role, added_permissions } = held.unwrap();
        assert_eq!(
            (roles, base_role),
            (["on-call", "support", "user"].map(String::from).to_vec(), BuiltInRole::Moderator)
        );
        assert_eq!(added_permissions, ["rooms:open", "users:read"]);
        let nobody = HeldRoles::read("").unwrap();
        assert_eq!((nobody.roles, nobody.base_role), (Vec::<String>::new(), BuiltInRole::User));
        assert!(HeldRoles::read("support").is_err() && HeldRoles::read("support king").is_err());
    }
}
