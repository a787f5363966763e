//! Closing the streams and sockets of a session that goes on. Its client opens them again.
//!
//! A server closes its own and notifies the others over the bus. Whoever runs commands beside the database has no bus,
//! and leaves it to a server by a job.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::domain::{SessionId, UserId};
use types::words::AuditAction;

use super::{Actor, AdminError, Administration, UserKey};
use crate::events::Events;
use crate::jobs::{JobError, JobKind, Rest, RunJob};
use crate::store::{Job, NewAudit, NewJob, Priority};

/// The kind of its jobs.
const KIND: &str = "disconnect";

#[derive(Serialize, Deserialize)]
struct Payload {
    session: SessionId,
}

/// Closes streams and sockets for those who have no bus.
struct Disconnects {
    events: Arc<Events>,
}

/// The kind of jobs that close them.
pub fn kind(events: Arc<Events>) -> JobKind {
    JobKind::new(KIND, Disconnects { events })
}

#[async_trait::async_trait]
impl RunJob for Disconnects {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        let payload: Result<Payload, _> = serde_json::from_str(&job.payload);
        let payload = payload.map_err(|error| JobError::permanent("unreadable", error))?;
        disconnect(&self.events, payload.session);
        Ok(None)
    }
}

fn disconnect(events: &Events, session: SessionId) {
    let closed = events.disconnect(session.into());
    tracing::info!(session = %session, closed, "session disconnected");
}

impl Administration {
    /// Closes the streams and sockets of a session here and, by the bus, everywhere.
    pub async fn disconnect_session(&self, actor: &Actor, id: SessionId) -> Result<(), AdminError> {
        let user = self.check_disconnect(actor, id).await?;
        self.context.store.audit().append_audit(&self.disconnect_audit(actor, id, user)).await?;
        disconnect(&self.context.events, id);
        Ok(())
    }

    /// Has a server do so.
    pub async fn have_session_disconnected(&self, actor: &Actor, id: SessionId) -> Result<(), AdminError> {
        let user = self.check_disconnect(actor, id).await?;
        let job = NewJob {
            id: self.context.new_id(),
            kind: KIND,
            payload: serde_json::to_string(&Payload { session: id }).unwrap_or_default(),
            concerns: None,
            lane: String::new(),
            priority: Priority::Urgent,
            at: self.context.now(),
            expires_at: None,
        };
        self.context.store.audit().append_audit(&self.disconnect_audit(actor, id, user)).await?;
        Ok(self.context.store.jobs().enqueue(&job).await?)
    }

    /// Whose session it is, where whoever asks may touch them.
    async fn check_disconnect(&self, actor: &Actor, id: SessionId) -> Result<UserId, AdminError> {
        let session = self.session(id).await?;
        self.check_reach(actor, &self.user(&UserKey::Id(session.user_id)).await?)?;
        Ok(session.user_id)
    }

    fn disconnect_audit(&self, actor: &Actor, id: SessionId, user: UserId) -> NewAudit {
        NewAudit { session_id: Some(id), ..self.audit(actor, AuditAction::SessionDisconnected, user) }
    }
}
