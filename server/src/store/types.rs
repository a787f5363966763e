//! What goes into the store and what comes out: plain values, one name for each thing.
//!
//! No SQL and no rules. Secrets never get here in the plain: passwords are PHC strings, tokens and codes are digests.

use app::api::{DeviceDescription, EndReason, SignInMethod, TokenDelivery};
use app::domain::{AccountType, DisplayName, Email, SessionId, Timestamp, UserId};
use uuid::Uuid;

/// SHA-256 (or HMAC-SHA-256) of a secret; what is stored in its place.
pub type Digest = [u8; 32];

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is full, locked for too long, or read-only: try again later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a bug or a damaged database.
    #[error("the database refused")]
    Broken(#[source] sqlx::Error),
    /// A stored value that this version cannot read.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: String,
    /// The user agent as sent, capped.
    pub user_agent: String,
}

/// A person to be created.
#[derive(Clone)]
pub struct NewUser {
    /// The id.
    pub id: UserId,
    /// The address; unique among people.
    pub email: Email,
    /// The name.
    pub name: DisplayName,
    /// Personal or business.
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    /// Role names.
    pub roles: Vec<String>,
    /// When the address was proved, where it needs no proof.
    pub email_verified_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// Whether a person was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// Created, with code, mail and audit entry.
    Created,
    /// The address belongs to somebody; nothing was written.
    EmailTaken,
}

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// Personal or business.
    pub account_type: AccountType,
    /// PHC string.
    pub password_hash: String,
    /// Role names, sorted.
    pub roles: Vec<String>,
    /// When the address was proved.
    pub email_verified_at: Option<Timestamp>,
    /// When the account was disabled.
    pub disabled_at: Option<Timestamp>,
    /// Access tokens with a lower epoch are refused.
    pub epoch: i64,
    /// When all sessions were last ended at once: the cut-off for tokens of an older system.
    pub last_logout: Option<Timestamp>,
    /// When the password was last changed.
    pub password_changed_at: Timestamp,
    /// When the account was made.
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
    /// The name.
    pub name: Option<DisplayName>,
    /// Personal or business.
    pub account_type: Option<AccountType>,
}

/// What a one-time code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePurpose {
    /// Proves an e-mail address.
    VerifyEmail,
}

impl CodePurpose {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
        }
    }
}

/// A one-time code to be stored; it takes the place of an earlier one of the same purpose.
#[derive(Clone, Copy, Debug)]
pub struct NewCode {
    /// What for.
    pub purpose: CodePurpose,
    /// Keyed digest of the digits.
    pub digest: Digest,
    /// When it is worthless.
    pub expires_at: Timestamp,
}

/// How an attempt with a one-time code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right: it is used up, and the address counts as proved.
    Accepted,
    /// Wrong, expired, used, used too often, or there is none; the failure is counted.
    Refused,
}

/// Whether another code was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// Stored and queued.
    Queued,
    /// The last one is too recent, or too many were asked for; nothing was written.
    TooSoon,
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The id.
    pub id: Uuid,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// When it was queued.
    pub at: Timestamp,
}

/// A queued message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The id.
    pub id: Uuid,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How often sending failed.
    pub attempts: i64,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
}

/// An audit entry to be written.
#[derive(Clone, Debug)]
pub struct NewAudit {
    /// The id (`UUIDv7`).
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Whom it concerns.
    pub user_id: Option<UserId>,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    /// What happened, such as `sign_in`.
    pub action: &'static str,
    /// Why, where a session ended.
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// Where from.
    pub origin: Origin,
}

/// An audit entry, with the name of the device it concerns where that is still known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    /// What happened.
    pub action: String,
    /// Why.
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// The device's name.
    pub device_name: Option<String>,
    /// Where from.
    pub origin: Origin,
}

/// A session to be created.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub max_expires_at: Timestamp,
    /// The device.
    pub device: DeviceDescription,
    /// Where from.
    pub origin: Origin,
    /// How.
    pub signed_in_with: SignInMethod,
    /// Where its refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// Digest of its first refresh token.
    pub refresh_digest: Digest,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it was last seen (at most one batch late).
    pub last_active: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub max_expires_at: Timestamp,
    /// The device.
    pub device: DeviceDescription,
    /// Where it was last seen; empty after `IP_RETENTION`.
    pub origin: Origin,
    /// How it was signed in.
    pub signed_in_with: SignInMethod,
    /// Where its refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// Digest of the refresh token that counts now.
    pub refresh_digest: Digest,
    /// Digest of the one before, if there was one.
    pub previous_digest: Option<Digest>,
    /// When the present one took the place of the one before.
    pub rotated_at: Timestamp,
    /// How it ended, if it did.
    pub end: Option<SessionEnd>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// The session that ended it.
    pub ended_by: Option<SessionId>,
    /// The name that device had then.
    pub ended_by_device: Option<String>,
}

