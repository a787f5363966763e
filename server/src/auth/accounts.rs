//! Accounts: registering, proving an address, proving to be somebody, changing name and password. A forgotten password is the
//! business of `recovery`, the end of an account that of `leaving`.
//!
//! Known and unknown addresses get the same answers in the same time: the password is always hashed, an audit entry is always
//! written, and mail is queued rather than sent while the client waits (ASVS 6.3.8).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use app::domain::{AccountType, DisplayName, Email, Invalid, OneTimeCode, Password, UserId};
use uuid::Uuid;

use super::codes::{CODE_ATTEMPTS, CODE_FAILURES, CODE_LIFETIME, RESEND_INTERVAL, code_digest, draw_code};
use super::limits::{LimitError, Limits};
use super::passwords::{HashingError, PasswordHasher};
use super::secrets::Keys;
use crate::clock::Clock;
use crate::mail;
use crate::random::{Random, uuid_v7};
use crate::store::{
    CodeOutcome, CodePurpose, Creation, NewAudit, NewCode, NewMail, NewUser, Origin, PasswordChange, ProfileChange,
    Store, StoreError, User,
};

/// The role everybody has.
const USER_ROLE: &str = "user";

/// Why a call about accounts came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// E-mail or password is wrong, whichever.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The password is right, but the address must be proved first.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// A field was refused.
    #[error("{field}: {invalid}")]
    Field {
        /// Its name in the request.
        field: &'static str,
        /// Why.
        invalid: Invalid,
    },
    /// Too many tries.
    #[error("too many tries")]
    TooMany(Duration),
    /// The sign-in is too long ago for what was asked: it may be no older than this, or the password must be given.
    #[error("the sign-in is too long ago")]
    SignInTooOld(Duration),
    /// Passwords cannot be hashed now.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LimitError> for AccountError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Exceeded(wait) => Self::TooMany(wait),
            LimitError::Store(error) => error.into(),
        }
    }
}

/// Somebody at the door: where they come from, for limits and for the audit log.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The client's address.
    pub address: IpAddr,
    /// The same, with the user agent, as it is stored.
    pub origin: Origin,
}

/// A new account, as asked for.
pub struct Registration {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// The name.
    pub name: DisplayName,
    /// Personal or business.
    pub account_type: AccountType,
}

/// The calls about accounts.
pub struct Accounts {
    /// Where they are kept.
    pub store: Store,
    /// Hashes passwords.
    pub hasher: PasswordHasher,
    /// The keys of the installation.
    pub keys: Arc<Keys>,
    /// Limits on tries.
    pub limits: Arc<Limits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids and codes.
    pub random: Arc<dyn Random>,
    /// `REQUIRE_EMAIL_VERIFICATION`.
    pub require_verification: bool,
    /// `PASSWORD_MIN_LENGTH`.
    pub password_min_chars: usize,
    /// `SUDO_WINDOW`.
    pub sudo_window: Duration,
    /// The page that sets a new password, by its full address. From the settings, never from a request: whoever chooses where the
    /// link leads gets the token.
    pub reset_page: String,
}

impl Accounts {
    /// Creates an account, or does what looks the same where the address is taken: its owner gets a mail that says so.
    pub async fn register(&self, visitor: &Visitor, new: Registration) -> Result<UserId, AccountError> {
        self.limits.may_ask(visitor.address).await?;
        self.judge("password", &new.password, new.email.as_str(), new.name.as_str()).await?;
        let now = self.clock.now();
        let id = UserId(self.new_id());
        let user = NewUser {
            id,
            email: new.email,
            name: new.name,
            account_type: new.account_type,
            password_hash: self.hasher.hash(&new.password).await?,
            roles: vec![USER_ROLE.to_owned()],
            email_verified_at: None,
            at: now,
        };
        let code = self.require_verification.then(|| self.new_code(id));
        let (stored, digits) = code.map_or((None, None), |(stored, digits)| (Some(stored), Some(digits)));
        let mail =
            digits.map(|digits| self.letter(user.email.as_str(), mail::verification(user.name.as_str(), &digits)));
        let audit = NewAudit { user_id: Some(id), actor_id: Some(id), ..self.audit("registered", visitor) };
        if self.store.create_user(&user, stored, mail.as_ref(), &audit).await? == Creation::EmailTaken {
            self.store.queue_mail(&self.letter(user.email.as_str(), mail::already_registered())).await?;
        }
        Ok(id)
    }

