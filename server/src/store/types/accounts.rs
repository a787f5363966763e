//! People, their codes, their mail, and what the audit log says of them.

use types::domain::{AccountType, DisplayName, Email, SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, OrOther};
use uuid::Uuid;

use super::{Digest, Origin};

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
    /// Created, with the audit entry.
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
    /// When all sessions, or all but one, were last ended at once: the cut-off for tokens of an older system.
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
    /// There is no such person, the account is disabled, or the last one is too recent. Only the audit entry was written.
    Ignored,
}

/// How many messages a server takes, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailRoom {
    /// So many at most.
    pub places: i64,
    /// Whether notices are taken as well, after the codes and links that somebody waits for.
    pub notices: bool,
    /// So many to one domain at most, with those that are under way on any server.
    pub a_domain: i64,
    /// The same, for notices.
    pub notices_a_domain: i64,
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
    /// Whether nothing of it is kept once it was handed over, not even that it was.
    pub forget: bool,
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
    /// The plain text; empty once it was handed over.
    pub text: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How often sending failed.
    pub attempts: i64,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// Whether nothing of it is kept once it was handed over.
    pub forget: bool,
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
    pub action: AuditAction,
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
    pub action: OrOther<AuditAction>,
    /// Why.
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// The device's name.
    pub device_name: Option<String>,
    /// Where from.
    pub origin: Origin,
}
