//! Kinds of jobs: what an area says of work that the queue runs for it.

use std::borrow::Cow;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use types::domain::Timestamp;

use super::Backoff;
use crate::store::{Job, JobCapacity};

/// How much longer a lease is than a run may be: the time to write what became of it.
pub(super) const LEASE_MARGIN: Duration = Duration::from_secs(80);

/// The payload of a dead job whose own may not be stored: it only shows that there was one.
pub const EMPTY_PAYLOAD: &str = "{}";

/// A kind of jobs: who runs them, and how.
#[derive(Clone)]
pub struct JobKind {
    /// Its name, which its jobs carry.
    pub name: &'static str,
    /// Runs one of them.
    pub runner: Arc<dyn RunJob>,
    /// After so many attempts a job is given up.
    pub attempts: u32,
    /// How long it waits after each.
    pub backoff: Backoff,
    /// How long a run may take.
    pub time_limit: Duration,
    /// How many run at once.
    pub concurrency: Concurrency,
}

/// Runs the jobs of a kind.
#[async_trait::async_trait]
pub trait RunJob: Send + Sync {
    /// Does the work. It may be done twice: a server that vanishes says nothing of what it has done. Gives what stays
    /// of the job.
    async fn run(&self, job: &Job) -> Result<Rest, JobError>;

    /// What stays of a job that is given up. A payload with secrets or personal data goes, and [`EMPTY_PAYLOAD`] stays;
    /// `None` only where not even that there was a job may be known.
    fn rest_of_dead(&self, job: &Job) -> Rest {
        Some(job.payload.clone())
    }

    /// A run has failed: the kind may count it.
    fn count_failure(&self) {}

    /// Says in the log that a run has failed and is tried again, where the kind has words of its own for it.
    fn log_failure(&self, job: &Job, error: &JobError) {
        let (kind, id, attempts, error) = (&job.kind, job.id, job.attempts, error as &dyn Error);
        tracing::warn!(error, kind, job = %id, attempts, "job failed");
    }
}

/// The payload that stays of a job once it has ended. `None` where nothing of the job stays.
pub type Rest = Option<String>;

/// Why a run failed. The words are kept with the job, and name nobody.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Another run may succeed.
    #[error("{why}")]
    Temporary {
        /// In a few words.
        why: Cow<'static, str>,
        /// What happened, where it names nobody: it is logged.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// No other run will succeed.
    #[error("{why}")]
    Permanent {
        /// In a few words.
        why: Cow<'static, str>,
        /// What happened, where it names nobody: it is logged.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// It took longer than its kind allows.
    #[error("took too long")]
    TooSlow,
    /// There is a bug in it.
    #[error("panicked")]
    Panicked,
    /// It was not run any more: it came too late.
    #[error("expired")]
    Expired,
    /// It was not run any more: its servers have vanished while they ran it, as often as its kind allows attempts.
    #[error("never finished")]
    NeverFinished,
}

impl JobError {
    /// Another run may succeed.
    pub fn temporary(why: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Temporary { why: why.into(), source: Some(source.into()) }
    }

    /// No other run will succeed.
    pub fn permanent(why: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Permanent { why: why.into(), source: Some(source.into()) }
    }

    /// Whether another run may succeed.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary { .. } | Self::TooSlow | Self::Panicked)
    }

    /// Whether the job was run at all.
    pub const fn was_run(&self) -> bool {
        !matches!(self, Self::Expired | Self::NeverFinished)
    }
}

impl JobKind {
    /// A kind with the usual limits: ten attempts in about an hour, a minute for each run, eight at once.
    pub fn new(name: &'static str, runner: impl RunJob + 'static) -> Self {
        Self {
            name,
            runner: Arc::new(runner),
            attempts: 10,
            backoff: Backoff::doubling(Duration::from_secs(10), Duration::from_mins(30)),
            time_limit: Duration::from_mins(1),
            concurrency: Concurrency { all: 8, urgent_only: 2, a_lane: 8, normal_a_lane: 8 },
        }
    }

    /// How many a server takes while so many are under way here.
    pub fn capacity(&self, under_way: usize) -> Option<JobCapacity> {
        let (places, normal) = self.concurrency.free(under_way)?;
        let Concurrency { a_lane, normal_a_lane, .. } = self.concurrency;
        Some(JobCapacity {
            kind: self.name,
            lease: self.time_limit + LEASE_MARGIN,
            places,
            normal,
            a_lane,
            normal_a_lane,
        })
    }

    /// Runs a job. A panic and a run that takes too long are failures like others.
    pub async fn run(&self, job: &Job, now: Timestamp) -> Result<Rest, JobError> {
        if job.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(JobError::Expired);
        }
        if job.attempts > self.attempts {
            return Err(JobError::NeverFinished);
        }
        let run = AssertUnwindSafe(self.runner.run(job)).catch_unwind();
        match tokio::time::timeout(self.time_limit, run).await {
            Ok(Ok(ran)) => ran,
            Ok(Err(_)) => Err(JobError::Panicked),
            Err(_) => Err(JobError::TooSlow),
        }
    }

    /// Has a failure counted. A panic is in the log anyway.
    pub fn count_failure(&self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.runner.count_failure()));
    }

    /// Says in the log that a run has failed and is tried again.
    pub fn log_failure(&self, job: &Job, error: &JobError) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.runner.log_failure(job, error)));
    }

    /// What stays of a job that is given up: no payload where the kind panics.
    pub fn rest_of_dead(&self, job: &Job) -> Rest {
        let rest = catch_unwind(AssertUnwindSafe(|| self.runner.rest_of_dead(job)));
        rest.unwrap_or_else(|_| Some(EMPTY_PAYLOAD.to_owned()))
    }

    /// Whether a job is given up after this failure.
    pub const fn gives_up(&self, job: &Job, error: &JobError) -> bool {
        !error.is_temporary() || job.attempts >= self.attempts
    }
}