    /// Sends another code, where there is somebody to send it to and the last one is not too recent.
    pub async fn resend_code(&self, visitor: &Visitor, email: &Email) -> Result<(), AccountError> {
        self.limits.may_ask(visitor.address).await?;
        let Some(user) = self.store.user_by_email(email).await? else { return Ok(()) };
        if user.email_verified_at.is_some() || user.disabled_at.is_some() {
            return Ok(());
        }
        let (code, digits) = self.new_code(user.id);
        let letter = self.letter(&user.email, mail::verification(&user.name, &digits));
        let not_before = self.clock.now().minus(RESEND_INTERVAL);
        self.store.resend_code(user.id, &code, &letter, not_before).await?;
        Ok(())
    }

    /// Proves an address by its code.
    pub async fn verify_email(
        &self,
        visitor: &Visitor,
        email: &Email,
        code: &OneTimeCode,
    ) -> Result<User, AccountError> {
        let wrong = || AccountError::Field {
            field: "otp",
            invalid: Invalid::new("wrong-code", "This code is wrong or has expired. Check it, or ask for a new one."),
        };
        self.limits.may_try(visitor.address, email.as_str()).await?;
        let Some(user) = self.store.user_by_email(email).await? else {
            self.limits.failed(visitor.address, email.as_str()).await?;
            return Err(wrong());
        };
        let digest = code_digest(&self.keys, user.id, code);
        let audit =
            NewAudit { user_id: Some(user.id), actor_id: Some(user.id), ..self.audit("email_verified", visitor) };
        let now = self.clock.now();
        match self.store.verify_email(user.id, &digest, now, CODE_ATTEMPTS, CODE_FAILURES, &audit).await? {
            CodeOutcome::Accepted => Ok(User { email_verified_at: Some(now), ..user }),
            CodeOutcome::Refused => {
                self.limits.failed(visitor.address, email.as_str()).await?;
                Err(wrong())
            }
        }
    }

    /// Proves to be somebody by e-mail and password.
    pub async fn authenticate(
        &self,
        visitor: &Visitor,
        email: &Email,
        password: &Password,
    ) -> Result<User, AccountError> {
        self.limits.may_try(visitor.address, email.as_str()).await?;
        let user = self.store.user_by_email(email).await?;
        let stored = user.as_ref().map(|user| user.password_hash.as_str());
        let comparison = self.hasher.compare(password, stored).await?;
        let Some(user) = user.filter(|user| comparison.matches && user.disabled_at.is_none()) else {
            return self.refuse(visitor, email).await;
        };
        if self.require_verification && user.email_verified_at.is_none() {
            return Err(AccountError::EmailNotVerified);
        }
        if comparison.outdated {
            let new = self.hasher.hash(password).await?;
            self.store.upgrade_password_hash(user.id, &user.password_hash, &new).await?;
        }
        Ok(user)
    }

    async fn refuse(&self, visitor: &Visitor, email: &Email) -> Result<User, AccountError> {
        self.limits.failed(visitor.address, email.as_str()).await?;
        let user_id = self.store.user_by_email(email).await?.map(|user| user.id);
        self.store.append_audit(&NewAudit { user_id, ..self.audit("sign_in_failed", visitor) }).await?;
        Err(AccountError::InvalidCredentials)
    }

    /// Checks a change of password and prepares it; storing it and ending the other sessions is one transaction, and the
    /// sessions' business.
    pub async fn prepare_password_change(
        &self,
        visitor: &Visitor,
        user_id: UserId,
        current: &Password,
        new: &Password,
    ) -> Result<Option<PasswordChange>, AccountError> {
        let Some(user) = self.store.user_by_id(user_id).await? else { return Ok(None) };
        self.check_password("currentPassword", visitor, &user, current).await?;
        self.judge("newPassword", new, &user.email, &user.name).await?;
        let new_hash = self.hasher.hash(new).await?;
        Ok(Some(PasswordChange { expected_hash: user.password_hash, new_hash }))
    }

