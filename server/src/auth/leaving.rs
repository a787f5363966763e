//! Leaving: taking along what is held on a person, and deleting the account.

use std::time::Duration;
use types::words::AuditAction;

use types::api::DeviceDescription;
use types::domain::{Email, Password, SessionId, Timestamp, UserId};

use super::accounts::{AccountError, Accounts, Visitor, greeted};
use super::limits::buckets_of;
use crate::mail;
use crate::store::{AccountDeletion, ExportData, NewAudit, NewMail, User};

impl Accounts {
    /// Everything that is held on a person; `session_id` is the session that asks. `None` where the person is gone.
    pub async fn export(
        &self,
        visitor: &Visitor,
        user_id: UserId,
        session_id: SessionId,
    ) -> Result<Option<ExportData>, AccountError> {
        self.limits.may_ask(visitor.address).await?;
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(user_id),
            session_id: Some(session_id),
            ..self.audit(AuditAction::DataExported, visitor)
        };
        // Written first: nothing goes out that is not on record.
        self.store.audit().append_audit(&audit).await?;
        Ok(self.store.accounts().export_data(user_id).await?)
    }

    /// Checks that an account may be deleted, and prepares it; deleting it and ending every session is one transaction, and the
    /// sessions' business. What cannot be undone needs the password, or a sign-in of moments ago (ASVS 7.5.1, RFC 9470).
    pub async fn prepare_deletion(
        &self,
        session_id: SessionId,
        user_id: UserId,
        password: Option<&Password>,
        signed_in_at: Timestamp,
    ) -> Result<Option<AccountDeletion>, AccountError> {
        let Some(user) = self.store.accounts().user_by_id(user_id).await? else { return Ok(None) };
        self.prove(session_id, &user, password, signed_in_at).await?;
        let mail = self.new_mail(&user.email, mail::account_deleted(greeted(&user)));
        let mail = NewMail { forget: true, ..mail };
        let buckets = Email::parse(&user.email).map(|email| buckets_of(&email)).unwrap_or_default();
        Ok(Some(AccountDeletion { mail, buckets }))
    }

    /// Checks that whoever asks is the person, now: by the password, or by a sign-in of moments ago. Nothing where the person is gone.
    pub async fn step_up(
        &self,
        session_id: SessionId,
        user_id: UserId,
        password: Option<&Password>,
        signed_in_at: Timestamp,
    ) -> Result<(), AccountError> {
        match self.store.accounts().user_by_id(user_id).await? {
            Some(user) => self.prove(session_id, &user, password, signed_in_at).await,
            None => Ok(()),
        }
    }

    async fn prove(
        &self,
        session_id: SessionId,
        user: &User,
        password: Option<&Password>,
        signed_in_at: Timestamp,
    ) -> Result<(), AccountError> {
        match password {
            Some(password) => self.check_password("password", session_id, user, password).await,
            None if is_recent(signed_in_at, self.clock.now(), self.sudo_window) => Ok(()),
            None => Err(AccountError::SignInTooOld(self.sudo_window)),
        }
    }

    /// Writes to the person that one new device has vouched for another: whoever has the password could have done so.
    pub async fn tell_of_confirmation(
        &self,
        user_id: UserId,
        confirmed: &DeviceDescription,
        by: &DeviceDescription,
    ) -> Result<(), AccountError> {
        let Some(user) = self.store.accounts().user_by_id(user_id).await? else { return Ok(()) };
        let words = mail::sign_in_confirmed(&described(confirmed), &described(by));
        Ok(self.store.mail().queue_mail(&self.new_mail(&user.email, words)).await?)
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

/// Whether a sign-in is younger than `window`.
fn is_recent(signed_in_at: Timestamp, now: Timestamp, window: Duration) -> bool {
    now.since(signed_in_at) < window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_recent_to_the_millisecond() {
        let signed_in_at = Timestamp::from_millis(1_767_225_600_000);
        let window = Duration::from_mins(10);
        for (after_ms, expected) in [(0, true), (599_999, true), (600_000, false), (600_001, false)] {
            let now = signed_in_at.plus(Duration::from_millis(after_ms));
            assert_eq!(is_recent(signed_in_at, now, window), expected, "{after_ms}");
        }
        assert!(!is_recent(signed_in_at, signed_in_at, Duration::ZERO));
    }
}