/// How many jobs of a kind run at once.
#[derive(Clone, Copy, Debug)]
pub struct Concurrency {
    /// So many on a server.
    pub all: usize,
    /// Of these, so many for urgent ones only.
    pub urgent_only: usize,
    /// So many of one lane, on all servers.
    pub a_lane: i64,
    /// Of these, so many that nobody waits for.
    pub normal_a_lane: i64,
}

impl Concurrency {
    /// How many are taken while so many are under way, and whether normal ones are among them: these leave some places
    /// free for urgent ones.
    fn free(&self, under_way: usize) -> Option<(i64, bool)> {
        let free = self.all.saturating_sub(under_way);
        let normal = free > self.urgent_only;
        let places = if normal { free - self.urgent_only } else { free };
        let places = i64::try_from(places).ok().filter(|places| *places > 0)?;
        Some((places, normal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    /// A job goes as its payload says.
    struct ByPayload;

    #[async_trait::async_trait]
    impl RunJob for ByPayload {
        async fn run(&self, job: &Job) -> Result<Rest, JobError> {
            match job.payload.as_str() {
                "panic" => panic!("on purpose"),
                "hang" => std::future::pending().await,
                "refuse" => Err(JobError::permanent("refused", "no such thing")),
                "fail" => Err(JobError::temporary("away", "nobody answers")),
                _ => Ok(None),
            }
        }

        fn rest_of_dead(&self, _job: &Job) -> Rest {
            panic!("on purpose")
        }

        fn count_failure(&self) {
            panic!("on purpose")
        }

        fn log_failure(&self, _job: &Job, _error: &JobError) {
            panic!("on purpose")
        }
    }

    fn job(payload: &str, attempts: u32) -> Job {
        Job {
            id: Uuid::nil(),
            kind: "test".to_owned(),
            payload: payload.to_owned(),
            concerns: None,
            attempts,
            created_at: NOW,
            expires_at: None,
            last_error: None,
            done_at: None,
            dead_at: None,
        }
    }

    fn kind() -> JobKind {
        JobKind { attempts: 3, time_limit: Duration::from_millis(1), ..JobKind::new("test", ByPayload) }
    }

    #[tokio::test]
    async fn a_panic_and_a_run_that_takes_too_long_are_failures_like_others() {
        for (payload, why, gives_up) in [
            ("panic", "panicked", false),
            ("hang", "took too long", false),
            ("fail", "away", false),
            ("refuse", "refused", true),
        ] {
            let job = job(payload, 1);
            let error = kind().run(&job, NOW).await.expect_err("a failure");
            assert_eq!((error.to_string().as_str(), kind().gives_up(&job, &error)), (why, gives_up));
        }
        assert!(matches!(kind().run(&job("work", 1), NOW).await, Ok(None)));
    }

    #[test]
    fn a_panic_while_a_failure_is_judged_leaves_a_dead_job_without_payload() {
        let job = job("refuse", 1);
        kind().count_failure();
        kind().log_failure(&job, &JobError::Panicked);
        assert_eq!(kind().rest_of_dead(&job).as_deref(), Some(EMPTY_PAYLOAD));
    }

    #[tokio::test]
    async fn a_job_that_has_expired_is_not_run_and_one_that_failed_often_enough_is_given_up() {
        let late = Job { expires_at: Some(NOW), ..job("panic", 1) };
        let error = kind().run(&late, NOW).await.expect_err("too late");
        assert!(matches!(error, JobError::Expired) && kind().gives_up(&late, &error));

        for (attempts, gives_up) in [(1, false), (2, false), (3, true)] {
            let job = job("fail", attempts);
            let error = kind().run(&job, NOW).await.expect_err("a failure");
            assert_eq!(kind().gives_up(&job, &error), gives_up, "{attempts}");
        }
    }

    #[tokio::test]
    async fn a_job_that_was_never_finished_is_not_run_once_more_than_its_kind_allows() {
        for attempts in [4, u32::MAX] {
            let job = job("work", attempts);
            let error = kind().run(&job, NOW).await.expect_err("given up");
            assert_eq!(error.to_string(), "never finished");
            assert!(kind().gives_up(&job, &error) && !error.was_run());
        }
    }

    #[test]
    fn notices_never_take_the_last_places() {
        let concurrency = Concurrency { all: 48, urgent_only: 16, a_lane: 4, normal_a_lane: 2 };
        assert_eq!(concurrency.free(0), Some((32, true)));
        assert_eq!(concurrency.free(31), Some((1, true)));
        assert_eq!(concurrency.free(32), Some((16, false)));
        assert_eq!(concurrency.free(47), Some((1, false)));
        assert_eq!(concurrency.free(48), None);
    }
}
