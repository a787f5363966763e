//! A refresh token that looks stolen.
//!
//! A refresh holds the session only. Ending a session takes the user's lock first, so a suspected theft is decided once
//! more under both locks, and written in the same transaction.

use types::domain::{Timestamp, UserId};
use types::words::EndReason;

use super::super::accounts::users::lock_user;
use super::super::alerts::insert_alert;
use super::super::audit::insert_audit;
use super::super::jobs::insert_job;
use super::super::revocations::log_and_commit;
use super::ending::{EndDetails, EntryBatch, Which};
use super::history::{insert_history, lock_session};
use super::{Database, Result};
use crate::store::db::{Ids, retry_conflicts};
use crate::store::sessions::Decide;
use crate::store::{EndOutcome, RefreshAttempt, RefreshDecision, Theft, TheftReport};

impl Database {
    pub(in crate::store) async fn end_stolen(
        &self,
        user_id: UserId,
        attempt: &RefreshAttempt,
        decide: Decide<'_>,
        report: &TheftReport<'_>,
        ids: Ids<'_>,
    ) -> Result<Theft> {
        retry_conflicts!(self.try_end_stolen(user_id, attempt, decide, report, &mut *ids))
    }

    async fn try_end_stolen(
        &self,
        user_id: UserId,
        attempt: &RefreshAttempt,
        decide: Decide<'_>,
        report: &TheftReport<'_>,
        ids: Ids<'_>,
    ) -> Result<Theft> {
        let mut tx = self.begin().await?;
        let Some(user) = lock_user(&mut tx, user_id).await? else { return Ok(Theft::Dismissed) };
        let Some(session) = lock_session(&mut tx, attempt.session_id).await? else { return Ok(Theft::Dismissed) };
        if let Some(end) = session.end {
            return Ok(Theft::EndedBefore(end));
        }
        if user.disabled_at.is_some() || decide(&session) != RefreshDecision::Reuse {
            return Ok(Theft::Dismissed);
        }
        insert_history(&mut tx, std::slice::from_ref(&report.history)).await?;
        insert_audit(&mut tx, std::slice::from_ref(&report.audit)).await?;
        let (mut outcome, mut entries) = (EndOutcome::default(), EntryBatch::default());
        let ending = ending_of(user_id, attempt);
        ending.carry_out(&mut tx, Which::One(session.id), &mut outcome, &mut entries, ids).await?;
        entries.write(&mut tx, &mut outcome.departures).await?;
        let is_raised = insert_alert(&mut tx, &report.alert).await?;
        insert_job(&mut tx, &(report.mail)(&user, &session)).await?;
        log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
        self.wake_worker();
        Ok(Theft::Ended { outcome, is_raised })
    }
}

/// How the session ends: by nobody, because of what was presented.
pub(in crate::store) fn ending_of(user_id: UserId, attempt: &RefreshAttempt) -> EndDetails {
    EndDetails {
        user_id,
        reason: EndReason::RefreshReuse,
        client_reason: None,
        ended_by: None,
        ended_by_device: None,
        actor_id: None,
        at: attempt.at,
        remember_until: attempt.remember_until,
        origin: attempt.origin.clone(),
        receipt: None,
        began_by: Timestamp::from_millis(i64::MAX),
        seen_epoch: 0,
    }
}
