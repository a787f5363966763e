//! Filters, and what came of a change.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::store::{EndOutcome, Origin};

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
