//! Filters, and what came of a change.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::store::{Digest, EndOutcome, NewAudit, NewJob, NewUser, Origin};

/// Which users to list, and in which order.
#[derive(Clone, Debug)]
pub struct UserFilter {
    pub order: UserOrder,
    /// Only those with this role.
    pub role: Option<String>,
    /// Only those who are disabled.
    pub disabled: bool,
    /// Only those whose address nobody has proved.
    pub unverified: bool,
}

/// In which order users are listed, and where the page begins.
#[derive(Clone, Debug)]
pub enum UserOrder {
    /// By their addresses: those that begin with `prefix`, after the address `after`.
    Email { prefix: String, after: Option<String> },
    /// By their names in small letters: those that begin with `prefix`, which is in small letters, after that name and
    /// id. Letters beyond ASCII stay as they are.
    Name { prefix: String, after: Option<(String, Uuid)> },
}

/// Sessions of several users that are ended together.
#[derive(Clone, Debug)]
pub struct ListedEnd {
    /// Each with its user.
    pub sessions: Vec<(UserId, SessionId)>,
    pub reason: EndReason,
    /// Why, in the words of whoever ends them.
    pub client_reason: Option<String>,
    /// The user who ends them.
    pub actor_id: Option<UserId>,
    pub at: Timestamp,
    /// Until when the log must remember at the least.
    pub remember_until: Timestamp,
    pub origin: Origin,
}

/// What came of a change to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Committed, together with the end of these sessions.
    Done(EndOutcome),
    /// It was so before: nothing was written.
    Unchanged,
    /// There is no such user.
    NotFound,
    /// Refused: nobody else who can sign in is an owner.
    LastOwner,
}

/// A user who comes from another system.
#[derive(Clone)]
pub struct ImportedUser {
    pub user: NewUser,
    /// When the account was disabled.
    pub disabled_at: Option<Timestamp>,
    pub audit: NewAudit,
    /// A link that sets a password.
    pub invitation: Option<Invitation>,
}

/// A link that sets a password, and its mail.
#[derive(Clone)]
pub struct Invitation {
    /// Digest of the token.
    pub digest: Digest,
    /// When it is worthless.
    pub expires_at: Timestamp,
    pub mail: NewJob,
    pub audit: NewAudit,
}

/// An address that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenAddress {
    pub email: String,
    /// Whether the account was brought along from another system.
    pub imported: bool,
}