/// What to do at the limit of sessions a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// End the one that was inactive longest.
    ReplaceOldest,
    /// End this one, which the person chose. One that is not theirs or not live counts as [`AtLimit::Refuse`].
    Replace(SessionId),
    /// Say which there are.
    Refuse,
}

/// The limit of sessions a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit {
    /// The most live sessions, counting the new one.
    pub most: u32,
    /// What to do when there would be more.
    pub at_limit: AtLimit,
    /// Until when the ends must be remembered.
    pub remember_until: Timestamp,
}

/// How recording a sign-in ended.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// The session exists.
    Done {
        /// The person, with the epoch for the access token.
        user: Box<User>,
        /// Sessions that had to make room.
        replaced: EndOutcome,
    },
    /// The limit is reached; these are the live sessions. Nothing was written.
    LimitReached(Vec<SessionRow>),
    /// The person is gone or disabled. Nothing was written.
    NoSuchPerson,
}

/// What to do with a presented refresh token; the rule is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// It counts: put the successor in its place.
    Rotate {
        /// The session's new end unless it is used.
        expires_at: Timestamp,
    },
    /// It was just replaced and the successor is unused: give the same successor again.
    Repeat,
    /// It was replaced and used up: possible theft.
    Reuse,
    /// It is of the wrong delivery class.
    WrongClass,
    /// The session is over, for this reason, without having been marked so.
    Over(EndReason),
}

/// A refresh token that was presented.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// The session it names.
    pub session_id: SessionId,
    /// Its digest.
    pub presented: Digest,
    /// Its successor's digest.
    pub successor: Digest,
    /// When.
    pub at: Timestamp,
    /// Where from.
    pub origin: Origin,
    /// Ids for the biography entries this may write (`renewed` or `repeated_…`, and `network_changed`).
    pub biography_ids: [Uuid; 2],
    /// What a repeat is called in the biography: `repeated_two_tabs` or `repeated_lost_reply`, by how long after the rotation it came.
    pub two_tabs_within_ms: i64,
}

/// How a refresh ended.
#[derive(Clone, Debug)]
pub enum Refresh {
    /// Rotated (or repeated, where `repeated`): the session and the person as they are now.
    Granted {
        /// The session after the change.
        session: Box<SessionRow>,
        /// The person.
        user: Box<User>,
        /// Whether the same successor is given again.
        repeated: bool,
    },
    /// Refused by decision; nothing was written. The decision is `Reuse`, `WrongClass` or `Over`.
    Refused {
        /// The session as it is.
        session: Box<SessionRow>,
        /// Why.
        decision: RefreshDecision,
    },
    /// The session ended before.
    Ended(SessionEnd),
    /// No such session.
    Unknown,
}

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One session of this person.
    One {
        /// Whose.
        user_id: UserId,
        /// Which.
        session_id: SessionId,
    },
    /// All of this person's but one: a log row each.
    Others {
        /// Whose.
        user_id: UserId,
        /// Which stays.
        keep: SessionId,
    },
    /// All of this person's: the epoch rises, one log row.
    All {
        /// Whose.
        user_id: UserId,
    },
}

impl Selection {
    /// Whose sessions.
    pub const fn user_id(&self) -> UserId {
        match self {
            Self::One { user_id, .. } | Self::Others { user_id, .. } | Self::All { user_id } => *user_id,
        }
    }
}

/// A new password that is stored in the transaction that ends sessions.
#[derive(Clone)]
pub struct PasswordChange {
    /// The PHC string it was checked against: the change is refused if another came first.
    pub expected_hash: String,
    /// The new PHC string.
    pub new_hash: String,
}

/// One wish to end sessions; several are committed together.
#[derive(Clone)]
pub struct EndCommand {
    /// Which.
    pub selection: Selection,
    /// Why.
    pub reason: EndReason,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// The session that asks.
    pub ended_by: Option<SessionId>,
    /// Who asks.
    pub actor_id: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// Until when the log must remember: the last moment a token already issued could be valid, plus leeway.
    pub remember_until: Timestamp,
    /// Where from.
    pub origin: Origin,
    /// Digest of the receipt's id.
    pub receipt: Option<Digest>,
    /// Stored in the same transaction.
    pub password: Option<PasswordChange>,
}

