//! Changes of roles: decided by the rules under lock, committed, and put in force here before anybody is answered.
//! Every other server finds raised epochs in the log, refuses tokens from before, and has browsers take new ones.

use std::sync::Arc;

use serde_json::{Value, json};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::AuditAction;

use super::epochs;
use super::rules::{NewRole, RoleChange, decide_deletion, decide_new_role, decide_role_change, decide_user_roles};
use crate::area::Parts;
use crate::auth::origin::command_line;
use crate::auth::permissions::Permissions;
use crate::auth::refresh::Lifetimes;
use crate::auth::tokens::{AccessTokens, Verified};
use crate::config::Config;
use crate::context::Context;
use crate::sessions::Sessions;
use crate::store::{
    EndOutcome, NewAudit, Origin, Revocation, RoleCommand, RoleFacts, RoleRefusal, RoleRow, StoreError, User,
    UserRoleFacts, UserRolesCommand,
};

/// Roles, and changes of them.
pub struct Roles {
    pub(super) context: Context,
    /// Those of this server, where it is one.
    sessions: Option<Arc<Sessions>>,
    permissions: Permissions,
    lifetimes: Lifetimes,
}

/// Who asks for a change, and from where.
pub struct Actor {
    /// Which user; nobody on the command line.
    user_id: Option<UserId>,
    session_id: Option<SessionId>,
    origin: Origin,
}

impl Actor {
    /// The user of this token, from where the request came.
    pub const fn of(token: &Verified, origin: Origin) -> Self {
        Self { user_id: Some(token.user_id), session_id: Some(token.session_id), origin }
    }

    /// Whoever runs commands beside the database: reaches everything.
    pub fn command_line() -> Self {
        Self { user_id: None, session_id: None, origin: command_line() }
    }
}

/// What comes of a change: it may be refused, and then nothing was written.
type Changed<T> = Result<Result<T, RoleRefusal>, StoreError>;

impl Roles {
    pub fn new(context: &Context, config: &Config, parts: &Parts) -> Self {
        Self {
            context: context.clone(),
            sessions: Some(Arc::clone(parts.get())),
            permissions: parts.get::<AccessTokens>().permissions().clone(),
            lifetimes: Lifetimes::of(config),
        }
    }

    /// For commands: the servers put changes in force as those of another server.
    pub fn beside_servers(context: &Context, config: &Config, permissions: Permissions) -> Self {
        Self { context: context.clone(), sessions: None, permissions, lifetimes: Lifetimes::of(config) }
    }

    pub const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// All roles: built-in ones first, lowest first; then custom ones by name.
    pub async fn all(&self) -> Result<Vec<RoleRow>, StoreError> {
        let mut roles = self.context.store.roles().roles().await?;
        roles.sort_by_key(|role| (!role.built_in, role.built_in.then_some(role.base)));
        Ok(roles)
    }

    /// The names of all roles, in order.
    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        self.context.store.roles().role_names().await
    }

    /// The role of that name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<RoleRow>, StoreError> {
        Ok(self.all().await?.into_iter().find(|role| role.name == name))
    }

    pub async fn create(&self, actor: &Actor, new: &NewRole) -> Changed<RoleRow> {
        let detail = json!({ "role": new.name, "inherits": new.inherits, "permissions": new.permissions });
        let command = self.command(actor, &new.name, AuditAction::RoleCreated, &detail);
        let decide = |facts: &RoleFacts<'_>| decide_new_role(&self.permissions, facts, new);
        let saved = self.context.store.roles().save_roles(&command, &decide).await?;
        Ok(saved.map(|saved| saved.role))
    }

    /// Changes a role, and with it what its holders and those of roles below it may do. Where they are many, a job has
    /// their tokens refreshed.
    pub async fn change(&self, actor: &Actor, name: &str, change: &RoleChange) -> Changed<RoleRow> {
        let detail = json!({ "role": name, "inherits": change.inherits, "permissions": change.permissions });
        let command = self.command(actor, name, AuditAction::RoleChanged, &detail);
        let decide = |facts: &RoleFacts<'_>| decide_role_change(&self.permissions, facts, name, change);
        let saved = self.context.store.roles().save_roles(&command, &decide).await?;
        Ok(saved.map(|saved| {
            self.put_in_force(saved.revocations);
            saved.role
        }))
    }

    /// Deletes a role: its holders lose it. Where they are many, a job has their tokens refreshed.
    pub async fn delete(&self, actor: &Actor, name: &str) -> Changed<()> {
        let command = self.command(actor, name, AuditAction::RoleDeleted, &json!({ "role": name }));
        let decide = |facts: &RoleFacts<'_>| decide_deletion(&self.permissions, facts, name);
        let deleted = self.context.store.roles().delete_role(&command, &decide).await?;
        Ok(deleted.map(|deleted| self.put_in_force(deleted.revocations)))
    }

    /// Sets the roles of a user. Nobody is signed out: the user's devices take new tokens.
    pub async fn set_user_roles(&self, actor: &Actor, user_id: UserId, roles: &[String]) -> Changed<User> {
        let (at, remember_until) = self.times();
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: actor.user_id,
            session_id: actor.session_id,
            ..self.context.audit(AuditAction::RolesChanged, &actor.origin)
        };
        let command = UserRolesCommand { actor_id: actor.user_id, user_id, roles, at, remember_until, audit };
        let decide = |facts: &UserRoleFacts<'_>| decide_user_roles(&self.permissions, facts, roles);
        let saved = self.context.store.roles().set_user_roles(&command, &decide).await?;
        Ok(saved.map(|saved| {
            self.put_in_force(saved.revocation.into_iter().collect());
            *saved.user
        }))
    }

    fn command<'c>(&self, actor: &Actor, name: &'c str, action: AuditAction, detail: &Value) -> RoleCommand<'c> {
        let (at, remember_until) = self.times();
        let audit = NewAudit {
            actor_id: actor.user_id,
            session_id: actor.session_id,
            detail: Some(detail.to_string()),
            ..self.context.audit(action, &actor.origin)
        };
        let (rest, payload) = (self.epochs_job(String::new()), epochs::payload);
        RoleCommand { actor_id: actor.user_id, name, at, remember_until, audit, rest, payload }
    }

    /// Now, and until when the log must remember what is revoked now.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        let now = self.context.now();
        (now, self.lifetimes.remember_until(now))
    }

    /// From here on this server refuses the tokens from before, and notifies the streams of these users.
    pub(super) fn put_in_force(&self, revocations: Vec<Revocation>) {
        if let Some(sessions) = &self.sessions {
            sessions.revocations().put_in_force(&EndOutcome { revocations, ..EndOutcome::default() });
        }
    }
}
