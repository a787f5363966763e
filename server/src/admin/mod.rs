//! Administration: what may be done to users and sessions of others, for the command line and the API alike.
//!
//! `users` and `sessions` do it, `rule` says which sessions a rule is about, `reach` who may touch whom, `import`
//! brings users of another system along. `disconnects` closes connections of sessions that go on. `end_runs` are ends
//! by rule that a job carries out, `statistics` is what the overview shows. What takes effect on the server at hand is
//! for the caller: each function gives what was committed.
//! No HTTP outside `handlers`.

mod disconnects;
mod end_runs;
mod handlers;
mod import;
mod mails;
mod permissions;
mod reach;
mod rule;
mod sessions;
mod settings;
mod statistics;
mod users;

use std::sync::Arc;

use types::api::admin as paths;
use types::domain::{Email, SessionId, Timestamp, UserId};
use types::words::AuditAction;

pub use import::{Import, ImportFormat, ImportOptions, ImportRecord, ImportSource, ImportSummary, Refusal};
pub use rule::SessionRule;
pub use sessions::{Place, Preview, SessionFilter};
pub use users::{NewAccount, UserKey, with_role_of_all};

use crate::accounts::{AccountError, Accounts};
use crate::area::{Area, Building, Parts};
use crate::auth::origin::command_line;
use crate::auth::permissions::{Permission, Permissions};
use crate::auth::refresh::Lifetimes;
use crate::auth::tokens::AccessTokens;
use crate::config::Config;
use crate::context::Context;
use crate::http::needs::OldestAdministering;
use crate::http::needs::permission;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::jobs::JobKind;
use crate::registry::Registry;
use crate::roles::Reach;
use crate::store::{EndOutcome, NewAudit, Origin, StoreError};
use handlers::{audit, end_runs as run_calls, overview, sessions as session_calls, user_changes, users as user_calls};
use permissions::{
    AUDIT_EXPORT, AUDIT_READ, OVERVIEW_READ, SESSIONS_END, SESSIONS_READ, USERS_DELETE, USERS_READ, USERS_WRITE,
};
use settings::AdminConfig;
use statistics::Statistics;

/// What this area brings.
pub const AREA: Area = Area {
    name: "admin",
    settings: Some(settings::SECTION),
    permissions: permissions::ALL,
    build,
    routes,
    mails: mails::ALL,
    jobs,
    ..Area::NONE
};

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let accounts = Arc::clone(parts.get());
        let permissions = parts.get::<AccessTokens>().permissions().clone();
        let area = AdminArea {
            administration: Arc::new(Administration::new(context.clone(), accounts, config, permissions)),
            statistics: Statistics::new(context.clone()),
            registry: Arc::clone(parts.get()),
        };
        parts.insert(Arc::new(OldestAdministering(config.section::<AdminConfig>().session_max_age)));
        parts.insert(Arc::new(area));
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    let routes = routes
        .get(paths::OVERVIEW, overview::overview)
        .needs(permission(OVERVIEW_READ))
        .described(&overview::OVERVIEW)
        .get(paths::AUDIT, audit::list)
        .needs(permission(AUDIT_READ))
        .described(&audit::LIST)
        .get(paths::AUDIT_EXPORT, audit::export)
        .needs(permission(AUDIT_EXPORT))
        .described(&audit::EXPORT);
    session_routes(user_routes(routes))
}

