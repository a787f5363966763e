//! A forgotten password: the token that is sent to set a new one.

use types::domain::Timestamp;

use super::super::audit::insert_audit;
use super::super::jobs::bind_job;
use super::users::hold_user;
use super::{Database, Result, query, query_as};
use crate::store::accounts::rows::UserColumns;
use crate::store::db::rows::read_one;
use crate::store::{Digest, NewAudit, NewJob, NewResetToken, ResetRequest, User, sql};

impl Database {
    /// The same statements whoever it is for, so that the time it takes tells nothing: where there is nobody, they find
    /// nothing.
    pub(in crate::store) async fn request_password_reset(
        &self,
        token: &NewResetToken<'_>,
        mail: &NewJob,
        not_before: Timestamp,
        audit: &NewAudit,
    ) -> Result<ResetRequest> {
        let mut tx = self.begin().await?;
        // Everything that touches a user's token holds the user first.
        hold_user(&mut tx, token.user_id).await?;
        query(sql::accounts::REPLACE_RESET)
            .bind(token.user_id.0)
            .bind(&token.digest[..])
            .bind(mail.at.as_millis())
            .bind(token.expires_at.as_millis())
            .bind(not_before.as_millis())
            .execute(&mut *tx)
            .await?;
        query(sql::accounts::REPLACE_RESET_OF_REGISTRATION)
            .bind(token.email.as_str())
            .bind(&token.digest[..])
            .bind(mail.at.as_millis())
            .bind(token.expires_at.as_millis())
            .bind(not_before.as_millis())
            .execute(&mut *tx)
            .await?;
        let queued =
            bind_job(query(sql::accounts::ENQUEUE_RESET_MAIL), mail).bind(&token.digest[..]).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(if queued.rows_affected() > 0 { ResetRequest::Queued } else { ResetRequest::Ignored })
    }

    pub(in crate::store) async fn user_of_reset_token(&self, digest: &Digest, now: Timestamp) -> Result<Option<User>> {
        let row: Option<UserColumns> = query_as(sql::accounts::USER_OF_RESET)
            .bind(&digest[..])
            .bind(now.as_millis())
            .fetch_optional(self.readers())
            .await?;
        read_one(row)
    }
}
