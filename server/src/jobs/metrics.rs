//! What Prometheus is shown of jobs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::JobKind;
use crate::metrics::{Exposition, Family, Instrument, Kind, Label, LabelNames, labels, metrics};
use crate::store::JobCount;

metrics! {
    /// What is counted of jobs.
    pub struct JobMetrics {
        /// Jobs in the queue of all servers, by how they are.
        jobs: JobGauges = "latchkey_jobs",
        /// Runs of jobs on this server, by what they came to.
        runs: JobRuns = "latchkey_job_runs_total",
    }
}

labels! {
    /// How a job is.
    JobState = "state" {
        /// Not run yet, or to be tried again.
        Waiting = "waiting",
        /// Under way.
        Running = "running",
        /// Given up.
        Dead = "dead",
    }

    /// What a run came to.
    JobOutcome = "outcome" {
        /// The work was done.
        Done = "done",
        /// It failed, and is tried again.
        Failed = "failed",
        /// It failed, and is given up.
        Dead = "dead",
        /// It was not run: it came too late.
        Expired = "expired",
    }
}

/// The kinds there are; which these are depends on the areas.
const KIND_LABEL: LabelNames = LabelNames { name: "kind", values: &[] };

/// A number for each kind and each value of a label.
#[derive(Default)]
struct ByKind(Mutex<BTreeMap<&'static str, Vec<u64>>>);

impl ByKind {
    fn numbers(&self) -> MutexGuard<'_, BTreeMap<&'static str, Vec<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn declare<L: Label>(&self, kinds: &[JobKind]) {
        let none = kinds.iter().map(|kind| (kind.name, vec![0; L::VALUES.len()]));
        self.numbers().extend(none);
    }

    fn write<L: Label>(&self, family: &'static Family, text: &mut Exposition) {
        for (kind, numbers) in self.numbers().iter() {
            for (value, number) in L::VALUES.iter().zip(numbers) {
                text.sample(family, &[(KIND_LABEL.name, *kind), (L::NAME, *value)], number);
            }
        }
    }
}

/// Jobs of each kind, by how they are.
#[derive(Default)]
pub struct JobGauges(ByKind);

impl Instrument for JobGauges {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [LabelNames] = &[KIND_LABEL, LabelNames::of::<JobState>()];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        self.0.write::<JobState>(family, text);
    }
}

/// Runs of each kind, by what they came to.
#[derive(Default)]
pub struct JobRuns(ByKind);

impl Instrument for JobRuns {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [LabelNames] = &[KIND_LABEL, LabelNames::of::<JobOutcome>()];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        self.0.write::<JobOutcome>(family, text);
    }
}

impl JobMetrics {
    /// Shows these kinds, with nothing yet.
    pub fn declare(&self, kinds: &[JobKind]) {
        self.jobs.0.declare::<JobState>(kinds);
        self.runs.0.declare::<JobOutcome>(kinds);
    }

    /// So many there are now.
    pub fn set(&self, counts: &[JobCount]) {
        let numbers = counts.iter().map(|count| (count.kind, vec![count.waiting, count.running, count.dead]));
        self.jobs.0.numbers().extend(numbers);
    }

    /// A job of this kind was run.
    pub fn ran(&self, kind: &'static str, outcome: JobOutcome) {
        if let Some(numbers) = self.runs.0.numbers().get_mut(kind) {
            numbers[outcome.index()] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{JobError, Rest, RunJob};
    use crate::metrics::Group as _;
    use crate::store::Job;

    struct Idle;

    #[async_trait::async_trait]
    impl RunJob for Idle {
        async fn run(&self, _job: &Job) -> Result<Rest, JobError> {
            Ok(None)
        }
    }

    #[test]
    fn every_kind_is_shown_from_the_beginning_with_how_its_jobs_are() {
        let metrics = JobMetrics::default();
        metrics.declare(&[JobKind::new("mail", Idle), JobKind::new("digest", Idle)]);
        metrics.set(&[JobCount { kind: "mail", waiting: 3, running: 1, dead: 2 }]);
        metrics.ran("mail", JobOutcome::Failed);
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        for line in [
            "latchkey_jobs{kind=\"digest\",state=\"dead\"} 0",
            "latchkey_jobs{kind=\"mail\",state=\"waiting\"} 3",
            "latchkey_jobs{kind=\"mail\",state=\"running\"} 1",
            "latchkey_jobs{kind=\"mail\",state=\"dead\"} 2",
            "latchkey_job_runs_total{kind=\"mail\",outcome=\"done\"} 0",
            "latchkey_job_runs_total{kind=\"mail\",outcome=\"failed\"} 1",
            "latchkey_job_runs_total{kind=\"mail\",outcome=\"expired\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }
}
