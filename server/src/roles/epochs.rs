//! Changes of roles that many hold: the epochs of their holders rise in a job, a batch at a time, so that no sign-out
//! waits for all of them. Until its turn comes, a token from before is good for what it says.
//!
//! What has risen stays so: a batch that comes twice has tokens refreshed once more, and does no harm.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::domain::UserId;
use uuid::Uuid;

use super::Roles;
use crate::jobs::{JobError, JobKind, Rest, RunJob};
use crate::store::{Job, NewJob, Priority, StoreError};

/// The kind of its jobs.
const KIND: &str = "role_epochs";
/// Holders whose epochs rise in one transaction.
const BATCH: i64 = 1000;
/// How long a job goes on before it leaves the rest to the next.
const RUNS_FOR: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Payload {
    /// Roles whose holders are left.
    roles: Vec<String>,
    /// The last holder of the first of them whose epoch has risen.
    #[serde(default)]
    after: Option<UserId>,
}

/// Raises the epochs of the holders of roles.
struct RoleEpochs {
    roles: Arc<Roles>,
}

/// The kind of jobs that raise epochs.
pub fn kind(roles: Arc<Roles>) -> JobKind {
    JobKind::new(KIND, RoleEpochs { roles })
}

/// What a job must know that raises the epochs of all holders of these roles.
pub fn payload(roles: &[&str]) -> String {
    written(&Payload { roles: roles.iter().map(|role| (*role).to_owned()).collect(), after: None })
}

fn written(payload: &Payload) -> String {
    serde_json::to_string(payload).unwrap_or_default()
}

#[async_trait::async_trait]
impl RunJob for RoleEpochs {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        let payload: Result<Payload, _> = serde_json::from_str(&job.payload);
        let payload = payload.map_err(|error| JobError::permanent("unreadable", error))?;
        let raised = self.roles.raise_epochs(payload).await;
        raised.map_err(|error| JobError::temporary("the database cannot be used", error))?;
        Ok(None)
    }
}

impl Roles {
    /// A job of this payload, due now.
    pub(super) fn epochs_job(&self, payload: String) -> NewJob {
        NewJob {
            id: self.context.new_id(),
            kind: KIND,
            payload,
            concerns: None,
            lane: String::new(),
            priority: Priority::Urgent,
            at: self.context.now(),
            expires_at: None,
        }
    }

    async fn raise_epochs(&self, payload: Payload) -> Result<(), StoreError> {
        let Payload { mut roles, mut after } = payload;
        let stop_at = self.context.clock.monotonic() + RUNS_FOR;
        while !roles.is_empty() {
            if self.context.clock.monotonic() >= stop_at {
                let rest = self.epochs_job(written(&Payload { roles, after }));
                return self.context.store.jobs().enqueue(&rest).await;
            }
            let (at, remember_until) = self.times();
            let from = after.unwrap_or(UserId(Uuid::nil()));
            let raised = self.context.store.roles().raise_epochs_of(&roles[0], from, BATCH, at, remember_until).await?;
            self.put_in_force(raised.revocations);
            after = raised.last;
            if after.is_none() {
                roles.remove(0);
            }
        }
        Ok(())
    }
}