    /// Compares the password of somebody who is signed in. A wrong one is told by the name of its field, and is limited as it is at
    /// sign-in.
    pub(super) async fn check_password(
        &self,
        field: &'static str,
        visitor: &Visitor,
        user: &User,
        password: &Password,
    ) -> Result<(), AccountError> {
        self.limits.may_try(visitor.address, &user.email).await?;
        if self.hasher.compare(password, Some(&user.password_hash)).await?.matches {
            return Ok(());
        }
        self.limits.failed(visitor.address, &user.email).await?;
        let invalid = Invalid::new("wrong-password", "This is not your current password.");
        Err(AccountError::Field { field, invalid })
    }

    /// Tells a person by mail that the password was changed (ASVS 6.3.7).
    pub async fn tell_of_password_change(&self, user_id: UserId) -> Result<(), StoreError> {
        if let Some(user) = self.store.user_by_id(user_id).await? {
            self.store.queue_mail(&self.letter(&user.email, mail::password_changed(&user.name))).await?;
        }
        Ok(())
    }

    /// Changes name or account type. `None` where the person is gone.
    pub async fn update_profile(
        &self,
        visitor: &Visitor,
        user_id: UserId,
        change: &ProfileChange,
    ) -> Result<Option<User>, StoreError> {
        let audit =
            NewAudit { user_id: Some(user_id), actor_id: Some(user_id), ..self.audit("profile_updated", visitor) };
        self.store.update_profile(user_id, change, &audit).await
    }

    /// Creates the person that development mode shows on the sign-in page, unless there is one.
    pub async fn seed(&self, email: &Email, password: &Password, name: &DisplayName) -> Result<(), AccountError> {
        if self.store.user_by_email(email).await?.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let user = NewUser {
            id: UserId(self.new_id()),
            email: email.clone(),
            name: name.clone(),
            account_type: AccountType::Individual,
            password_hash: self.hasher.hash(password).await?,
            roles: vec![USER_ROLE.to_owned()],
            email_verified_at: Some(now),
            at: now,
        };
        let nobody = Visitor { address: IpAddr::from([127, 0, 0, 1]), origin: Origin::default() };
        let audit = NewAudit { user_id: Some(user.id), ..self.audit("registered", &nobody) };
        self.store.create_user(&user, None, None, &audit).await?;
        Ok(())
    }

    pub(super) async fn judge(
        &self,
        field: &'static str,
        password: &Password,
        email: &str,
        name: &str,
    ) -> Result<(), AccountError> {
        let chars = password.expose().chars().count();
        if chars < self.password_min_chars {
            let least = self.password_min_chars;
            let message = format!("Use at least {least} characters; this has {chars}.");
            return Err(AccountError::Field { field, invalid: Invalid::new("too-short", message) });
        }
        let local = email.split('@').next().unwrap_or_default();
        let own_words = [email, local, name, "latchkey"].into_iter().chain(name.split_whitespace());
        let judged = self.hasher.judge(password, own_words.map(str::to_owned).collect()).await?;
        judged.map_err(|invalid| AccountError::Field { field, invalid })
    }

    fn new_code(&self, user_id: UserId) -> (NewCode, OneTimeCodeDigits) {
        let digits = draw_code(&*self.random);
        let digest = self.keys.code_digest(user_id.0.as_bytes(), &digits);
        let expires_at = self.clock.now().plus(CODE_LIFETIME);
        (NewCode { purpose: CodePurpose::VerifyEmail, digest, expires_at }, digits)
    }

    pub(super) fn letter(&self, to: &str, (subject, text): (String, String)) -> NewMail {
        NewMail { id: self.new_id(), to: to.to_owned(), subject, text, at: self.clock.now() }
    }

    pub(super) fn audit(&self, action: &'static str, visitor: &Visitor) -> NewAudit {
        NewAudit {
            id: self.new_id(),
            at: self.clock.now(),
            user_id: None,
            actor_id: None,
            session_id: None,
            action,
            reason: None,
            client_reason: None,
            origin: visitor.origin.clone(),
        }
    }

    pub(super) fn new_id(&self) -> Uuid {
        uuid_v7(&*self.clock, &*self.random)
    }
}

/// Six digits, on their way into a mail.
type OneTimeCodeDigits = String;
