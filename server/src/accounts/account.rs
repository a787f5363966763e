//! Accounts: proving to be somebody, changing name and password. Registering and proving an address is the business of
//! `registration`, a forgotten password that of `recovery`, the end of an account that of `deletion`.
//!
//! Known and unknown addresses get the same answers in the same time: passwords are hashed as often, as many statements
//! run, an audit entry is always written, and mail is queued rather than sent while the client waits (ASVS 6.3.8).

use std::sync::Arc;
use std::time::Duration;
use types::words::{AccountType, AuditAction, BuiltInRole};

use types::domain::{DisplayName, Email, Invalid, Password, SessionId, UserId};
use types::pages::RESET_PASSWORD;

use super::mails;
use super::passwords::{HashingError, PasswordHasher};
use super::settings::AccountsConfig;
use crate::auth::limits::{LimitError, RateLimiter, network_digest};
use crate::auth::origin::RequestOrigin;
use crate::auth::refresh::Lifetimes;
use crate::config::Config;
use crate::context::Context;
use crate::mail::NewMail;
use crate::store::{NewAudit, NewUser, Origin, PasswordChange, ProfileChange, StoreError, User};

/// The role everybody has.
pub const USER_ROLE: &str = "user";

/// Why a call about accounts came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// E-mail or password is wrong, whichever.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The password is that of a registration whose address must be proved first.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// The password is right, and a new one must be set first, by a link that was mailed.
    #[error("a new password must be set")]
    PasswordResetRequired,
    /// A field was refused.
    #[error("{field}: {invalid}")]
    Field {
        /// Its name in the request.
        field: &'static str,
        invalid: Invalid,
    },
    #[error("too many tries")]
    TooMany(Duration),
    /// The sign-in is too long ago for what was asked: it may be no older than this, or the password must be given.
    #[error("the sign-in is too long ago")]
    SignInTooOld(Duration),
    /// Passwords cannot be hashed now.
    #[error(transparent)]
    Hashing(#[from] HashingError),
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

/// The calls about accounts.
pub struct Accounts {
    pub(super) context: Context,
    pub(super) hasher: PasswordHasher,
    pub(super) limits: Arc<RateLimiter>,
    /// `REQUIRE_EMAIL_VERIFICATION`.
    pub require_verification: bool,
    /// `PASSWORD_MIN_LENGTH`.
    pub(super) password_min_chars: usize,
    /// `SUDO_WINDOW`.
    pub(super) sudo_window: Duration,
    /// How long tokens last, which is how long an end must be remembered.
    pub(super) lifetimes: Lifetimes,
    /// The page that sets a new password, by its full address. From the settings, never from a request: whoever chooses
    /// where the link leads gets the token.
    pub(super) reset_page: String,
}

impl Accounts {
    pub fn new(context: &Context, config: &Config) -> Result<Self, HashingError> {
        let Context { store, clock, random, metrics, .. } = context;
        let settings = config.section::<AccountsConfig>();
        Ok(Self {
            context: context.clone(),
            hasher: PasswordHasher::new(hashing_places(), Arc::clone(clock), Arc::clone(random), metrics)?,
            limits: Arc::new(RateLimiter::new(config.limits.rate_limits, store.clone(), Arc::clone(clock))),
            require_verification: settings.require_email_verification,
            password_min_chars: settings.password_min_chars,
            sudo_window: settings.sudo_window,
            lifetimes: Lifetimes::of(config),
            reset_page: config.server.public_url.join(RESET_PASSWORD),
        })
    }

    /// Proves to be somebody by e-mail and password. The try is taken before anything is looked at, and given back
    /// where it was right.
    pub async fn authenticate(
        &self,
        from: &RequestOrigin,
        email: &Email,
        password: &Password,
    ) -> Result<User, AccountError> {
        let user = self.context.store.accounts().user_by_email(email).await?;
        // For an unknown address the same queries run with an unused id.
        let user_id = user.as_ref().map_or_else(|| UserId(self.context.new_id()), |user| user.id);
        let network = network_digest(from.address);
        let now = self.context.now();
        let known = self.context.store.accounts().acquaintance(user_id, from.browser.as_ref(), &network, now).await?;
        let taken = self.limits.try_password(from.address, email, user_id, known).await?;
        match self.compare(from, email, user, password).await {
            Ok(user) => {
                self.limits.give_back(taken).await?;
                Ok(user)
            }
            Err(AccountError::InvalidCredentials) => Err(AccountError::InvalidCredentials),
            // Right, or not looked at.
            Err(error) => {
                self.limits.give_back(taken).await?;
                Err(error)
            }
        }
    }

    /// Compares with the account's password, and with that of a registration that waits for its address: whoever
    /// registered hears that the address must be proved, also where it is somebody else's account.
    async fn compare(
        &self,
        from: &RequestOrigin,
        email: &Email,
        user: Option<User>,
        password: &Password,
    ) -> Result<User, AccountError> {
        let imported = self.context.store.accounts().any_imported_hash().await?;
        // Nobody can tell a disabled account from none.
        let stored = user.as_ref().filter(|user| user.disabled_at.is_none()).map(|user| user.password_hash.as_str());
        let comparison = self.hasher.compare_at_sign_in(password, stored, imported.as_deref()).await?;
        let user_id = user.as_ref().map(|user| user.id);
        let Some(user) = user.filter(|_| comparison.matches) else {
            return Err(self.refuse(from, email, user_id, password).await?);
        };
        if comparison.outdated {
            let new = self.hasher.hash(password).await?;
            self.context.store.accounts().upgrade_password_hash(user.id, &user.password_hash, &new).await?;
        }
        Ok(user)
    }

    /// Why a password is not that of the account.
    async fn refuse(
        &self,
        from: &RequestOrigin,
        email: &Email,
        user_id: Option<UserId>,
        password: &Password,
    ) -> Result<AccountError, AccountError> {
        let registration = self.context.store.accounts().registration(email, self.context.now()).await?;
        let stored = registration.as_ref().map(|registration| registration.password_hash.as_str());
        let waits = self.hasher.compare(password, stored).await?.matches;
        let audit = NewAudit { user_id, ..self.context.audit(AuditAction::SignInFailed, &from.origin) };
        self.context.store.audit().append_audit(&audit).await?;
        Ok(if waits { AccountError::EmailNotVerified } else { AccountError::InvalidCredentials })
    }

    /// Checks a change of password and prepares it; storing it and ending the other sessions is one transaction, and
    /// the sessions' business.
    pub async fn prepare_password_change(
        &self,
        session_id: SessionId,
        user_id: UserId,
        current: &Password,
        new: &Password,
    ) -> Result<Option<PasswordChange>, AccountError> {
        let Some(user) = self.context.store.accounts().user_by_id(user_id).await? else { return Ok(None) };
        self.check_password("currentPassword", session_id, &user, current).await?;
        self.judge_for("newPassword", new, &user.email, &user.name).await?;
        let new_hash = self.hasher.hash(new).await?;
        Ok(Some(PasswordChange { expected_hash: user.password_hash, new_hash }))
    }

    /// Compares the password of somebody who is signed in. A wrong one is told by the name of its field, and counts
    /// against their session: what strangers try does not bar them from it.
    pub(super) async fn check_password(
        &self,
        field: &'static str,
        session_id: SessionId,
        user: &User,
        password: &Password,
    ) -> Result<(), AccountError> {
        let taken = self.limits.try_in_session(session_id).await?;
        let compared = self.hasher.compare(password, Some(&user.password_hash)).await;
        if !matches!(&compared, Ok(comparison) if !comparison.matches) {
            self.limits.give_back(taken).await?;
            return Ok(compared.map(|_| ())?);
        }
        let invalid = Invalid::new("wrong-password", "That is not your password.");
        Err(AccountError::Field { field, invalid })
    }

    /// Tells a user by mail that the password was changed (ASVS 6.3.7).
    pub async fn notify_of_password_change(&self, user_id: UserId) -> Result<(), StoreError> {
        if let Some(user) = self.context.store.accounts().user_by_id(user_id).await? {
            let mail = NewMail::notice(&user.email, mails::password_changed(greeted(&user)));
            self.context.store.jobs().enqueue(&self.context.mail(mail)).await?;
        }
        Ok(())
    }

    /// Changes name or account type. `acting` is who acts for the user, where somebody does, and in which session.
    /// `None` where the user is gone.
    pub async fn update_profile(
        &self,
        from: &RequestOrigin,
        user_id: UserId,
        acting: Option<(UserId, SessionId)>,
        change: &ProfileChange,
    ) -> Result<Option<User>, StoreError> {
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(acting.map_or(user_id, |(actor_id, _)| actor_id)),
            session_id: acting.map(|(_, session_id)| session_id),
            ..self.context.audit(AuditAction::ProfileUpdated, &from.origin)
        };
        self.context.store.accounts().update_profile(user_id, change, &audit).await
    }

    /// Creates the user that development mode shows on the sign-in page, as an owner, unless there is one.
    pub async fn seed(&self, email: &Email, password: &Password, name: &DisplayName) -> Result<(), AccountError> {
        if self.context.store.accounts().user_by_email(email).await?.is_some() {
            return Ok(());
        }
        let now = self.context.now();
        let user = NewUser {
            id: UserId(self.context.new_id()),
            email: email.clone(),
            name: name.clone(),
            account_type: AccountType::Individual,
            password_hash: self.hasher.hash(password).await?,
            roles: vec![BuiltInRole::Owner.as_str().to_owned()],
            email_verified_at: Some(now),
            at: now,
        };
        let nobody = Origin::default();
        let audit = NewAudit { user_id: Some(user.id), ..self.context.audit(AuditAction::Registered, &nobody) };
        self.context.store.accounts().create_user(&user, None, &audit).await?;
        Ok(())
    }

    pub(super) async fn judge(
        &self,
        field: &'static str,
        password: &Password,
        email: &Email,
        name: &str,
    ) -> Result<(), AccountError> {
        self.judge_for(field, password, email.as_str(), name).await
    }

    /// The same for an address as it is stored.
    pub(super) async fn judge_for(
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
}

/// The name to open a mail with: only where it is known to be that of whoever reads it. Anybody can register with an
/// address and with words of theirs for a name.
pub fn greeted(user: &User) -> Option<&str> {
    user.email_verified_at.map(|_| user.name.as_str())
}

/// As many passwords at once as there are cores but one, so that a storm of sign-ins leaves room for everything else.
fn hashing_places() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}
