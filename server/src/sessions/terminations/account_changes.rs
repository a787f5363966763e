//! Changes to an account that end its sessions in the same transaction.
//!
//! They do not become pending while the database is away: the user must know whether the password was changed. So they
//! fail, and nothing is retried. Where only the answer of the commit was lost, the sessions have ended with the change,
//! and this server finds that in the log like every other.

use types::domain::{SessionId, UserId};
use types::words::EndReason;

use super::end::answer;
use super::{EndAnswer, Ending, Terminations};
use crate::auth::secrets::Capability;
use crate::auth::tokens::Verified;
use crate::store::{
    AccountDeletion, AccountOutcome, EndCommand, Origin, PasswordChange, PasswordReset, Selection, StoreError,
};

/// The user who changes their own account.
pub struct AccountOwner {
    user_id: UserId,
    session_id: SessionId,
    /// Epoch of the token of the request.
    epoch: i64,
    origin: Origin,
}

impl AccountOwner {
    /// The user of this token, from where the request came.
    pub const fn of(token: &Verified, origin: Origin) -> Self {
        Self { user_id: token.user_id, session_id: token.session_id, epoch: token.epoch, origin }
    }
}

/// Why an account is not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionRefusal {
    /// The requesting session has ended meanwhile.
    SessionEnded,
    /// Without it there would be no owner who may sign in.
    LastOwner,
}

impl Terminations {
    /// Sets a new password in place of a known one and ends the other sessions. `None` where another change came first:
    /// then nothing was written.
    pub async fn change_password(
        &self,
        owner: AccountOwner,
        change: &PasswordChange,
    ) -> Result<Option<EndAnswer>, StoreError> {
        let AccountOwner { user_id, session_id, .. } = owner;
        let receipt = Capability::draw(&*self.context.random);
        let others = Selection::Others { user_id, keep: session_id };
        let ends =
            EndCommand { receipt: Some(receipt.digest()), ..self.by_owner(owner, others, EndReason::PasswordChanged) };
        let mut new_id = || self.context.new_id();
        let outcome = self.context.store.accounts().change_password(change, &ends, &mut new_id).await?;
        Ok(self.changed(outcome, Some(&receipt), Some(session_id)).await)
    }

    /// Sets a new password by a token from a mail and ends every session of the user. The request comes without a
    /// session and begins none. `None` where the token is not valid any more: then nothing was written.
    pub async fn reset_password(
        &self,
        user_id: UserId,
        reset: &PasswordReset,
        origin: Origin,
    ) -> Result<Option<EndAnswer>, StoreError> {
        let receipt = Capability::draw(&*self.context.random);
        let command = self.account_command(Selection::All { user_id }, EndReason::PasswordReset, None);
        let ends = EndCommand { origin, receipt: Some(receipt.digest()), ..command };
        let mut new_id = || self.context.new_id();
        let outcome = self.context.store.accounts().reset_password(reset, &ends, &mut new_id).await?;
        Ok(self.changed(outcome, Some(&receipt), None).await)
    }

    /// Deletes the account and ends every session. Without a receipt: nothing is left to show of the devices of an
    /// account that is gone. Where it is refused, nothing was written.
    pub async fn delete_account(
        &self,
        owner: AccountOwner,
        deletion: &AccountDeletion,
    ) -> Result<Result<EndAnswer, DeletionRefusal>, StoreError> {
        let AccountOwner { user_id, session_id, .. } = owner;
        let ends = self.by_owner(owner, Selection::All { user_id }, EndReason::AccountDeleted);
        let mut new_id = || self.context.new_id();
        let outcome = self.context.store.accounts().delete_account(deletion, &ends, &mut new_id).await?;
        if outcome == AccountOutcome::LastOwner {
            return Ok(Err(DeletionRefusal::LastOwner));
        }
        Ok(self.changed(outcome, None, Some(session_id)).await.ok_or(DeletionRefusal::SessionEnded))
    }

    fn by_owner(&self, owner: AccountOwner, selection: Selection, reason: EndReason) -> EndCommand {
        EndCommand {
            ended_by: Some(owner.session_id),
            origin: owner.origin,
            ..self.account_command(selection, reason, Some(owner.epoch))
        }
    }

    fn account_command(&self, selection: Selection, reason: EndReason, epoch: Option<i64>) -> EndCommand {
        let (now, user_id) = (self.context.now(), selection.user_id());
        EndCommand {
            actor_id: Some(user_id),
            seen_epoch: epoch.max(self.revocations.list().least_epoch(user_id)).unwrap_or_default(),
            ..EndCommand::new(selection, reason, now, self.lifetimes.remember_until(now))
        }
    }

    /// Enforces a committed change, and returns the answer.
    async fn changed(
        &self,
        outcome: AccountOutcome,
        receipt: Option<&Capability>,
        current: Option<SessionId>,
    ) -> Option<EndAnswer> {
        let AccountOutcome::Done(outcome) = outcome else { return None };
        let in_force = self.revocations.take_effect(&outcome).await;
        Some(answer(Ending::Done { outcome, in_force }, receipt, current))
    }
}
