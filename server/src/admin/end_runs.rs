//! Ends of sessions by rule that a job carries out, in batches, while its receipt fills in.
//!
//! A job runs for half a minute at the most and leaves the rest to the next one, so that little is done again where a
//! server vanishes. What has ended stays ended: a batch that comes twice ends nothing more.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use types::api::EndRule;
use types::domain::{ClientReason, SessionId, Timestamp, UserId};
use types::words::AuditAction;
use uuid::Uuid;

use super::permissions::SESSIONS_END;
use super::rule::SessionRule;
use super::sessions::{Place, Walk, Why};
use super::{Actor, Administration};
use crate::jobs::{JobError, JobKind, Rest, RunJob};
use crate::sessions::Sessions;
use crate::store::{EndOutcome, EndRunRow, Job, NewAudit, NewEndRun, NewJob, Origin, Priority, StoreError};

/// The kind of its jobs.
const KIND: &str = "end_by_rule";
/// How long a job goes on before it leaves the rest to the next.
const RUNS_FOR: Duration = Duration::from_secs(30);
/// How long sessions are counted before the first of them ends.
const COUNTS_FOR: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Payload {
    run: Uuid,
    /// Where the job before has got to.
    #[serde(default)]
    after: Option<Place>,
}

/// Carries out ends by rule.
struct EndRuns {
    administration: Arc<Administration>,
    sessions: Arc<Sessions>,
}

/// The kind of jobs that carry them out.
pub fn kind(administration: Arc<Administration>, sessions: Arc<Sessions>) -> JobKind {
    JobKind::new(KIND, EndRuns { administration, sessions })
}

#[async_trait::async_trait]
impl RunJob for EndRuns {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        let payload: Result<Payload, _> = serde_json::from_str(&job.payload);
        let payload = payload.map_err(|error| JobError::permanent("unreadable", error))?;
        let mut committed = |outcome: &EndOutcome| {
            self.sessions.revocations().put_in_force(outcome);
        };
        let carried_out = self.administration.carry_out(payload, &mut committed).await;
        carried_out.map_err(|error| JobError::temporary("the database cannot be used", error))?;
        Ok(None)
    }
}

impl Administration {
    /// Has sessions ended by a rule. What comes of it is in the receipt.
    pub async fn begin_end_run(
        &self,
        (user_id, session_id): (UserId, SessionId),
        origin: Origin,
        rule: &EndRule,
        words: Option<&ClientReason>,
    ) -> Result<EndRunRow, StoreError> {
        let client_reason = words.map(ToString::to_string);
        let id = self.context.new_id();
        let audit = NewAudit {
            actor_id: Some(user_id),
            session_id: Some(session_id),
            client_reason: client_reason.clone(),
            // Nothing that must be wiped in time, such as an address.
            detail: Some(json!({ "run": id, "by": parts_of(rule) }).to_string()),
            ..self.context.audit(AuditAction::EndByRuleRequested, &origin)
        };
        let run = NewEndRun {
            id,
            actor_id: user_id,
            session_id,
            rule: serde_json::to_string(rule).unwrap_or_default(),
            client_reason,
            origin,
            at: self.context.now(),
        };
        let job = self.job(&Payload { run: id, after: None });
        self.context.store.admin().begin_end_run(&run, &job, &audit).await?;
        Ok(EndRunRow { run, begun_at: None, finished_at: None, was_stopped: false, total: None, ended: 0 })
    }

    /// How far an end by rule has got.
    pub async fn end_run(&self, id: Uuid) -> Result<Option<EndRunRow>, StoreError> {
        self.context.store.admin().end_run(id).await
    }

    /// Ends by rule, the newest first: those before this moment and id.
    pub async fn end_runs(&self, before: Option<(Timestamp, Uuid)>, limit: i64) -> Result<Vec<EndRunRow>, StoreError> {
        self.context.store.admin().end_runs(before, limit).await
    }

    fn job(&self, payload: &Payload) -> NewJob {
        NewJob {
            id: self.context.new_id(),
            kind: KIND,
            payload: serde_json::to_string(payload).unwrap_or_default(),
            concerns: None,
            lane: String::new(),
            priority: Priority::Urgent,
            at: self.context.now(),
            expires_at: None,
        }
    }

    /// Goes on with an end by rule. Whoever asked for it may have lost the permission meanwhile: then it is over.
    async fn carry_out(
        &self,
        payload: Payload,
        committed: &mut (dyn FnMut(&EndOutcome) + Send),
    ) -> Result<(), StoreError> {
        let Payload { run: id, after } = payload;
        let store = self.context.store.admin();
        let Some(row) = store.end_run(id).await?.filter(|row| row.finished_at.is_none()) else { return Ok(()) };
        let run = &row.run;
        let who_asked = async || self.actor(run.actor_id, run.session_id, run.origin.clone(), SESSIONS_END).await;
        let stop = async || store.stop_end_run(id, self.context.now()).await;
        let rule: Option<EndRule> = serde_json::from_str(&run.rule).ok();
        let Some(rule) = rule.as_ref().and_then(SessionRule::of) else { return stop().await };
        let Some(actor) = who_asked().await? else { return stop().await };
        let mut walk = self.count_run(&row, &actor, &rule, Walk::begun(run.at, after)).await?;
        let why = Why { words: run.client_reason.as_deref(), run: Some(id) };
        let stop_at = self.context.clock.monotonic() + RUNS_FOR;
        let at_once = self.context.store.batches_at_once();
        while self.context.clock.monotonic() < stop_at {
            let Some(actor) = who_asked().await? else { return stop().await };
            if !self.end_pages(&actor, &rule, why, &mut walk, at_once, committed).await? {
                return store.finish_end_run(id, self.context.now()).await;
            }
        }
        let rest = self.job(&Payload { run: id, after: walk.into_place() });
        self.context.store.jobs().enqueue(&rest).await
    }

    /// Notes that it has begun, and how many sessions are to end, unless that is known. Gives the walk that ends them,
    /// with the newest of what is left.
    async fn count_run(
        &self,
        row: &EndRunRow,
        actor: &Actor,
        rule: &SessionRule,
        walk: Walk,
    ) -> Result<Walk, StoreError> {
        let (store, id) = (self.context.store.admin(), row.run.id);
        store.note_end_run(id, self.context.now(), None).await?;
        let stop_at = self.context.clock.monotonic() + COUNTS_FOR;
        let (preview, walk) = self.count_and_keep(actor, rule, stop_at, walk).await?;
        let total = preview.is_complete.then_some(row.ended + preview.sessions);
        store.note_end_run(id, self.context.now(), total).await?;
        Ok(walk)
    }
}

/// The names of what a rule says.
fn parts_of(rule: &EndRule) -> Vec<&'static str> {
    let EndRule { user, network, client, place, signed_in_before, all: _ } = rule;
    let parts = [
        ("user", user.is_some()),
        ("network", network.is_some()),
        ("client", client.is_some()),
        ("place", place.is_some()),
        ("signedInBefore", signed_in_before.is_some()),
    ];
    parts.into_iter().filter(|(_, is_said)| *is_said).map(|(name, _)| name).collect()
}
