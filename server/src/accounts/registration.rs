//! Registering, and proving an address by the code that was sent there.
//!
//! Until an address is proved its registration belongs to nobody, and the newest takes the place of the one before. The
//! same is done, in as many statements and hashes, whoever has the address already: the answers, the time they take and
//! what signing in says afterwards tell nobody whether it has an account (ASVS 6.3.8).

use types::domain::{DisplayName, Email, Invalid, OneTimeCode, Password, Timestamp, UserId};
use types::words::{AccountType, AuditAction};

use super::account::{AccountError, Accounts, USER_ROLE};
use super::codes::{
    CODE_ATTEMPTS, CODE_FAILURES, CODE_LIFETIME, REGISTRATION_LIFETIME, RESEND_INTERVAL, code_digest, draw_code,
};
use super::mails;
use crate::auth::limits::{codes_to, network_digest, notices_to, registrations_of};
use crate::auth::origin::RequestOrigin;
use crate::mail::NewMail;
use crate::store::{
    CodeAttempt, CodeOutcome, EndOutcome, NewAudit, NewCode, NewRegistration, NewUser, Registrant, RegistrationMail,
    Resending, StoreError, User,
};

/// A new account, as asked for.
pub struct Registration {
    pub email: Email,
    pub password: Password,
    pub name: DisplayName,
    pub account_type: AccountType,
}

/// An address that was just proved.
pub struct Proved {
    pub user: User,
    /// The sessions that had begun before anybody had proved it.
    pub ended: EndOutcome,
}

impl Accounts {
    /// Registers, or does what looks the same where the address is taken: its owner gets a mail that says so, once a
    /// day.
    pub async fn register(&self, from: &RequestOrigin, new: Registration) -> Result<UserId, AccountError> {
        self.limits.may_ask(from.address).await?;
        self.judge("password", &new.password, &new.email, new.name.as_str()).await?;
        let id = UserId(self.context.new_id());
        let password_hash = self.hasher.hash(&new.password).await?;
        let audit = NewAudit {
            user_id: Some(id),
            actor_id: Some(id),
            ..self.context.audit(AuditAction::Registered, &from.origin)
        };
        if self.require_verification {
            self.store_registration(from, id, new, password_hash, &audit).await?;
        } else {
            self.open_account(id, new, password_hash, &audit).await?;
        }
        Ok(id)
    }

    async fn store_registration(
        &self,
        from: &RequestOrigin,
        id: UserId,
        new: Registration,
        password_hash: String,
        audit: &NewAudit,
    ) -> Result<(), AccountError> {
        let now = self.context.now();
        let (code, digits) = self.new_code(id);
        let address = new.email.as_str();
        let mail = RegistrationMail {
            code: self.context.mail(NewMail::awaited(address, mails::verification(&digits), code.expires_at)),
            notice: self.context.mail(NewMail::notice(address, mails::already_registered())),
            registrations: registrations_of(&new.email),
            codes: codes_to(&new.email),
            notices: notices_to(&new.email),
        };
        let registration = NewRegistration {
            id,
            email: new.email,
            name: new.name,
            account_type: new.account_type,
            password_hash,
            registrant: registrant(from),
            code,
            at: now,
            expires_at: now.plus(REGISTRATION_LIFETIME),
        };
        Ok(self.context.store.accounts().register(&registration, &mail, audit).await?)
    }

    /// Where addresses need no proof, whoever registers first has the account; nobody else can throw them out by
    /// registering again.
    async fn open_account(
        &self,
        id: UserId,
        new: Registration,
        password_hash: String,
        audit: &NewAudit,
    ) -> Result<(), AccountError> {
        let user = NewUser {
            id,
            email: new.email,
            name: new.name,
            account_type: new.account_type,
            password_hash,
            roles: vec![USER_ROLE.to_owned()],
            email_verified_at: None,
            at: self.context.now(),
        };
        let notice = self.context.mail(NewMail::notice(user.email.as_str(), mails::already_registered()));
        self.context.store.accounts().create_user(&user, Some((&notice, notices_to(&user.email))), audit).await?;
        Ok(())
    }

