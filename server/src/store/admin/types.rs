//! Filters, ends by rule, and what came of a change.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use crate::store::{Digest, EndOutcome, NewAudit, NewJob, NewUser, Origin, RoleActor, User};

/// Which users to list, and in which order.
#[derive(Clone, Debug)]
pub struct UserFilter {
    pub order: UserOrder,
    /// What is listed after the last of these.
    pub then: Option<UserOrder>,
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
    /// By their addresses: those that begin with `prefix`, after the address `after`, without those whose names begin
    /// with `except`.
    Email { prefix: String, after: Option<String>, except: Option<String> },
    /// By their names in small letters: those that begin with `prefix`, which is in small letters, after that name and
    /// id, without those whose addresses begin with `except`. Letters beyond ASCII stay as they are.
    Name { prefix: String, after: Option<(String, Uuid)>, except: Option<String> },
    /// The newest first: those before `before`, by their ids.
    Newest { before: Option<Uuid> },
    /// The newest first of the first 1,000 whose addresses begin with `email`, and as many whose names begin with
    /// `name`.
    NewestOf { email: String, name: String, before: Option<Uuid> },
    /// By their ids: those with a session that lives `now` and was last seen at this address, after `after`.
    Address { address: String, after: Option<Uuid>, now: Timestamp },
}

/// Decides whether whoever asks may change a user, as both are under lock.
pub type MayChange<'a> = &'a (dyn Fn(RoleActor<'_>, &User) -> Result<(), ChangeRefusal> + Send + Sync);

/// Why whoever asks may not change a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRefusal {
    /// They may change nobody, or not any more.
    NotAllowed,
    /// The user reaches further.
    AboveActor,
}

impl From<ChangeRefusal> for UserChange {
    fn from(refusal: ChangeRefusal) -> Self {
        match refusal {
            ChangeRefusal::NotAllowed => Self::NotAllowed,
            ChangeRefusal::AboveActor => Self::AboveActor,
        }
    }
}

/// A page of users.
#[derive(Clone, Debug, Default)]
pub struct UserPage {
    pub users: Vec<User>,
    /// What gives the next page, where there may be one: where no index has those of the filter and nobody else, a page
    /// may be short although it is not the last.
    pub next: Option<UserFilter>,
}

impl UserFilter {
    /// Whether a user is one of those.
    pub fn matches(&self, user: &User) -> bool {
        self.role.as_ref().is_none_or(|role| user.roles.contains(role))
            && (!self.disabled || user.disabled_at.is_some())
            && (!self.unverified || user.email_verified_at.is_none())
    }
}

impl UserOrder {
    /// Goes on after this user.
    pub(in crate::store) fn go_on_after(&mut self, last: &User) {
        match self {
            Self::Email { after, .. } => *after = Some(last.email.clone()),
            Self::Name { after, .. } => *after = Some((last.name.to_ascii_lowercase(), last.id.0)),
            Self::Newest { before: after } | Self::NewestOf { before: after, .. } | Self::Address { after, .. } => {
                *after = Some(last.id.0);
            }
        }
    }

    /// Whether somebody who is in this order is left out of it.
    pub(in crate::store) fn leaves_out(&self, user: &User) -> bool {
        match self {
            Self::Email { except: Some(except), .. } => user.name.to_ascii_lowercase().starts_with(except),
            Self::Name { except: Some(except), .. } => user.email.starts_with(except),
            _ => false,
        }
    }

    /// Whether anybody may be left out of it.
    pub(in crate::store) const fn leaves_some_out(&self) -> bool {
        matches!(self, Self::Email { except: Some(_), .. } | Self::Name { except: Some(_), .. })
    }
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
    /// The end by rule that it is a part of, where it is one: what has ended is counted there.
    pub run: Option<Uuid>,
}

/// An end of sessions by rule, which a job carries out.
#[derive(Clone, Debug)]
pub struct NewEndRun {
    pub id: Uuid,
    /// Who asks.
    pub actor_id: UserId,
    /// From which session, which stays.
    pub session_id: SessionId,
    /// The rule, as JSON.
    pub rule: String,
    /// Why, in the words of whoever asks.
    pub client_reason: Option<String>,
    pub origin: Origin,
    pub at: Timestamp,
}

/// An end by rule as it is.
#[derive(Clone, Debug)]
pub struct EndRunRow {
    /// As it was asked for.
    pub run: NewEndRun,
    pub begun_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Whether it goes no further, because whoever asked lost the permission or its job was given up.
    pub was_stopped: bool,
    /// How many sessions are to end, once they are counted.
    pub total: Option<u64>,
    /// How many have ended.
    pub ended: u64,
}

/// How many jobs of a kind are not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenJobs {
    /// The name of the kind.
    pub kind: &'static str,
    /// To be run, or under way.
    pub waiting: u64,
    /// Those among them that have failed before.
    pub retrying: u64,
    /// Given up.
    pub dead: u64,
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
    /// Refused: whoever asks may change nobody, or not any more.
    NotAllowed,
    /// Refused: the user reaches further than whoever asks.
    AboveActor,
}

/// A user who comes from another system.
#[derive(Clone)]
pub struct ImportedUser {
    pub user: NewUser,
    /// When the account was disabled.
    pub disabled_at: Option<Timestamp>,
    /// Since when a new password must be set before the next sign-in.
    pub password_reset_required_at: Option<Timestamp>,
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
