//! Users and the audit log.

use types::domain::{DisplayName, Email, Timestamp, UserId};
use types::words::AccountType;
use uuid::Uuid;

use super::super::audit::insert_audit;
use super::super::jobs::insert_job_if;
use super::super::limits::take;
use super::{Connection, Database, Result, query, query_as};
use crate::store::accounts::rows::UserColumns;
use crate::store::db::rows::read_one;
use crate::store::{Creation, NewAudit, NewJob, NewUser, ProfileChange, Try, User, sql};

impl Database {
    pub(in crate::store) async fn create_user(
        &self,
        user: &NewUser,
        notice: Option<(&NewJob, Try)>,
        audit: &NewAudit,
    ) -> Result<Creation> {
        let mut tx = self.begin().await?;
        if !insert_user(&mut tx, user).await? {
            if let Some((notice, notices)) = notice {
                let sends = take(&mut tx, &notices, notice.at).await?;
                insert_job_if(&mut tx, notice, sends).await?;
                tx.commit().await?;
                self.wake_worker();
            }
            return Ok(Creation::EmailTaken);
        }
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(Creation::Created)
    }

    pub(in crate::store) async fn user_by_email(&self, email: &Email) -> Result<Option<User>> {
        let row: Option<UserColumns> =
            query_as(sql::accounts::USER_BY_EMAIL).bind(email.as_str()).fetch_optional(self.readers()).await?;
        read_one(row)
    }

    pub(in crate::store) async fn user_by_id(&self, id: UserId) -> Result<Option<User>> {
        let row: Option<UserColumns> =
            query_as(sql::accounts::USER_BY_ID).bind(id.0).fetch_optional(self.readers()).await?;
        read_one(row)
    }

    pub(in crate::store) async fn any_imported_hash(&self) -> Result<Option<String>> {
        let row: Option<(String,)> = query_as(sql::accounts::ANY_IMPORTED_HASH).fetch_optional(self.readers()).await?;
        Ok(row.map(|(hash,)| hash))
    }

    pub(in crate::store) async fn count_users(&self) -> Result<u64> {
        let (count,): (i64,) = query_as(sql::accounts::COUNT_USERS).fetch_one(self.readers()).await?;
        Ok(count.unsigned_abs())
    }

    pub(in crate::store) async fn update_profile(
        &self,
        id: UserId,
        change: &ProfileChange,
        audit: &NewAudit,
    ) -> Result<Option<User>> {
        let mut tx = self.begin().await?;
        query(sql::accounts::UPDATE_PROFILE)
            .bind(id.0)
            .bind(change.name.as_ref().map(DisplayName::as_str))
            .bind(change.account_type.map(AccountType::as_str))
            .execute(&mut *tx)
            .await?;
        let Some(user) = user_by_id(&mut tx, id).await? else { return Ok(None) };
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    pub(in crate::store) async fn upgrade_password_hash(&self, id: UserId, expected: &str, new: &str) -> Result<bool> {
        let done = query(sql::accounts::UPGRADE_PASSWORD_HASH)
            .bind(id.0)
            .bind(expected)
            .bind(new)
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    pub(in crate::store) async fn set_disabled(&self, id: UserId, at: Option<Timestamp>) -> Result<bool> {
        let done = query(sql::accounts::SET_DISABLED)
            .bind(id.0)
            .bind(at.map(Timestamp::as_millis))
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

/// False where the address is taken.
pub(in crate::store) async fn insert_user(connection: &mut Connection, user: &NewUser) -> Result<bool> {
    let inserted = query(sql::accounts::INSERT_USER)
        .bind(user.id.0)
        .bind(user.email.as_str())
        .bind(user.name.as_str())
        .bind(user.account_type.as_str())
        .bind(&user.password_hash)
        .bind(user.at.as_millis())
        .bind(user.email_verified_at.map(Timestamp::as_millis))
        .bind(user.at.as_millis())
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    for role in &user.roles {
        query(sql::accounts::INSERT_ROLE).bind(user.id.0).bind(role).execute(&mut *connection).await?;
    }
    Ok(true)
}

/// Locks the user until the commit; false where there is none.
pub(in crate::store) async fn hold_user(connection: &mut Connection, id: UserId) -> Result<bool> {
    let row: Option<(Uuid,)> = query_as(sql::accounts::LOCK_USER).bind(id.0).fetch_optional(&mut *connection).await?;
    Ok(row.is_some())
}

/// The user, under lock until the commit. Read by a second statement: PostgreSQL reads the row that it has waited for
/// anew, but its roles as they were before.
pub(in crate::store) async fn lock_user(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    hold_user(&mut *connection, id).await?;
    user_by_id(connection, id).await
}

pub(in crate::store) async fn user_by_id(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row: Option<UserColumns> =
        query_as(sql::accounts::USER_BY_ID).bind(id.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}
