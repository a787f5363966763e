//! After the database was set back: what this server remembers is written to it once more.
//!
//! A backup that was restored, or a standby that took over without the last commits, knows sessions as alive that had ended. As long as one
//! server remembers that, it is put right; whoever had signed out everywhere is signed out everywhere again.

use std::sync::Arc;

use app::api::EndReason;
use app::domain::{SessionId, UserId};
use tokio::sync::mpsc;

use super::revocations::Lost;
use super::{Ending, Sessions, SessionsError};
use crate::store::{EndCommand, Origin, Selection};

/// What stands beside the reason in the audit log.
const NOTE: &str = "had ended before the database was set back";

/// Ends what was lost again, for as long as the sender lives.
pub async fn reassert(sessions: Arc<Sessions>, mut lost: mpsc::UnboundedReceiver<Lost>) {
    while let Some(lost) = lost.recv().await {
        for session_id in lost.sessions {
            if let Err(error) = sessions.end_again(session_id).await {
                tracing::error!(error = &error as &dyn std::error::Error, %session_id, "a session could not be ended again");
            }
        }
        for (user_id, least) in lost.people {
            if let Err(error) = sessions.end_all_again(user_id, least).await {
                tracing::error!(error = &error as &dyn std::error::Error, "sessions could not be ended again");
            }
        }
    }
}

impl Sessions {
    async fn end_again(&self, session_id: SessionId) -> Result<(), SessionsError> {
        if let Some(row) = self.store.session(session_id).await?
            && row.end.is_none()
        {
            self.end_by_memory(Selection::One { user_id: row.user_id, session_id }).await?;
        }
        Ok(())
    }

    /// Only where the database has forgotten it: tokens of a lower epoch would otherwise be refused here and made anew for ever.
    async fn end_all_again(&self, user_id: UserId, least: i64) -> Result<(), SessionsError> {
        if self.store.user_by_id(user_id).await?.is_none_or(|user| user.epoch >= least) {
            return Ok(());
        }
        self.end_by_memory(Selection::All { user_id }).await?;
        let now = self.now();
        let remember_until = self.lifetimes.remember_until(now);
        if let Some(raised) = self.store.raise_epoch_to(user_id, least, now, remember_until).await? {
            self.list.add(&[raised]);
            self.hub.hint();
        }
        Ok(())
    }

    async fn end_by_memory(&self, selection: Selection) -> Result<Ending, SessionsError> {
        let now = self.now();
        let command = EndCommand {
            selection,
            reason: EndReason::AdminRevoked,
            client_reason: Some(NOTE.to_owned()),
            ended_by: None,
            actor_id: None,
            at: now,
            remember_until: self.lifetimes.remember_until(now),
            origin: Origin::default(),
            receipt: None,
            alongside: None,
            tried_for: None,
        };
        Ok(self.ender.end(command, None).await?)
    }
}