fn user_routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::USERS, user_calls::list)
        .needs(permission(USERS_READ))
        .described(&user_calls::LIST)
        .get(paths::USER, user_calls::show)
        .needs(permission(USERS_READ))
        .described(&user_calls::SHOW)
        .delete(paths::USER, user_changes::delete)
        .needs(permission(USERS_DELETE).and_recent_proof())
        .described(&user_changes::DELETE)
        .delete(paths::USER_SESSIONS, session_calls::end_all)
        .needs(permission(SESSIONS_END).and_recent_proof())
        .described(&session_calls::END_ALL)
        .post(paths::DISABLE_USER, user_changes::disable)
        .needs(permission(USERS_WRITE).and_recent_proof())
        .described(&user_changes::DISABLE)
        .post(paths::ENABLE_USER, user_changes::enable)
        .needs(permission(USERS_WRITE).and_recent_proof())
        .described(&user_changes::ENABLE)
        .post(paths::VERIFY_USER, user_changes::verify)
        .needs(permission(USERS_WRITE).and_recent_proof())
        .described(&user_changes::VERIFY)
        .post(paths::REQUIRE_PASSWORD_RESET, user_changes::require_password_reset)
        .needs(permission(USERS_WRITE).and_recent_proof())
        .described(&user_changes::REQUIRE_PASSWORD_RESET)
}

fn session_routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::SESSIONS, session_calls::list)
        .needs(permission(SESSIONS_READ))
        .described(&session_calls::LIST)
        .delete(paths::SESSION, session_calls::end)
        .needs(permission(SESSIONS_END).and_recent_proof())
        .described(&session_calls::END)
        .post(paths::DISCONNECT_SESSION, session_calls::disconnect)
        .needs(permission(SESSIONS_END))
        .described(&session_calls::DISCONNECT)
        .post(paths::PREVIEW_RULE, run_calls::preview)
        .needs(permission(SESSIONS_END))
        .described(&run_calls::PREVIEW)
        .post(paths::END_BY_RULE, run_calls::begin)
        .needs(permission(SESSIONS_END).and_recent_proof())
        .described(&run_calls::BEGIN)
        .get(paths::END_RUNS, run_calls::list)
        .needs(permission(SESSIONS_END))
        .described(&run_calls::LIST)
        .get(paths::END_RUN, run_calls::receipt)
        .needs(permission(SESSIONS_END))
        .described(&run_calls::RECEIPT)
}

fn jobs(state: &ApiState) -> Vec<JobKind> {
    vec![
        end_runs::kind(Arc::clone(&state.admin().administration), Arc::clone(state.sessions())),
        disconnects::kind(Arc::clone(&state.context.events)),
    ]
}

/// What the calls of this area work with.
struct AdminArea {
    administration: Arc<Administration>,
    statistics: Statistics,
    /// The servers that run.
    registry: Arc<Registry>,
}

impl ApiState {
    fn admin(&self) -> &AdminArea {
        self.parts.get::<AdminArea>()
    }
}

#[derive(Clone, Debug)]
pub struct Actor {
    /// Which user; nobody on the command line.
    pub user_id: Option<UserId>,
    pub origin: Origin,
    /// How far they reached when they asked. Whoever runs commands reaches everybody.
    reach: Option<Reach>,
    /// What they ask by; nothing on the command line.
    permission: Option<Permission>,
    /// The session that asks, which no rule ends.
    session_id: Option<SessionId>,
}

impl Actor {
    /// Whoever runs commands beside the database.
    pub fn command_line() -> Self {
        Self { user_id: None, origin: command_line(), reach: None, permission: None, session_id: None }
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
    #[error("whoever asks has no permission {0} any more")]
    NotAllowed(Permission),
    #[error("the account is disabled: `latchkey user enable` it first")]
    Disabled,
    #[error(
        "{0} has an account that is in use, so nobody is invited to it: a forgotten password is set anew by *Forgot \
         password* where one signs in, and `latchkey user show {0}` shows the account"
    )]
    InUse(String),
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
    pub fn new(context: Context, accounts: Arc<Accounts>, config: &Config, permissions: Permissions) -> Self {
        Self { context, accounts, lifetimes: Lifetimes::of(config), permissions }
    }

    /// The time by the database's clock.
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// An entry of the audit log about a user.
    fn audit(&self, actor: &Actor, action: AuditAction, user_id: UserId) -> NewAudit {
        NewAudit {
            user_id: Some(user_id),
            actor_id: actor.user_id,
            session_id: actor.session_id,
            ..self.context.audit(action, &actor.origin)
        }
    }
}
