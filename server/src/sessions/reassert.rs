//! After the database was set back: what this server remembers is written to it once more.
//!
//! A backup that was restored, or a standby that took over without the last commits, knows sessions as alive that had ended. As long as one
//! server remembers that, it is put right; whoever had signed out everywhere is signed out everywhere again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use app::api::EndReason;
use app::domain::{SessionId, UserId};
use tokio::sync::mpsc;

use super::revocations::Lost;
use super::{Ending, Sessions, SessionsError};
use crate::store::{EndCommand, Origin, Selection};

/// What stands beside the reason in the audit log.
const NOTE: &str = "had ended before the database was set back";

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Ends what was lost again, for as long as the sender lives, and as long as it takes: the database may still be busy, or its
/// sessions may come back after its log.
pub async fn reassert(sessions: Arc<Sessions>, mut lost: mpsc::UnboundedReceiver<Lost>) {
    let mut left = Outstanding::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let received = tokio::select! {
            received = lost.recv() => Some(received),
            () = tokio::time::sleep(pause), if !left.is_empty() => None,
        };
        match received {
            Some(None) => return,
            Some(Some(lost)) => {
                left.add(lost);
                pause = FIRST_PAUSE;
            }
            None => pause = (pause * 2).min(LONGEST_PAUSE),
        }
        left.try_again(&sessions).await;
    }
}

/// What is still to be written again.
#[derive(Default)]
struct Outstanding {
    sessions: HashSet<SessionId>,
    people: HashMap<UserId, i64>,
}

impl Outstanding {
    fn add(&mut self, lost: Lost) {
        self.sessions.extend(lost.sessions);
        for (user_id, least) in lost.people {
            let known = self.people.entry(user_id).or_default();
            *known = (*known).max(least);
        }
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.people.is_empty()
    }

    async fn try_again(&mut self, to: &Sessions) {
        let mut failed = None;
        for session_id in self.sessions.clone() {
            match to.end_again(session_id).await {
                Ok(true) => drop(self.sessions.remove(&session_id)),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        for (user_id, least) in self.people.clone() {
            match to.end_all_again(user_id, least).await {
                Ok(true) => drop(self.people.remove(&user_id)),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        let (sessions, people) = (self.sessions.len(), self.people.len());
        match failed {
            Some(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, sessions, people, "what the database has lost is not written again yet");
            }
            None if sessions + people == 0 => tracing::info!("what the database had lost is written again"),
            None => tracing::warn!(sessions, people, "the database does not know yet whose ends it has lost"),
        }
    }
}

impl Sessions {
    /// Ends a session once more. False where the database does not know it (yet), although it must be remembered.
    async fn end_again(&self, session_id: SessionId) -> Result<bool, SessionsError> {
        let Some(row) = self.store.session(session_id).await? else { return Ok(!self.list.has_ended(session_id)) };
        if row.end.is_none() {
            self.end_by_memory(Selection::One { user_id: row.user_id, session_id }).await?;
        }
        Ok(true)
    }

    /// Only where the database has forgotten it: tokens of a lower epoch would otherwise be refused here and made anew for ever. False
    /// where the database does not know the person (yet), although that must be remembered.
    async fn end_all_again(&self, user_id: UserId, least: i64) -> Result<bool, SessionsError> {
        let Some(user) = self.store.user_by_id(user_id).await? else {
            return Ok(self.list.least_epoch(user_id).is_none());
        };
        if user.epoch >= least {
            return Ok(true);
        }
        self.end_by_memory(Selection::All { user_id }).await?;
        let now = self.now();
        let remember_until = self.lifetimes.remember_until(now);
        if let Some(raised) = self.store.raise_epoch_to(user_id, least, now, remember_until).await? {
            self.list.add(&[raised]);
            self.hub.hint();
        }
        Ok(true)
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
