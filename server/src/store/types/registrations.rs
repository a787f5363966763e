//! Registrations that wait to be proved.

use types::domain::{AccountType, DisplayName, Email, Timestamp, UserId};

use super::accounts::{NewAudit, NewMail, User};
use super::ending::EndOutcome;
use super::upkeep::Try;
use super::{BrowserGrant, Digest};

/// A registration to be kept until the address is proved. It takes the place of an earlier one for the address.
#[derive(Clone)]
pub struct NewRegistration {
    /// What the account will be called by.
    pub id: UserId,
    /// The address.
    pub email: Email,
    /// The name.
    pub name: DisplayName,
    /// Personal or business.
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    /// Who registers.
    pub registrant: Registrant,
    /// The code that proves it.
    pub code: NewCode,
    /// When.
    pub at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// Who registers, or tries a code: by digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrant {
    /// The network.
    pub network: Digest,
    /// The browser's token, where it has one.
    pub browser: Option<Digest>,
}

/// A one-time code to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewCode {
    /// Keyed digest of the digits, bound to the registration.
    pub digest: Digest,
    /// When it is worthless.
    pub expires_at: Timestamp,
}

/// The letters that a registration may send, and what they may cost: which of the two it is, nobody learns but the mailbox.
pub struct RegistrationMail {
    /// With the code, where nobody has proved the address.
    pub code: NewMail,
    /// That there is an account already.
    pub notice: NewMail,
    /// Taken for every registration of the address; nothing is kept or sent where it is empty.
    pub registrations: Try,
    /// Taken for a letter with a code.
    pub codes: Try,
    /// Taken for a notice.
    pub notices: Try,
}

/// A registration, as far as it is needed to know whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// What the account will be called by.
    pub id: UserId,
    /// PHC string.
    pub password_hash: String,
    /// Who registered.
    pub registrant: Registrant,
}

/// An attempt to prove an address by a code.
pub struct CodeAttempt<'a> {
    /// The address.
    pub email: &'a Email,
    /// The registration that the code is for.
    pub id: UserId,
    /// Digest of the code.
    pub digest: Digest,
    /// Whether it is made by whoever registered.
    pub by_registrant: bool,
    /// When.
    pub at: Timestamp,
    /// The most attempts with one code, for the registrant and for everybody else.
    pub max_attempts: i64,
    /// The most failures in a row over all codes, likewise.
    pub max_failures: i64,
    /// The role that the account gets.
    pub role: &'a str,
    /// Until when the ends of sessions from before the proof must be remembered.
    pub remember_until: Timestamp,
    /// Written where it is right.
    pub accepted: NewAudit,
    /// Written where it is wrong.
    pub refused: NewAudit,
}

/// How an attempt with a one-time code ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right: it is used up, and the address is proved.
    Accepted {
        /// The account: that of the registration.
        user: Box<User>,
        /// Sessions that began before anybody had proved the address.
        ended: EndOutcome,
    },
    /// Wrong, expired, used, used too often, or there is none; the failure is counted.
    Refused,
    /// Right, but of a registration that somebody else began; the failure is counted.
    NotRegistrant,
}

/// Another code to be sent.
pub struct Resending<'a> {
    /// To which address.
    pub email: &'a Email,
    /// The registration that it is for.
    pub id: UserId,
    /// The code.
    pub code: NewCode,
    /// Its letter.
    pub mail: NewMail,
    /// Taken for it.
    pub codes: Try,
    /// Nothing is sent where the last code is younger.
    pub not_before: Timestamp,
    /// When the registration is given up.
    pub expires_at: Timestamp,
    /// Written whatever comes of it.
    pub audit: NewAudit,
}

/// Whether another code was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Stored and queued.
    Queued,
    /// The last one is too recent, there were too many, or there is nobody to send one to. Only the audit entry was written.
    Ignored,
}

/// An address that is proved by a link from a mail, where nobody has an account yet.
#[derive(Clone)]
pub struct ResetProof {
    /// Digest of the token, which is used up.
    pub token_digest: Digest,
    /// The account to be made: nothing in it is what an earlier stranger typed.
    pub user: super::NewUser,
    /// Who did it gets in.
    pub grant: BrowserGrant,
    /// Written with it.
    pub audit: NewAudit,
}

/// Whom a token from a mail lets set a new password.
#[derive(Clone, PartialEq, Eq)]
pub enum ResetTarget {
    /// The owner of an account.
    Account(Box<User>),
    /// Whoever reads this address, for which nobody has an account yet.
    Registration(Email),
}
