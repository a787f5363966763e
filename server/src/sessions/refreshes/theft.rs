//! A replaced refresh token is used again, so it may have been copied. Its session ends, and the user is notified on
//! the other devices and by mail.

use types::domain::AlertId;
use types::words::{AlertKind, AuditAction, EndReason, HistoryKind};

use super::{RefreshRefusal, Refreshes};
use crate::mail::NewMail;
use crate::sessions::mails;
use crate::store::{
    NewAlert, NewAudit, NewHistoryEntry, NewJob, RefreshAttempt, RefreshDecision, SessionEnd, SessionRow, StoreError,
    Theft, TheftReport, User,
};

/// The reason of a `503` where the session changed between two reads.
const CHANGED: &str = "the session has changed meanwhile";

impl Refreshes {
    /// Ends a session whose refresh token was replaced and used up before it was presented, with audit entry, history,
    /// alert and mail, where `decide` still says so. Where that cannot be written, the session ends all the same.
    pub(super) async fn end_stolen(
        &self,
        row: &SessionRow,
        attempt: &RefreshAttempt,
        decide: &(dyn Fn(&SessionRow) -> RefreshDecision + Send + Sync),
    ) -> Result<RefreshRefusal, RefreshRefusal> {
        let mail = |user: &User, session: &SessionRow| self.theft_mail(user, session);
        let report = self.theft_report(row, attempt, &mail);
        let mut new_id = || self.context.new_id();
        let ended = self.context.store.sessions().end_stolen(row.user_id, attempt, decide, &report, &mut new_id).await;
        match ended {
            Ok(Theft::Ended { outcome, is_raised }) => {
                if is_raised {
                    self.alerts.publish(row, report.alert);
                }
                self.revocations.put_in_force(&outcome);
            }
            Ok(Theft::EndedBefore(end)) => return Ok(RefreshRefusal::Ended(end)),
            Ok(Theft::Dismissed) => return Err(StoreError::undecided(CHANGED).into()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "refresh reuse report failed");
                self.terminations.end_for(row, EndReason::RefreshReuse, &attempt.origin).await?;
            }
        }
        let (at, reason) = (attempt.at, EndReason::RefreshReuse);
        Ok(RefreshRefusal::Reused(SessionEnd { at, reason, ended_by: None, ended_by_device: None }))
    }

    fn theft_report<'a>(
        &self,
        row: &SessionRow,
        attempt: &RefreshAttempt,
        mail: &'a (dyn Fn(&User, &SessionRow) -> NewJob + Send + Sync),
    ) -> TheftReport<'a> {
        TheftReport {
            audit: NewAudit {
                at: attempt.at,
                user_id: Some(row.user_id),
                session_id: Some(row.id),
                ..self.context.audit(AuditAction::RefreshReuse, &attempt.origin)
            },
            history: NewHistoryEntry {
                id: self.context.new_id(),
                session_id: row.id,
                at: attempt.at,
                kind: HistoryKind::PossibleTheft,
                detail: None,
                ip: attempt.origin.ip.clone(),
            },
            alert: NewAlert {
                id: AlertId(self.context.new_id()),
                kind: AlertKind::RefreshReuse,
                session_id: row.id,
                at: attempt.at,
                ip: attempt.origin.ip.clone(),
                place: attempt.place.clone(),
            },
            mail,
        }
    }

    /// The name that a stranger gave the device must not be mailed to an address that nobody has proved.
    fn theft_mail(&self, user: &User, session: &SessionRow) -> NewJob {
        let is_proved = user.email_verified_at.is_some();
        let device = if is_proved { session.device.device_name.as_str() } else { "A device" };
        self.context.mail(NewMail::notice(&user.email, mails::session_stolen(device)))
    }
}
