//! Changes to accounts of others. What may be refused is decided under the lock of the user. Who is to go takes turns
//! with all changes of roles before that: of two owners who disable, delete or demote each other, the second is
//! refused.

use types::domain::UserId;
use types::words::AuditAction;

use super::super::accounts::changes::{erase, insert_change};
use super::super::accounts::users::lock_user;
use super::super::audit::insert_audit;
use super::super::revocations::log_and_commit;
use super::super::roles::is_last_owner;
use super::super::sessions::ending::end_in;
use super::super::sessions::history::lock_sessions_of;
use super::{Connection, Database, Result, lock_roles, query};
use crate::store::db::{Ids, retry_conflicts};
use crate::store::{AccountDeletion, EndCommand, EndOutcome, MayChange, NewAudit, User, UserChange, sql};

impl Database {
    pub(in crate::store) async fn disable_user(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_disable_user(ends, may, &mut *ids))
    }

    async fn try_disable_user(&self, ends: &EndCommand, may: MayChange<'_>, ids: Ids<'_>) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_remove(&mut tx, ends.selection.user_id(), may).await? {
            Locked::User(user) => user,
            Locked::AboveActor => return Ok(UserChange::AboveActor),
            Locked::LastOwner => return Ok(UserChange::LastOwner),
            Locked::Nobody => return Ok(UserChange::NotFound),
        };
        if user.disabled_at.is_some() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::SET_DISABLED).bind(user.id.0).bind(Some(ends.at.as_millis())).execute(&mut *tx).await?;
        insert_change(&mut tx, ends, AuditAction::UserDisabled, ids()).await?;
        let mut outcome = end_in(&mut tx, ends, &mut *ids).await?;
        log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
        Ok(UserChange::Done(outcome))
    }

    pub(in crate::store) async fn enable_user(
        &self,
        id: UserId,
        may: MayChange<'_>,
        audit: &NewAudit,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let Some(user) = lock_user(&mut tx, id).await? else { return Ok(UserChange::NotFound) };
        if !may(&user) {
            return Ok(UserChange::AboveActor);
        }
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
        let Some(user) = lock_user(&mut tx, id).await? else { return Ok(UserChange::NotFound) };
        if !may(&user) {
            return Ok(UserChange::AboveActor);
        }
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
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_require_password_reset(ends, may, &mut *ids))
    }

    async fn try_require_password_reset(
        &self,
        ends: &EndCommand,
        may: MayChange<'_>,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let id = ends.selection.user_id();
        let Some(user) = lock_user(&mut tx, id).await? else { return Ok(UserChange::NotFound) };
        if !may(&user) {
            return Ok(UserChange::AboveActor);
        }
        if user.password_reset_required_at.is_some() {
            return Ok(UserChange::Unchanged);
        }
        query(sql::accounts::REQUIRE_PASSWORD_RESET).bind(id.0).bind(ends.at.as_millis()).execute(&mut *tx).await?;
        insert_change(&mut tx, ends, AuditAction::PasswordResetRequired, ids()).await?;
        let mut outcome = end_in(&mut tx, ends, &mut *ids).await?;
        log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
        Ok(UserChange::Done(outcome))
    }

    pub(in crate::store) async fn delete_user(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        may: MayChange<'_>,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        retry_conflicts!(self.try_delete_user(deletion, ends, may, &mut *ids))
    }

    async fn try_delete_user(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        may: MayChange<'_>,
        ids: Ids<'_>,
    ) -> Result<UserChange> {
        let mut tx = self.begin().await?;
        let user = match lock_to_remove(&mut tx, ends.selection.user_id(), may).await? {
            Locked::User(user) => user,
            Locked::AboveActor => return Ok(UserChange::AboveActor),
            Locked::LastOwner => return Ok(UserChange::LastOwner),
            Locked::Nobody => return Ok(UserChange::NotFound),
        };
        // Ended ones too: all of them are deleted.
        lock_sessions_of(&mut tx, user.id).await?;
        let mut outcome = end_in(&mut tx, ends, &mut *ids).await?;
        erase(&mut tx, deletion, ends, &user, ids()).await?;
        log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
        self.wake_worker();
        Ok(UserChange::Done(outcome))
    }
}

/// A user who is to go.
enum Locked {
    User(Box<User>),
    /// The installation would be left without an owner.
    LastOwner,
    /// Whoever asks may not change them.
    AboveActor,
    Nobody,
}

/// Locks a user who is to go, and finds out whether they may. Whoever is no owner may be made one meanwhile, and the
/// last one: so it takes its turn among changes of roles whoever it is.
async fn lock_to_remove(connection: &mut Connection, id: UserId, may: MayChange<'_>) -> Result<Locked> {
    lock_roles(&mut *connection).await?;
    let Some(user) = lock_user(&mut *connection, id).await? else { return Ok(Locked::Nobody) };
    if !may(&user) {
        return Ok(Locked::AboveActor);
    }
    if user.disabled_at.is_none() && is_last_owner(connection, &user).await? {
        return Ok(Locked::LastOwner);
    }
    Ok(Locked::User(Box::new(user)))
}
