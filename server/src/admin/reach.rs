//! Whom an administrator may touch: nobody whose roles reach further than their own. Changes ask it under lock, by the
//! roles that both have then; ends of sessions ask it before they begin.

use std::collections::{HashMap, HashSet};

use types::domain::{SessionId, UserId};

use super::{Actor, AdminError, Administration};
use crate::auth::permissions::Permission;
use crate::roles::Reach;
use crate::store::{ChangeRefusal, Origin, RoleActor, SessionRow, StoreError, User};

impl Actor {
    /// Whether no rule of theirs ends this session: it is the one that asks.
    pub(super) fn asks_from(&self, session: SessionId) -> bool {
        self.session_id == Some(session)
    }
}

impl Administration {
    /// Whoever asks in this session, as far as they reach now. `None` where they are gone or disabled, or have lost
    /// the permission.
    pub async fn actor(
        &self,
        user_id: UserId,
        session_id: SessionId,
        origin: Origin,
        permission: Permission,
    ) -> Result<Option<Actor>, StoreError> {
        let user = self.context.store.accounts().user_by_id(user_id).await?;
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
        let held = self.permissions.of(user.base_role, &user.added_permissions);
        let is_held = held.iter().any(|name| name == permission.name());
        let reach = Reach::of_user(&self.permissions, &user);
        Ok(is_held.then_some(Actor {
            user_id: Some(user_id),
            origin,
            reach: Some(reach),
            permission: Some(permission),
            session_id: Some(session_id),
        }))
    }

    /// Whether a user reaches no further than whoever asks.
    pub fn is_within_reach(&self, actor: &Actor, user: &User) -> bool {
        actor.reach.as_ref().is_none_or(|reach| reach.covers(&Reach::of_user(&self.permissions, user)))
    }

    /// The permissions of a user, by name.
    pub fn permissions_of(&self, user: &User) -> Vec<String> {
        self.permissions.of(user.base_role, &user.added_permissions)
    }

    /// Decides about a change to a user, for the store to ask under lock.
    pub(super) fn may_change<'c>(
        &'c self,
        actor: &'c Actor,
    ) -> impl Fn(RoleActor<'_>, &User) -> Result<(), ChangeRefusal> + Send + Sync + 'c {
        move |stored: RoleActor<'_>, user: &User| self.decide_change(actor.permission, stored, user)
    }

    fn decide_change(
        &self,
        permission: Option<Permission>,
        stored: RoleActor<'_>,
        user: &User,
    ) -> Result<(), ChangeRefusal> {
        let stored = match stored {
            RoleActor::Installation => return Ok(()),
            RoleActor::User(stored) => Some(stored),
            RoleActor::Nobody => None,
        };
        let stored = stored.filter(|stored| stored.disabled_at.is_none());
        let reach = stored.map(|stored| Reach::of_user(&self.permissions, stored));
        let reach = reach.filter(|reach| permission.is_some_and(|permission| reach.has(permission)));
        let reach = reach.ok_or(ChangeRefusal::NotAllowed)?;
        let is_covered = reach.covers(&Reach::of_user(&self.permissions, user));
        if is_covered { Ok(()) } else { Err(ChangeRefusal::AboveActor) }
    }

    /// Refuses where the user reaches further.
    pub(super) fn check_reach(&self, actor: &Actor, user: &User) -> Result<(), AdminError> {
        if self.is_within_reach(actor, user) { Ok(()) } else { Err(AdminError::AboveActor) }
    }

    /// The users of these sessions, by their ids.
    pub async fn users_of(&self, sessions: &[SessionRow]) -> Result<HashMap<UserId, User>, StoreError> {
        self.users_named(sessions.iter().map(|session| session.user_id).collect()).await
    }

    /// Users by their ids, of which some may come several times; those that there are.
    pub async fn users_named(&self, ids: Vec<UserId>) -> Result<HashMap<UserId, User>, StoreError> {
        let users = self.context.store.admin().users_by_ids(&each_once(ids.into_iter())).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }

    /// Leaves out the session that asks, and those of users who reach further. Gives how many those are.
    pub(super) async fn spare(
        &self,
        actor: &Actor,
        sessions: &mut Vec<(UserId, SessionId)>,
    ) -> Result<u64, StoreError> {
        if actor.reach.is_none() {
            return Ok(0);
        }
        let store = self.context.store.admin();
        // Everybody reaches as far as those who have the role of all and no other.
        let with_roles = store.users_with_roles(&each_once(sessions.iter().map(|(user, _)| *user))).await?;
        let with_roles = store.users_by_ids(&with_roles).await?;
        let above = with_roles.iter().filter(|user| !self.is_within_reach(actor, user));
        let above: HashSet<UserId> = above.map(|user| user.id).collect();
        let before = sessions.len();
        sessions.retain(|(user, session)| !actor.asks_from(*session) && !above.contains(user));
        Ok(u64::try_from(before - sessions.len()).unwrap_or(u64::MAX))
    }
}

/// Users in order, each once.
fn each_once(users: impl Iterator<Item = UserId>) -> Vec<UserId> {
    let mut users: Vec<UserId> = users.collect();
    users.sort_unstable();
    users.dedup();
    users
}
