//! Administration: what may be done to users and sessions of others, for the command line and the API alike.
//!
//! `users` and `sessions` do it, `rule` says which sessions a rule is about, `import` brings users of another system
//! along. What takes effect on the server at hand is for the caller: each function gives what was committed.

mod import;
mod mails;
mod reach;
mod rule;
mod sessions;
mod users;

use std::sync::Arc;

use types::domain::{Email, SessionId, Timestamp, UserId};
use types::words::AuditAction;

pub use import::{Import, ImportFormat, ImportOptions, ImportRecord, ImportSource, ImportSummary, Refusal};
pub use rule::SessionRule;
pub use sessions::{Preview, SessionFilter};
pub use users::{NewAccount, UserKey, with_role_of_all};

use crate::accounts::{AccountError, Accounts};
use crate::area::Area;
use crate::areas;
use crate::auth::origin::command_line;
use crate::auth::permissions::Permissions;
use crate::auth::refresh::Lifetimes;
use crate::config::Config;
use crate::context::Context;
use crate::roles::Reach;
use crate::store::{EndOutcome, NewAudit, Origin, StoreError};

/// What this area brings.
pub const AREA: Area = Area { name: "admin", mails: mails::ALL, ..Area::NONE };

/// Who administers.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Which user; nobody on the command line.
    pub user_id: Option<UserId>,
    pub origin: Origin,
    /// How far they reach. Whoever runs commands reaches everybody.
    reach: Option<Reach>,
    /// The session that asks, which no rule ends.
    session_id: Option<SessionId>,
}

impl Actor {
    /// Whoever runs commands beside the database.
    pub fn command_line() -> Self {
        Self { user_id: None, origin: command_line(), reach: None, session_id: None }
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no user {0}: `latchkey user list --prefix` finds addresses by their beginning")]
    NoSuchUser(UserKey),
    #[error("there is no session {0}: `latchkey session list` has those there are")]
    NoSuchSession(SessionId),
    #[error("{0} has an account already: `latchkey user show {0}`")]
    EmailTaken(Email),
    #[error("the last owner must stay: give somebody else the role first")]
    LastOwner,
    #[error("the roles of the user reach further than those of whoever asks")]
    AboveActor,
    #[error("the account is disabled: `latchkey user enable` it first")]
    Disabled,
    #[error("there is no role {0}: `latchkey role list` has those there are")]
    NoSuchRole(String),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a change that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Committed, with the end of these sessions.
    Done(EndOutcome),
    /// It was so before.
    Unchanged,
}

/// The calls about users and sessions of others.
pub struct Administration {
    context: Context,
    accounts: Arc<Accounts>,
    lifetimes: Lifetimes,
    /// The permissions that there are, which say how far somebody reaches.
    permissions: Permissions,
}

impl Administration {
    /// By the settings.
    pub fn new(context: Context, accounts: Arc<Accounts>, config: &Config) -> Self {
        let (lifetimes, permissions) = (Lifetimes::of(config), areas::permissions());
        Self { context, accounts, lifetimes, permissions }
    }

    /// The time by the database's clock.
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// An entry of the audit log about a user.
    fn audit(&self, actor: &Actor, action: AuditAction, user_id: UserId) -> NewAudit {
        NewAudit { user_id: Some(user_id), actor_id: actor.user_id, ..self.context.audit(action, &actor.origin) }
    }
}
