//! A forgotten password: a link by mail that sets a new one, once (NIST SP 800-63B-4, 4.2; ASVS 6.4.1).
//!
//! The token stands behind the `#` of the link: browsers send that part to no server, so it gets into no log and no
//! `Referer`.

use std::time::Duration;
use types::words::{AccountType, AuditAction};

use types::domain::{DisplayName, Email, Invalid, Password, UserId};

use super::account::{AccountError, Accounts, USER_ROLE, greeted};
use super::mails;
use crate::auth::browsers::BROWSER_LIFETIME;
use crate::auth::limits::network_digest;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::mail::NewMail;
use crate::store::{
    BrowserGrant, Digest, NewAudit, NewResetToken, NewUser, PasswordReset, ResetProof, ResetTarget, User,
};

/// How long a link works. Long enough for slow mail, short enough not to lie about in a mailbox.
pub const RESET_LIFETIME: Duration = Duration::from_mins(30);
/// How long whoever has set a new password gets in from the same network, however many strangers try meanwhile.
const RESET_GRANT: Duration = Duration::from_hours(1);
/// How soon another link is sent to the same user.
pub const RESET_INTERVAL: Duration = Duration::from_mins(1);

/// A new password by a link, checked and ready to be set.
pub struct PreparedReset {
    pub step: ResetStep,
    /// Whose password it is. For nobody but whoever uses up the token.
    pub email: String,
    /// What the browser at hand is known by from then on.
    pub browser_token: Capability,
}

/// What a link sets a password of.
pub enum ResetStep {
    /// An account. Storing it, using up the token and ending every session is one transaction, and the sessions'
    /// business.
    Account(UserId, Box<PasswordReset>),
    /// A new account, for an address that waited to be proved.
    Registration(Box<ResetProof>),
}

impl Accounts {
    /// Sends a link to set a new password, where there is somebody to send it to and the last one is not too recent.
    /// Does the same work whoever has that address (ASVS 6.3.8).
    pub async fn request_password_reset(&self, from: &RequestOrigin, email: &Email) -> Result<(), AccountError> {
        self.limits.may_ask(from.address).await?;
        let user = self.context.store.accounts().user_by_email(email).await?;
        // Where there is nobody, the store looks for an id that nobody has.
        let (user_id, name) = match &user {
            Some(user) => (user.id, greeted(user)),
            None => (UserId(self.context.new_id()), None),
        };
        let is_required = user.as_ref().is_some_and(|user| user.password_reset_required_at.is_some());
        let write = if is_required { mails::password_required } else { mails::password_reset };
        let token = Capability::draw(&*self.context.random);
        let link = self.reset_link(&token);
        let now = self.context.now();
        let expires_at = now.plus(RESET_LIFETIME);
        let content = write(name, &link, RESET_LIFETIME);
        let mail = self.context.mail(NewMail::awaited(email.as_str(), content, expires_at));
        let stored = NewResetToken { user_id, email, digest: token.digest(), expires_at };
        let whom = user.as_ref().map(|user| user.id);
        let audit = NewAudit { user_id: whom, ..self.context.audit(AuditAction::PasswordResetRequested, &from.origin) };
        self.context.store.accounts().request_password_reset(&stored, &mail, now.minus(RESET_INTERVAL), &audit).await?;
        Ok(())
    }

    /// Mails a link to somebody who has shown who they are and must set a new password, unless the last one is too
    /// recent or too many were asked for.
    pub async fn mail_required_reset(&self, from: &RequestOrigin, user: &User) -> Result<(), AccountError> {
        // Every address that is stored is one.
        let Ok(email) = Email::parse_existing(&user.email) else { return Ok(()) };
        match self.request_password_reset(from, &email).await {
            // A link that came before works still.
            Err(AccountError::TooMany(_)) => Ok(()),
            asked => asked,
        }
    }

    /// Checks a token from a mail and the new password, and prepares the change. A password that is refused leaves the
    /// token as it is.
    pub async fn prepare_password_reset(
        &self,
        from: &RequestOrigin,
        token: &str,
        new: &Password,
    ) -> Result<PreparedReset, AccountError> {
        let attempt = self.limits.try_token(from.address).await?;
        let Some(token) = Capability::parse(token) else { return Err(refused_reset()) };
        let token_digest = token.digest();
        let Some(target) = self.context.store.accounts().reset_target(&token_digest, self.context.now()).await? else {
            return Err(refused_reset());
        };
        self.limits.give_back(attempt).await?;
        let browser_token = Capability::draw(&*self.context.random);
        let grant = self.grant(from, &browser_token);
        let (step, email) = match target {
            ResetTarget::Account(user) => {
                let reset = self.reset_of(&user, token_digest, grant, new).await?;
                (ResetStep::Account(user.id, Box::new(reset)), user.email)
            }
            ResetTarget::Registration(email) => {
                let proof = self.proof_of(from, email.clone(), token_digest, grant, new).await?;
                (ResetStep::Registration(Box::new(proof)), email.to_string())
            }
        };
        Ok(PreparedReset { step, email, browser_token })
    }

    async fn reset_of(
        &self,
        user: &User,
        token_digest: Digest,
        grant: BrowserGrant,
        new: &Password,
    ) -> Result<PasswordReset, AccountError> {
        self.judge_for("password", new, &user.email, &user.name).await?;
        if user.password_reset_required_at.is_some()
            && self.hasher.compare(new, Some(&user.password_hash)).await?.matches
        {
            let invalid = Invalid::new("unchanged", "Choose a password that you have not had before.");
            return Err(AccountError::Field { field: "password", invalid });
        }
        let new_hash = self.hasher.hash(new).await?;
        let fresh_name = user.email.split('@').next().unwrap_or_default().to_owned();
        Ok(PasswordReset { token_digest, new_hash, fresh_name, grant })
    }

    /// Nothing of the registration is taken over: whoever reads the mailbox need not be who registered.
    async fn proof_of(
        &self,
        from: &RequestOrigin,
        email: Email,
        token_digest: Digest,
        grant: BrowserGrant,
        new: &Password,
    ) -> Result<ResetProof, AccountError> {
        let name = DisplayName::parse(email.local_part());
        let name = name.map_err(|invalid| AccountError::Field { field: "token", invalid })?;
        self.judge("password", new, &email, name.as_str()).await?;
        let now = self.context.now();
        let id = UserId(self.context.new_id());
        let user = NewUser {
            id,
            email,
            name,
            account_type: AccountType::default(),
            password_hash: self.hasher.hash(new).await?,
            roles: vec![USER_ROLE.to_owned()],
            email_verified_at: Some(now),
            at: now,
        };
        let audit = NewAudit {
            user_id: Some(id),
            actor_id: Some(id),
            ..self.context.audit(AuditAction::PasswordReset, &from.origin)
        };
        Ok(ResetProof { token_digest, user, grant, audit })
    }

    fn grant(&self, from: &RequestOrigin, browser_token: &Capability) -> BrowserGrant {
        let now = self.context.now();
        BrowserGrant {
            browser_id: self.context.new_id(),
            token: browser_token.digest(),
            token_expires_at: now.plus(BROWSER_LIFETIME),
            network: network_digest(from.address),
            network_expires_at: now.plus(RESET_GRANT),
        }
    }
}

/// The answer is the same whatever is wrong with a token.
pub fn refused_reset() -> AccountError {
    let message = "This link is incomplete, expired or already used. Ask for a new one.";
    AccountError::Field { field: "token", invalid: Invalid::new("invalid-reset-token", message) }
}
