//! Deleting an account, and exporting what is stored about its user before that.

use types::words::AuditAction;

use types::api::DeviceDescription;
use types::domain::{Email, Password, SessionId, UserId};

use super::account::{AccountError, Accounts, greeted};
use super::mails;
use crate::auth::limits::buckets_of;
use crate::auth::origin::RequestOrigin;
use crate::auth::proofs::Proofs;
use crate::mail::NewMail;
use crate::store::{AccountDeletion, ExportData, NewAudit};

impl Accounts {
    /// Everything that is held on a user; `session_id` is the session that asks. `None` where the user is gone.
    pub async fn export(
        &self,
        from: &RequestOrigin,
        user_id: UserId,
        session_id: SessionId,
    ) -> Result<Option<ExportData>, AccountError> {
        self.limits.may_ask(from.address).await?;
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(user_id),
            session_id: Some(session_id),
            ..self.context.audit(AuditAction::DataExported, &from.origin)
        };
        // Written first: nothing goes out that is not on record.
        self.context.store.audit().append_audit(&audit).await?;
        Ok(self.context.store.accounts().export_data(user_id).await?)
    }

    /// Prepares to delete an account; deleting it and ending every session is one transaction, and the sessions'
    /// business. `None` where the user is gone.
    pub async fn prepare_deletion(&self, user_id: UserId) -> Result<Option<AccountDeletion>, AccountError> {
        let Some(user) = self.context.store.accounts().user_by_id(user_id).await? else { return Ok(None) };
        let mail = NewMail::notice(&user.email, mails::account_deleted(greeted(&user))).forgotten();
        let buckets = Email::parse(&user.email).map(|email| buckets_of(&email)).unwrap_or_default();
        Ok(Some(AccountDeletion { mail: self.context.mail(mail), buckets }))
    }

    /// Checks that whoever asks is the user, now: by the password, or by a proof of moments ago. Nothing where the user
    /// is gone.
    pub async fn check_proof(
        &self,
        session_id: SessionId,
        user_id: UserId,
        password: Option<&Password>,
        proofs: &Proofs,
    ) -> Result<(), AccountError> {
        let Some(password) = password else {
            let is_recent = proofs.are_recent(self.context.now(), self.sudo_window);
            return if is_recent { Ok(()) } else { Err(AccountError::SignInTooOld(self.sudo_window)) };
        };
        match self.context.store.accounts().user_by_id(user_id).await? {
            Some(user) => self.check_password("password", session_id, &user, password).await,
            None => Ok(()),
        }
    }

    /// Writes to the user that one new device has confirmed another: whoever has the password could have done so.
    pub async fn notify_of_confirmation(
        &self,
        user_id: UserId,
        confirmed: &DeviceDescription,
        by: &DeviceDescription,
    ) -> Result<(), AccountError> {
        let Some(user) = self.context.store.accounts().user_by_id(user_id).await? else { return Ok(()) };
        let content = mails::sign_in_confirmed(&described(confirmed), &described(by));
        Ok(self.context.store.jobs().enqueue(&self.context.mail(NewMail::notice(&user.email, content))).await?)
    }
}

/// A device as it is read from its user agent: what a client says of itself has no place in a mail.
fn described(device: &DeviceDescription) -> String {
    match (&device.browser, &device.os) {
        (Some(browser), Some(os)) => format!("{browser} on {os}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => "an app".to_owned(),
    }
}
