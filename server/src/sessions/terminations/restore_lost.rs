//! Restoring revocations that the database has lost: what this server remembers is written to it once more.
//!
//! A backup that was restored, or a standby that took over without the last commits, knows sessions as alive that had
//! ended. As long as one server remembers that, they are ended again: a user who had signed out everywhere is signed
//! out everywhere again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use types::domain::{SessionId, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::pending_ends::Force;
use super::{Ending, Terminations};
use crate::jobs::Backoff;
use crate::sessions::SessionsError;
use crate::sessions::revocations::{Lost, LostEpoch};
use crate::store::{EndCommand, RevokedSubject, Selection};

/// The note beside the reason in the audit log.
const NOTE: &str = "had ended before the database was set back";

const RETRY: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(30));
/// The longest pause while something that is left is not in the log, and servers that start do not refuse it.
const LONGEST_UNLOGGED: Duration = Duration::from_secs(5);

/// Ends lost sessions again, for as long as the sender lives, and as long as it takes: the database may still be busy,
/// or its sessions may be restored after its log.
pub(in crate::sessions) async fn restore_lost(
    terminations: Arc<Terminations>,
    mut lost: mpsc::UnboundedReceiver<Lost>,
) {
    let mut left = Outstanding::default();
    let mut pauses = RETRY.pauses();
    loop {
        let pause = pauses.next_pause();
        let pause = if left.is_logged() { pause } else { pause.min(LONGEST_UNLOGGED) };
        let received = tokio::select! {
            received = lost.recv() => Some(received),
            () = tokio::time::sleep(pause), if !left.is_empty() => None,
        };
        match received {
            Some(None) => return,
            Some(Some(lost)) => {
                left.add(lost);
                pauses.reset();
            }
            None => {}
        }
        left.try_again(&terminations).await;
    }
}

/// The revocations that are still to be restored.
#[derive(Default)]
struct Outstanding {
    sessions: HashMap<SessionId, Logged>,
    users: HashMap<UserId, (LostEpoch, Logged)>,
}

/// Whether it is in the log although the database does not know the session or the user: they may come back after
/// their log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logged {
    NotYet,
    Yes,
}

impl Outstanding {
    fn add(&mut self, lost: Lost) {
        self.sessions.extend(lost.sessions.into_iter().map(|session_id| (session_id, Logged::NotYet)));
        for epoch in lost.users {
            let (known, logged) = self.users.entry(epoch.user_id).or_insert((epoch, Logged::NotYet));
            known.least = known.least.max(epoch.least);
            known.least_by_end = known.least_by_end.max(epoch.least_by_end);
            *logged = Logged::NotYet;
        }
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty()
    }

    /// Whether all that is left is in the log, so that it is refused everywhere.
    fn is_logged(&self) -> bool {
        self.sessions.values().chain(self.users.values().map(|(_, logged)| logged)).all(|logged| *logged == Logged::Yes)
    }

    async fn try_again(&mut self, to: &Terminations) {
        let was_logged = self.is_logged();
        let mut failed = None;
        for (session_id, logged) in self.sessions.clone() {
            match to.end_again(session_id, logged).await {
                Ok(Again::Done) => drop(self.sessions.remove(&session_id)),
                Ok(Again::NotKnown) => drop(self.sessions.insert(session_id, Logged::Yes)),
                Err(error) => failed = Some(error),
            }
        }
        for (user_id, (epoch, logged)) in self.users.clone() {
            match to.raise_again(epoch, logged).await {
                Ok(Again::Done) => drop(self.users.remove(&user_id)),
                Ok(Again::NotKnown) => drop(self.users.insert(user_id, (epoch, Logged::Yes))),
                Err(error) => failed = Some(error),
            }
        }
        let (sessions, users) = (self.sessions.len(), self.users.len());
        match failed {
            Some(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, sessions, users, "lost revocations restore failed");
            }
            None if sessions + users == 0 => tracing::info!("lost revocations restored"),
            None if was_logged => {}
            None => {
                tracing::warn!(sessions, users, "lost revocations restored in the log only: their users are unknown");
            }
        }
    }
}

/// What ending once more came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// The database knows it.
    Done,
    /// The database does not know whom it is about (yet), although it must be remembered. It is in the log.
    NotKnown,
}

impl Terminations {
    /// Ends a session once more.
    async fn end_again(&self, session_id: SessionId, logged: Logged) -> Result<Again, SessionsError> {
        let Some(row) = self.context.store.sessions().session(session_id).await? else {
            if !self.revocations.list().has_ended(session_id) {
                return Ok(Again::Done);
            }
            // Nobody remembers whose it was, and nobody needs to know to refuse it.
            let subject = RevokedSubject::Session(session_id);
            return self.log_again(UserId(Uuid::nil()), subject, logged).await;
        };
        if row.end.is_none() {
            self.end_by_memory(Selection::One { user_id: row.user_id, session_id }).await?;
        }
        Ok(Again::Done)
    }

    /// Only where the database has forgotten it: tokens of a lower epoch would otherwise be refused here and made anew
    /// for ever. Sessions end where that was what the epoch was raised for.
    async fn raise_again(&self, lost: LostEpoch, logged: Logged) -> Result<Again, SessionsError> {
        let LostEpoch { user_id, least, least_by_end } = lost;
        let Some(user) = self.context.store.accounts().user_by_id(user_id).await? else {
            if self.revocations.list().least_epoch(user_id).is_none() {
                return Ok(Again::Done);
            }
            return self.log_again(user_id, RevokedSubject::Epoch(least), logged).await;
        };
        if user.epoch >= least {
            return Ok(Again::Done);
        }
        if user.epoch < least_by_end {
            self.end_by_memory(Selection::All { user_id }).await?;
        }
        let now = self.context.now();
        let remember_until = self.lifetimes.remember_until(now);
        if let Some(raised) =
            self.context.store.revocations().raise_epoch_to(user_id, least, now, remember_until).await?
        {
            self.revocations.add(raised);
        }
        Ok(Again::Done)
    }

    /// So that servers that start from now on refuse it too.
    async fn log_again(
        &self,
        user_id: UserId,
        subject: RevokedSubject,
        logged: Logged,
    ) -> Result<Again, SessionsError> {
        if logged == Logged::NotYet {
            let now = self.context.now();
            let until = self.lifetimes.remember_until(now);
            let row = self.context.store.revocations().log_revocation(user_id, subject, now, until).await?;
            self.revocations.add(row);
        }
        Ok(Again::NotKnown)
    }

    async fn end_by_memory(&self, selection: Selection) -> Result<Ending, SessionsError> {
        let now = self.context.now();
        let command = EndCommand {
            client_reason: Some(NOTE.to_owned()),
            ..EndCommand::new(selection, EndReason::AdminRevoked, now, self.lifetimes.remember_until(now))
        };
        Ok(self.end_queue.end(command, None, Force::Full).await?)
    }
}
