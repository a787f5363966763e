//! A forgotten password: a link by mail that sets a new one, once (NIST SP 800-63B-4, 4.2; ASVS 6.4.1).
//!
//! The token stands behind the `#` of the link: browsers send that part to no server, so it gets into no log and no `Referer`.

use std::time::Duration;

use app::domain::{Email, Invalid, Password, UserId};

use super::accounts::{AccountError, Accounts, Visitor};
use super::secrets::Capability;
use crate::mail;
use crate::store::{NewAudit, NewResetToken, PasswordReset};

/// How long a link works. Long enough for slow mail, short enough not to lie about in a mailbox.
pub const RESET_LIFETIME: Duration = Duration::from_mins(30);
/// How soon another link is sent to the same person.
pub const RESET_INTERVAL: Duration = Duration::from_mins(1);
/// Where the link leads, below the public address.
pub const RESET_PAGE: &str = "/reset-password";

impl Accounts {
    /// Sends a link to set a new password, where there is somebody to send it to and the last one is not too recent. Does the same
    /// work whoever has that address (ASVS 6.3.8).
    pub async fn request_password_reset(&self, visitor: &Visitor, email: &Email) -> Result<(), AccountError> {
        self.limits.may_ask(visitor.address).await?;
        let user = self.store.user_by_email(email).await?;
        // Where there is nobody, the store looks for an id that nobody has.
        let (user_id, name) = match &user {
            Some(user) => (user.id, user.name.as_str()),
            None => (UserId(self.new_id()), ""),
        };
        let token = Capability::draw(&*self.random);
        let link = format!("{}#token={}", self.reset_page, token.expose());
        let letter = self.letter(email.as_str(), mail::password_reset(name, &link, RESET_LIFETIME));
        let now = self.clock.now();
        let stored = NewResetToken { user_id, digest: token.digest(), expires_at: now.plus(RESET_LIFETIME) };
        let whom = user.as_ref().map(|user| user.id);
        let audit = NewAudit { user_id: whom, ..self.audit("password_reset_requested", visitor) };
        self.store.request_password_reset(&stored, &letter, now.minus(RESET_INTERVAL), &audit).await?;
        Ok(())
    }

    /// Checks a token from a mail and the new password, and prepares the change; storing it, using up the token and ending every
    /// session is one transaction, and the sessions' business. A password that is refused leaves the token as it is.
    pub async fn prepare_password_reset(
        &self,
        visitor: &Visitor,
        token: &str,
        new: &Password,
    ) -> Result<(UserId, PasswordReset), AccountError> {
        self.limits.may_try_token(visitor.address).await?;
        let Some(token) = Capability::parse(token) else { return Err(self.refuse_reset(visitor).await) };
        let token_digest = token.digest();
        let Some(user) = self.store.user_of_reset_token(&token_digest, self.clock.now()).await? else {
            return Err(self.refuse_reset(visitor).await);
        };
        self.judge("password", new, &user.email, &user.name).await?;
        let new_hash = self.hasher.hash(new).await?;
        Ok((user.id, PasswordReset { token_digest, new_hash }))
    }

    /// Counts a try with a token that is not good (any more). The answer is the same whatever is wrong with it.
    pub async fn refuse_reset(&self, visitor: &Visitor) -> AccountError {
        if let Err(error) = self.limits.failed_token(visitor.address).await {
            return error.into();
        }
        let message = "This link is not whole, has been used, or has expired. Ask for a new one.";
        AccountError::Field { field: "token", invalid: Invalid::new("invalid-reset-token", message) }
    }
}
