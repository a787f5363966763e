//! Changes to accounts of others. Each takes turns with all changes of roles, and then locks the user: what may be
//! refused is decided by the roles that both have until the commit. Whoever loses a role first may not use it any more,
//! and of two owners who disable, delete or demote each other, the second is refused.

use types::domain::UserId;

use super::super::Transaction;
use super::super::accounts::changes::erase;
use super::super::accounts::users::lock_user;
use super::super::audit::insert_audit;
use super::super::revocations::log_and_commit;
use super::super::roles::{find_actor, is_last_owner};
use super::super::sessions::ending::end_in;
use super::super::sessions::history::lock_sessions_of;
use super::{Connection, Database, Result, lock_roles, query};
use crate::store::db::{Ids, retry_conflicts};
use crate::store::{AccountDeletion, EndCommand, EndOutcome, MayChange, NewAudit, RoleActor, User, UserChange, sql};

impl Database {
    pub(in crate::store) async fn disable_user(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_disable_user(ends, may, audit, &mut *ids))
    }

    async fn try_disable_user(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_remove(&mut tx, ends.selection.user_id(), ends.actor_id, may).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        if user.disabled_at.is_some() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::SET_DISABLED).bind(user.id.0).bind(Some(ends.at.as_millis())).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        let outcome = end_in(&mut tx, ends, &mut *ids).await?;
        commit(tx, outcome).await
    }

    pub(in crate::store) async fn enable_user(
        &self,
        id: UserId,
        may: MayChange<'_>,
        audit: &NewAudit,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_change(&mut tx, id, audit.actor_id, may).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        if user.disabled_at.is_none() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::SET_DISABLED).bind(id.0).bind(None::<i64>).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(UserChange::Done(EndOutcome::default()))
    }

    pub(in crate::store) async fn verify_user(
        &self,
        id: UserId,
        may: MayChange<'_>,
        audit: &NewAudit,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_change(&mut tx, id, audit.actor_id, may).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        if user.email_verified_at.is_some() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::PROVE_EMAIL).bind(id.0).bind(audit.at.as_millis()).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(UserChange::Done(EndOutcome::default()))
    }

    pub(in crate::store) async fn require_password_reset(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_require_password_reset(ends, may, audit, &mut *ids))
    }

    async fn try_require_password_reset(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let id = ends.selection.user_id();
        let user = match lock_to_change(&mut tx, id, ends.actor_id, may).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        if user.password_reset_required_at.is_some() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::REQUIRE_PASSWORD_RESET).bind(id.0).bind(ends.at.as_millis()).execute(&mut *tx).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        let outcome = end_in(&mut tx, ends, &mut *ids).await?;
        commit(tx, outcome).await
    }

    pub(in crate::store) async fn delete_user(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_delete_user(deletion, ends, may, audit, &mut *ids))
    }

    async fn try_delete_user(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        may: MayChange<'_>,
        audit: &NewAudit,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_remove(&mut tx, ends.selection.user_id(), ends.actor_id, may).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(refusal),
        };
        // Ended ones too: all of them are deleted.
        lock_sessions_of(&mut tx, user.id).await?;
        let outcome = end_in(&mut tx, ends, &mut *ids).await?;
        erase(&mut tx, deletion, &user, audit).await?;
        let done = commit(tx, outcome).await?;
        self.wake_worker();
        Ok(done)
    }
}

/// Writes the revocations to the log, and is done.
async fn commit(tx: Transaction, mut outcome: EndOutcome) -> Result<UserChange> {
    log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
    Ok(UserChange::Done(outcome))
}

/// Keeps all roles as they are and locks a user, or says why they may not be changed.
async fn lock_to_change(
    connection: &mut Connection,
    id: UserId,
    actor_id: Option<UserId>,
    may: MayChange<'_>,
) -> Result<std::result::Result<User, UserChange>> {
    lock_roles(&mut *connection).await?;
    let Some(user) = lock_user(&mut *connection, id).await? else { return Ok(Err(UserChange::NotFound)) };
    let actor = find_actor(connection, actor_id).await?;
    let decided = may(RoleActor::of(actor_id, actor.as_ref()), &user);
    Ok(decided.map(|()| user).map_err(UserChange::from))
}

/// The same for a user who is to go, and who may be the last owner.
async fn lock_to_remove(
    connection: &mut Connection,
    id: UserId,
    actor_id: Option<UserId>,
    may: MayChange<'_>,
) -> Result<std::result::Result<User, UserChange>> {
    let user = match lock_to_change(&mut *connection, id, actor_id, may).await? {
        Ok(user) => user,
        refused => return Ok(refused),
    };
    let is_last = user.disabled_at.is_none() && is_last_owner(connection, &user).await?;
    Ok(if is_last { Err(UserChange::LastOwner) } else { Ok(user) })
}
