//! Users, registrations, and the browsers they are known by.

use types::domain::{DisplayName, Email, SessionId, Timestamp, UserId};
use types::words::{AccountType, BuiltInRole};
use uuid::Uuid;

use crate::store::{AlertRow, Audit, Digest, EndOutcome, HistoryEntry, Job, NewAudit, NewJob, SessionRow, Try};

/// How hashes begin that we make today. What begins otherwise was brought along from another system, or is older:
/// migration 28 has an index of these, which changes together with this.
pub const OWN_HASHES: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// A user to be created.
#[derive(Clone)]
pub struct NewUser {
    pub id: UserId,
    /// The address; unique among users.
    pub email: Email,
    pub name: DisplayName,
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    pub roles: Vec<String>,
    /// When the address was proved, where it needs no proof.
    pub email_verified_at: Option<Timestamp>,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// Created, with the audit entry.
    Created,
    /// The address belongs to somebody; nothing was written.
    EmailTaken,
}

#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    /// Role names, sorted.
    pub roles: Vec<String>,
    /// The highest built-in role that these come to.
    pub base_role: BuiltInRole,
    /// The names of the permissions that custom roles add to that, sorted.
    pub added_permissions: Vec<String>,
    pub email_verified_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// Since when a new password must be set before the next sign-in.
    pub password_reset_required_at: Option<Timestamp>,
    /// Access tokens with a lower epoch are refused.
    pub epoch: i64,
    /// When all sessions, or all but one, were last ended at once: the cut-off for tokens of an older system.
    pub last_logout: Option<Timestamp>,
    pub password_changed_at: Timestamp,
    pub created_at: Timestamp,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// What changes about a profile; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    pub name: Option<DisplayName>,
    pub account_type: Option<AccountType>,
}

/// A token to be stored that sets a new password once; it takes the place of an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct NewResetToken<'a> {
    /// Whose password; an id that nobody has where there is nobody.
    pub user_id: UserId,
    /// The address it is sent to: a registration that waits there is proved by it as well.
    pub email: &'a Email,
    /// Digest of the token.
    pub digest: Digest,
    /// When it is worthless.
    pub expires_at: Timestamp,
}

/// Whether a token to set a new password was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetRequest {
    /// Stored, and its mail queued.
    Queued,
    /// There is no such user, the account is disabled, or the last one is too recent. Only the audit entry was
    /// written.
    Ignored,
}

/// A new password in place of a known one. A token that was sent to set a new one is worthless after it.
#[derive(Clone)]
pub struct PasswordChange {
    /// The PHC string it was checked against: the change is refused if another came first.
    pub expected_hash: String,
    /// The new PHC string.
    pub new_hash: String,
}

/// A new password in place of a forgotten one. It proves the user's address too, since the token was sent there.
#[derive(Clone)]
pub struct PasswordReset {
    /// Digest of the token, which is used up: refused where it is not the user's, or has expired by the time of the
    /// change.
    pub token_digest: Digest,
    /// The new PHC string.
    pub new_hash: String,
    /// The user's name from now on where nobody had proved the address: the one before is what a stranger may have
    /// typed.
    pub fresh_name: String,
    /// Whoever did it gets in.
    pub grant: BrowserGrant,
}

/// The end of an account. Refused unless the session that asks for it lives. What the audit log says of the user
/// stays, without addresses and user agents.
#[derive(Clone)]
pub struct AccountDeletion {
    /// The last mail to the user. Other jobs that concern their address go.
    pub mail: NewJob,
    /// Buckets that are kept under the user's address.
    pub buckets: Vec<Digest>,
}

/// What came of a change that ends sessions with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountOutcome {
    /// Committed, together with the end of these sessions.
    Done(EndOutcome),
    /// Refused: nothing was written.
    Refused,
    /// Refused, because the account is that of the last owner who may sign in: nothing was written.
    LastOwner,
}

/// A registration to be kept until the address is proved. It takes the place of an earlier one for the address.
#[derive(Clone)]
pub struct NewRegistration {
    /// What the account will be called by.
    pub id: UserId,
    pub email: Email,
    pub name: DisplayName,
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    pub registrant: Registrant,
    /// The code that proves it.
    pub code: NewCode,
    pub at: Timestamp,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// Who registers, or tries a code: by digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrant {
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

/// The mails that a registration may send, and what they may cost: which of the two it is, nobody learns but the
/// mailbox.
pub struct RegistrationMail {
    /// With the code, where nobody has proved the address.
    pub code: NewJob,
    /// That there is an account already.
    pub notice: NewJob,
    /// Taken for every registration of the address; nothing is kept or sent where it is empty.
    pub registrations: Try,
    /// Taken for a mail with a code.
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
    pub registrant: Registrant,
}

/// An attempt to prove an address by a code.
pub struct CodeAttempt<'a> {
    pub email: &'a Email,
    /// The registration that the code is for.
    pub id: UserId,
    /// Digest of the code.
    pub digest: Digest,
    /// Whether it is made by whoever registered.
    pub by_registrant: bool,
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
    pub code: NewCode,
    pub mail: NewJob,
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
    /// The last one is too recent, there were too many, or there is nobody to send one to. Only the audit entry was
    /// written.
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

/// The browser that signs in.
#[derive(Clone, Debug)]
pub struct SigningBrowser {
    /// Digest of the token it presented.
    pub presented: Option<Digest>,
    /// The sessions whose refresh tokens it holds.
    pub sessions: Vec<SessionId>,
    /// What it is called if it is new.
    pub new_id: Uuid,
    /// Digest of the token it gets.
    pub next: Digest,
    /// When that is worthless, unless it signs in again.
    pub expires_at: Timestamp,
    /// Until when tokens from before the presented one serve.
    pub superseded_at: Timestamp,
    /// Whether its other session ends: one browser, one session (ASVS 7.2.4).
    pub one_session: bool,
    /// Until when the end of that session must be remembered.
    pub remember_until: Timestamp,
}

/// What lets somebody in who has just set a new password, however many strangers try: the browser at hand, and its
/// network.
#[derive(Clone, Debug)]
pub struct BrowserGrant {
    /// What the browser is called.
    pub browser_id: Uuid,
    /// Digest of the token it gets.
    pub token: Digest,
    /// When that is worthless.
    pub token_expires_at: Timestamp,
    pub network: Digest,
    /// Until when it counts.
    pub network_expires_at: Timestamp,
}

/// How an account knows whoever tries to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// Not at all.
    Stranger,
    /// By a browser it was signed in with before.
    Browser(Uuid),
    /// By the network from which its password was just reset; until then it counts.
    Reset(Timestamp),
}

/// Everything that is held on a user, as of one moment.
#[derive(Clone, Debug)]
pub struct ExportData {
    pub user: User,
    /// Their sessions, ended ones too, each with its history, oldest first.
    pub sessions: Vec<(SessionRow, Vec<HistoryEntry>)>,
    /// What was asked of them, and what they answered, oldest first.
    pub alerts: Vec<AlertRow>,
    /// What the audit log says of them, newest first.
    pub audit: Vec<Audit>,
    /// Jobs that concern their address, such as mail to it, oldest first.
    pub jobs: Vec<Job>,
}