    /// Sends another code, where a registration waits for one and the last one is not too recent.
    pub async fn resend_code(&self, from: &RequestOrigin, email: &Email) -> Result<(), AccountError> {
        self.limits.may_ask(from.address).await?;
        let now = self.context.now();
        let registration = self.context.store.accounts().registration(email, now).await?;
        // Where there is none, the store looks for an id that nobody has.
        let id = registration.map_or_else(|| UserId(self.context.new_id()), |registration| registration.id);
        let (code, digits) = self.new_code(id);
        let mail = self.context.mail(NewMail::awaited(email.as_str(), mails::verification(&digits), code.expires_at));
        let resending = Resending {
            email,
            id,
            code,
            mail,
            codes: codes_to(email),
            not_before: now.minus(RESEND_INTERVAL),
            expires_at: now.plus(REGISTRATION_LIFETIME),
            audit: self.context.audit(AuditAction::CodeRequested, &from.origin),
        };
        self.context.store.accounts().resend_code(&resending).await?;
        Ok(())
    }

    /// Proves an address by its code. The account is that of the registration the code was sent for, with its name and
    /// password.
    pub async fn verify_email(
        &self,
        from: &RequestOrigin,
        email: &Email,
        code: &OneTimeCode,
    ) -> Result<Proved, AccountError> {
        let now = self.context.now();
        let registration = self.context.store.accounts().registration(email, now).await?;
        let by = registrant(from);
        let by_registrant = registration.as_ref().is_some_and(|there| is_the_same(&there.registrant, &by));
        let id = registration.map_or_else(|| UserId(self.context.new_id()), |registration| registration.id);
        let taken = self.limits.try_code(from.address, email, id, by_registrant).await?;
        let attempt = CodeAttempt {
            email,
            id,
            digest: code_digest(&self.context.keys, id, code),
            by_registrant,
            at: now,
            max_attempts: CODE_ATTEMPTS,
            max_failures: CODE_FAILURES,
            role: USER_ROLE,
            remember_until: self.lifetimes.remember_until(now),
            accepted: NewAudit {
                user_id: Some(id),
                actor_id: Some(id),
                ..self.context.audit(AuditAction::EmailVerified, &from.origin)
            },
            refused: self.context.audit(AuditAction::CodeRefused, &from.origin),
        };
        match self.context.store.accounts().verify_email(&attempt, &mut || self.context.new_id()).await? {
            CodeOutcome::Accepted { user, ended } => {
                self.limits.give_back(taken).await?;
                Ok(Proved { user: *user, ended })
            }
            CodeOutcome::NotRegistrant => {
                let message = "This code belongs to a registration from another browser or network. Enter it there, or create \
                               the account here again.";
                Err(AccountError::Field { field: "otp", invalid: Invalid::new("registered-elsewhere", message) })
            }
            CodeOutcome::Refused => {
                let message = "This code is wrong or has expired. Check it, or ask for a new one.";
                Err(AccountError::Field { field: "otp", invalid: Invalid::new("wrong-code", message) })
            }
        }
    }

    /// Has an account whose address nobody has proved wait for the code as a registration does. For whoever gave its
    /// password.
    pub async fn await_code(
        &self,
        from: &RequestOrigin,
        user_id: UserId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.context.store.accounts().take_up_unproved(user_id, &registrant(from), expires_at).await
    }

    fn new_code(&self, registration: UserId) -> (NewCode, OneTimeCodeDigits) {
        let digits = draw_code(&*self.context.random);
        let digest = self.context.keys.code_digest(registration.0.as_bytes(), &digits);
        (NewCode { digest, expires_at: self.context.now().plus(CODE_LIFETIME) }, digits)
    }
}

/// Who registers, or comes back to do more about it.
fn registrant(from: &RequestOrigin) -> Registrant {
    Registrant { network: network_digest(from.address), browser: from.browser }
}

/// The browser says it for certain; where one of the two has none, the network has to do.
fn is_the_same(registrant: &Registrant, from: &Registrant) -> bool {
    match (&registrant.browser, &from.browser) {
        (Some(registered), Some(comes)) => registered == comes,
        _ => registrant.network == from.network,
    }
}

/// Six digits, on their way into a mail.
type OneTimeCodeDigits = String;