/// What ending came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndOutcome {
    /// The sessions that this command ended; those that had ended before are not in it.
    pub ended: Vec<EndedSession>,
    /// What was written to the revocation log.
    pub revocations: Vec<Revocation>,
    /// Whether the password change was refused because another came first; nothing was written then.
    pub password_conflict: bool,
}

/// A session that has just been ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Which.
    pub id: SessionId,
    /// Its device.
    pub device: DeviceDescription,
}

/// One row of the revocation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the order of commits.
    pub position: i64,
    /// Whose sessions.
    pub user_id: UserId,
    /// What may not pass.
    pub subject: RevokedSubject,
    /// Why; `None` where sessions stay and only access tokens must be renewed.
    pub reason: Option<EndReason>,
    /// The session that asked for it.
    pub ended_by: Option<SessionId>,
    /// The name of that device.
    pub ended_by_device: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Until when it must be remembered.
    pub remember_until: Timestamp,
}

/// What a revocation refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevokedSubject {
    /// One session.
    Session(SessionId),
    /// Every token of the person with an epoch lower than this.
    Epoch(i64),
}

/// What one look at the revocation log gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The position of the last row ever committed.
    pub head: i64,
    /// The database's time.
    pub database_time: Timestamp,
    /// Rows, by position.
    pub revocations: Vec<Revocation>,
}

/// Whether a token may pass, by the database itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The session lives, and the epoch is not below the person's.
    Good,
    /// The session has ended.
    Ended(SessionEnd),
    /// The session lives; the token is from before a change to the person and must be renewed.
    OldEpoch,
    /// No such session of that person.
    Unknown,
}

/// A session that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which.
    pub session_id: SessionId,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: String,
}

/// A device on a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The ended session.
    pub session_id: SessionId,
    /// Its device.
    pub device: DeviceDescription,
    /// Whether it is the one that asked.
    pub current: bool,
    /// When its stream was told.
    pub told_at: Option<Timestamp>,
    /// When its browser confirmed.
    pub confirmed_at: Option<Timestamp>,
}

/// A moment in a session's life, to be written.
#[derive(Clone, Debug)]
pub struct NewBiographyEntry {
    /// The id.
    pub id: Uuid,
    /// Which session.
    pub session_id: SessionId,
    /// When.
    pub at: Timestamp,
    /// What happened, as `app::api::BiographyEntry::what` names it.
    pub what: &'static str,
    /// More about it.
    pub detail: Option<String>,
    /// Where from.
    pub ip: String,
}

/// A moment in a session's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiographyEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
    /// Where from; empty after `IP_RETENTION`.
    pub ip: String,
}

/// A signing key; the private part is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// The key id.
    pub kid: String,
    /// The public key, 32 bytes of Ed25519.
    pub public_key: Vec<u8>,
    /// The private key, sealed with a key from `LATCHKEY_SECRET`.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs: later than it was published, so that every verifier knows it by then.
    pub signs_from: Timestamp,
    /// When it stops verifying, once a successor was made.
    pub retires_at: Option<Timestamp>,
}

/// A ticket for the event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The session.
    pub session_id: SessionId,
    /// The person.
    pub user_id: UserId,
    /// The epoch of the token it was made with.
    pub epoch: i64,
    /// When the session ends unless it is renewed.
    pub session_expires_at: Timestamp,
    /// When the ticket is worthless.
    pub expires_at: Timestamp,
}

/// What the clean-up deletes.
#[derive(Clone, Copy, Debug)]
pub struct CleanupPolicy {
    /// Now.
    pub now: Timestamp,
    /// Ended sessions older than this go.
    pub history_before: Timestamp,
    /// Addresses and user agents older than this are wiped.
    pub origins_before: Timestamp,
    /// The most rows of one kind in one transaction.
    pub batch: i64,
}

/// How many rows one round of clean-up touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Sessions past their time that were marked as ended.
    pub expired: u64,
    /// Revocations that no token can need any more.
    pub revocations: u64,
    /// Codes and tickets.
    pub one_time: u64,
    /// Ended sessions past their history, with their biographies.
    pub sessions: u64,
    /// Rows whose address and user agent were wiped.
    pub origins: u64,
    /// Messages sent long ago.
    pub mail: u64,
}

impl CleanupReport {
    /// Whether nothing is left to do.
    pub const fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many rows in all.
    pub const fn total(&self) -> u64 {
        self.expired + self.revocations + self.one_time + self.sessions + self.origins + self.mail
    }

    /// Two rounds together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            revocations: self.revocations + other.revocations,
            one_time: self.one_time + other.one_time,
            sessions: self.sessions + other.sessions,
            origins: self.origins + other.origins,
            mail: self.mail + other.mail,
        }
    }
}
