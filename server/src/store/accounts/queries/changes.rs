//! Changes to an account that end its sessions in the same transaction: a new password, and the end of the account.
//!
//! The user's row is locked first; before it, where an owner goes, the lock that changes of roles take turns by. What
//! may be refused is decided before any session ends, and the head row of the log comes last.

use types::words::AuditAction;
use uuid::Uuid;

use super::super::audit::insert_audit;
use super::super::jobs::insert_job;
use super::super::limits::forget;
use super::super::lock_roles;
use super::super::revocations::log_and_commit;
use super::super::roles::is_last_owner;
use super::super::sessions::ending::end_in;
use super::super::sessions::history::lock_sessions_of;
use super::browsers::grant;
use super::users::{hold_user, lock_user};
use super::{Connection, Database, Result, Transaction, query};
use crate::store::db::{Ids, retry_conflicts};
use crate::store::{
    AccountDeletion, AccountOutcome, EndCommand, EndOutcome, NewAudit, PasswordChange, PasswordReset, User, sql,
};

impl Database {
    pub(in crate::store) async fn change_password(
        &self,
        change: &PasswordChange,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        retry_conflicts!(self.try_change_password(change, ends, &mut *ids))
    }

    async fn try_change_password(
        &self,
        change: &PasswordChange,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        let user_id = ends.selection.user_id();
        let mut tx = self.begin().await?;
        hold_user(&mut tx, user_id).await?;
        let changed = query(sql::accounts::CHANGE_PASSWORD)
            .bind(user_id.0)
            .bind(&change.expected_hash)
            .bind(&change.new_hash)
            .bind(ends.at.as_millis())
            .execute(&mut *tx)
            .await?;
        if changed.rows_affected() == 0 {
            return Ok(AccountOutcome::Refused);
        }
        query(sql::accounts::DELETE_RESET).bind(user_id.0).execute(&mut *tx).await?;
        insert_change(&mut tx, ends, AuditAction::PasswordChanged, ids()).await?;
        let outcome = end_in(&mut tx, ends, &mut *ids).await?;
        commit(tx, outcome).await
    }

    pub(in crate::store) async fn reset_password(
        &self,
        reset: &PasswordReset,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        retry_conflicts!(self.try_reset_password(reset, ends, &mut *ids))
    }

    async fn try_reset_password(
        &self,
        reset: &PasswordReset,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        let user_id = ends.selection.user_id();
        let mut tx = self.begin().await?;
        hold_user(&mut tx, user_id).await?;
        let changed = query(sql::accounts::RESET_PASSWORD)
            .bind(user_id.0)
            .bind(&reset.token_digest[..])
            .bind(&reset.new_hash)
            .bind(ends.at.as_millis())
            .bind(&reset.fresh_name)
            .execute(&mut *tx)
            .await?;
        if changed.rows_affected() == 0 {
            return Ok(AccountOutcome::Refused);
        }
        query(sql::alerts::ANSWER_BY_RESET).bind(user_id.0).bind(ends.at.as_millis()).execute(&mut *tx).await?;
        query(sql::accounts::DELETE_RESET).bind(user_id.0).execute(&mut *tx).await?;
        // A code that was sent before signs in as well; whoever has it must not.
        query(sql::accounts::DELETE_REGISTRATION_OF).bind(user_id.0).execute(&mut *tx).await?;
        grant(&mut tx, &reset.grant, user_id, ends.at).await?;
        insert_change(&mut tx, ends, AuditAction::PasswordReset, ids()).await?;
        let outcome = end_in(&mut tx, ends, &mut *ids).await?;
        commit(tx, outcome).await
    }

    pub(in crate::store) async fn delete_account(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        retry_conflicts!(self.try_delete_account(deletion, ends, &mut *ids))
    }

    async fn try_delete_account(
        &self,
        deletion: &AccountDeletion,
        ends: &EndCommand,
        ids: Ids<'_>,
    ) -> Result<AccountOutcome> {
        let mut tx = self.begin().await?;
        // Whoever is no owner may be made one meanwhile, and the last one.
        lock_roles(&mut tx).await?;
        let Some(user) = lock_user(&mut tx, ends.selection.user_id()).await? else {
            return Ok(AccountOutcome::Refused);
        };
        let live = lock_sessions_of(&mut tx, user.id).await?;
        if ends.ended_by.is_none_or(|requester| !live.contains(&requester)) {
            return Ok(AccountOutcome::Refused);
        }
        if is_last_owner(&mut tx, &user).await? {
            return Ok(AccountOutcome::LastOwner);
        }
        let mut outcome = end_in(&mut tx, ends, &mut *ids).await?;
        for revocation in &mut outcome.revocations {
            // What is logged outlives the account, and must not name its devices.
            revocation.ended_by_device = None;
        }
        let audit = change_entry(ends, AuditAction::AccountDeleted, ids());
        erase(&mut tx, deletion, &user, &audit).await?;
        let done = commit(tx, outcome).await?;
        self.wake_worker();
        Ok(done)
    }
}

/// Writes the revocations to the log, and is done.
async fn commit(tx: Transaction, mut outcome: EndOutcome) -> Result<AccountOutcome> {
    log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
    Ok(AccountOutcome::Done(outcome))
}

/// Deletes the account, once its sessions have ended: from now on there is no such user. What stays is the revocation
/// log, which has the other servers refuse the tokens that are still about, and the audit log.
pub(in crate::store) async fn erase(
    connection: &mut Connection,
    deletion: &AccountDeletion,
    user: &User,
    audit: &NewAudit,
) -> Result<()> {
    query(sql::audit::WIPE_ORIGINS_OF).bind(user.id.0).execute(&mut *connection).await?;
    insert_audit(connection, std::slice::from_ref(audit)).await?;
    query(sql::revocations::FORGET_DEVICES_OF).bind(user.id.0).execute(&mut *connection).await?;
    query(sql::sessions::DELETE_TICKETS_OF).bind(user.id.0).execute(&mut *connection).await?;
    // Before the registration, like whoever registers.
    forget(connection, &deletion.buckets).await?;
    query(sql::accounts::DELETE_REGISTRATION).bind(&user.email).execute(&mut *connection).await?;
    query(sql::jobs::DELETE_JOBS_CONCERNING).bind(&user.email).execute(&mut *connection).await?;
    insert_job(connection, &deletion.mail).await?;
    query(sql::accounts::DELETE_USER).bind(user.id.0).execute(&mut *connection).await?;
    Ok(())
}

/// Writes the audit entry of the change itself, beside those of the sessions that end with it.
async fn insert_change(connection: &mut Connection, ends: &EndCommand, action: AuditAction, id: Uuid) -> Result<()> {
    insert_audit(connection, &[change_entry(ends, action, id)]).await
}

fn change_entry(ends: &EndCommand, action: AuditAction, id: Uuid) -> NewAudit {
    NewAudit {
        user_id: Some(ends.selection.user_id()),
        actor_id: ends.actor_id,
        session_id: ends.ended_by,
        client_reason: ends.client_reason.clone(),
        ..NewAudit::new(id, ends.at, action, ends.origin.clone())
    }
}
