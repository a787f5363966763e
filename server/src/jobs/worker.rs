//! The worker: takes jobs of every kind from the queue and runs them.
//!
//! Jobs run beside each other, each as soon as there is a place for it. A kind may have lanes, each with a few places
//! on all servers, so that a slow one holds up no other. Urgent jobs go first, and never wait for the others.

use std::collections::HashMap;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Backoff, JobError, JobKind, JobMetrics, JobOutcome, Rest, Schedule, every};
use crate::clock::Clock;
use crate::context::Context;
use crate::random::{Random, uuid_v7};
use crate::store::{Job, JobCapacity, JobLease, Store, StoreError};

/// How often the queue is polled; a job that is enqueued on this server is taken at once.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How often the jobs there are are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);
/// How long to wait before the queue is polled again that could not be read.
const READ_RETRY: Backoff = Backoff::doubling(POLL_INTERVAL, Duration::from_secs(4));
/// How often it is tried to write what became of a job, and how long to wait in between: altogether for no longer than
/// its lease outlasts its run.
const STATUS_TRIES: u32 = 20;
const STATUS_RETRY: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(2));
/// How long jobs under way may take once the server stops, then writing what became of those that are done, and then
/// giving the others back.
const LAST_RUNS: Duration = Duration::from_secs(2);
const LAST_STATUS: Duration = Duration::from_secs(1);
const LAST_RELEASE: Duration = Duration::from_secs(1);

pub struct Worker {
    /// Where the queue is.
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// For the tokens of leases, and the spread of retries.
    pub random: Arc<dyn Random>,
    /// Counts jobs and runs.
    pub metrics: Arc<JobMetrics>,
    /// What is run; jobs of other kinds stay where they are.
    pub kinds: Vec<JobKind>,
}

impl Worker {
    /// A worker for jobs of these kinds.
    pub fn new(context: &Context, kinds: Vec<JobKind>) -> Self {
        let Context { store, clock, random, metrics, .. } = context;
        let metrics = metrics.group::<JobMetrics>();
        metrics.declare(&kinds);
        Self { store: store.clone(), clock: Arc::clone(clock), random: Arc::clone(random), metrics, kinds }
    }

    /// Runs jobs, and counts those there are, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let (worker, stop) = (&self, &stop);
        let counting = every(Schedule::every("job counts", COUNT_INTERVAL).at_once(), stop, || worker.count());
        tokio::join!(worker.work(stop), counting);
    }

    async fn work(&self, stop: &CancellationToken) {
        let enqueued = self.store.jobs().enqueued();
        let mut under_way = UnderWay::default();
        let mut pauses = READ_RETRY.pauses();
        while !stop.is_cancelled() {
            let taken = self.take(&mut under_way).await;
            if taken.is_ok() {
                pauses.reset();
            }
            let pause = match taken {
                Ok(true) => continue,
                Ok(false) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "job queue read failed");
                    pauses.next_pause()
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = enqueued.notified() => {}
                () = tokio::time::sleep(pause) => {}
                // A place is free.
                Some(ended) = under_way.runs.next() => under_way.end(ended),
            }
        }
        self.finish(under_way).await;
    }

    /// Takes what is due and finds a place, and starts it. Says whether there may be more.
    async fn take<'a>(&'a self, under_way: &mut UnderWay<'a>) -> Result<bool, StoreError> {
        let wanted: Vec<JobCapacity> =
            self.kinds.iter().filter_map(|kind| kind.capacity(under_way.count(kind.name))).collect();
        if wanted.is_empty() {
            return Ok(false);
        }
        let token = uuid_v7(&*self.clock, &*self.random);
        let jobs = under_way.beside(self.store.jobs().lease_jobs(self.clock.now(), token, &wanted)).await?;
        let is_full = |capacity: &JobCapacity| {
            let leased = jobs.iter().filter(|job| job.kind == capacity.kind).count();
            i64::try_from(leased).is_ok_and(|leased| leased == capacity.places)
        };
        let more = wanted.iter().any(is_full);
        for job in jobs {
            let Some(kind) = self.kinds.iter().find(|kind| kind.name == job.kind) else { continue };
            let lease = JobLease { id: job.id, token };
            under_way.leases.insert(job.id, (kind.name, lease));
            under_way.runs.push(Box::pin(self.execute(kind, job, lease, under_way.interrupt.clone())));
        }
        Ok(more)
    }

    /// Runs a job, and writes what became of it. Once its run is done, nothing interrupts the writing: the work would
    /// be done twice.
    async fn execute(&self, kind: &JobKind, job: Job, lease: JobLease, interrupt: CancellationToken) -> Ended {
        let ran = tokio::select! {
            biased;
            ran = kind.run(&job, self.clock.now()) => ran,
            () = interrupt.cancelled() => return Ended { id: job.id, interrupted: true },
        };
        let ended = Ended { id: job.id, interrupted: false };
        let status = self.judge(kind, &job, ran);
        // What is not written is run again.
        let mut pauses = STATUS_RETRY.pauses();
        for _ in 0..STATUS_TRIES {
            match self.write(lease, &status).await {
                Ok(true) => return ended,
                Ok(false) => {
                    tracing::debug!(kind = kind.name, job = %job.id, "job deleted, or taken by another server");
                    return ended;
                }
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, kind = kind.name, job = %job.id, "job status write failed");
                }
            }
            tokio::time::sleep(pauses.next_pause()).await;
        }
        tracing::warn!(kind = kind.name, job = %job.id, attempts = job.attempts, "job status write abandoned");
        ended
    }

    /// What becomes of a job by what its run came to.
    fn judge(&self, kind: &JobKind, job: &Job, ran: Result<Rest, JobError>) -> Status {
        let error = match ran {
            Ok(rest) => {
                self.metrics.ran(kind.name, JobOutcome::Done);
                return Status::Done(rest);
            }
            Err(error) => error,
        };
        let (id, attempts) = (job.id, job.attempts);
        if matches!(error, JobError::Expired) {
            tracing::info!(kind = kind.name, job = %id, attempts, "job expired");
            self.metrics.ran(kind.name, JobOutcome::Expired);
            // Nobody needs it any more: nothing of it stays.
            return Status::Done(None);
        }
        if error.was_run() {
            kind.count_failure();
        }
        let why = error.to_string();
        if kind.gives_up(job, &error) {
            tracing::warn!(error = &error as &dyn Error, kind = kind.name, job = %id, attempts, "job dead");
            self.metrics.ran(kind.name, JobOutcome::Dead);
            Status::Dead { rest: kind.rest_of_dead(job), why }
        } else {
            kind.log_failure(job, &error);
            self.metrics.ran(kind.name, JobOutcome::Failed);
            let pause = kind.backoff.spread_after(attempts.saturating_sub(1), &*self.random);
            Status::Retry { pause, why }
        }
    }

    /// False where the job is not this server's any more.
    async fn write(&self, lease: JobLease, status: &Status) -> Result<bool, StoreError> {
        let (jobs, now) = (self.store.jobs(), self.clock.now());
        match status {
            Status::Done(rest) => jobs.complete_job(lease, now, rest.as_deref()).await,
            Status::Retry { pause, why } => jobs.retry_job(lease, now.plus(*pause), why).await,
            Status::Dead { rest, why } => jobs.bury_job(lease, now, rest.as_deref(), why).await,
        }
    }

    /// Lets jobs under way finish for a moment, and gives back what does not.
    async fn finish(&self, mut under_way: UnderWay<'_>) {
        if tokio::time::timeout(LAST_RUNS, under_way.drain()).await.is_ok() {
            return;
        }
        under_way.interrupt.cancel();
        if tokio::time::timeout(LAST_STATUS, under_way.drain()).await.is_err() {
            // They are not given back: their work is done, and only the end of their leases brings them up again.
            tracing::warn!(count = under_way.leases.len(), "job status writes abandoned: server stops");
        }
        // One of them may be in the middle of a transaction, and lets go of its connection.
        under_way.runs.clear();
        if under_way.interrupted.is_empty() {
            return;
        }
        tracing::warn!("jobs interrupted: another server runs them, perhaps once more");
        let releasing = self.store.jobs().release_jobs(&under_way.interrupted, self.clock.now());
        match tokio::time::timeout(LAST_RELEASE, releasing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = &error as &dyn Error, "job release failed"),
            Err(_) => tracing::warn!(why = "timed out", "job release failed"),
        }
    }

    async fn count(&self) -> Result<(), StoreError> {
        let kinds: Vec<&'static str> = self.kinds.iter().map(|kind| kind.name).collect();
        self.metrics.set(&self.store.jobs().count_jobs(&kinds, self.clock.now()).await?);
        Ok(())
    }
}

/// What is written of a job that was run.
enum Status {
    Done(Rest),
    Retry { pause: Duration, why: String },
    Dead { rest: Rest, why: String },
}

/// A job that is not under way here any more.
struct Ended {
    id: Uuid,
    /// Its run was not done when the server stopped.
    interrupted: bool,
}

/// The jobs that this server holds, each with its kind, and their runs.
#[derive(Default)]
struct UnderWay<'a> {
    runs: FuturesUnordered<BoxFuture<'a, Ended>>,
    leases: HashMap<Uuid, (&'static str, JobLease)>,
    /// Ends the runs that are not done.
    interrupt: CancellationToken,
    interrupted: Vec<JobLease>,
}

impl UnderWay<'_> {
    /// How many there are of a kind.
    fn count(&self, kind: &str) -> usize {
        self.leases.values().filter(|(held, _)| *held == kind).count()
    }

    /// A run has ended.
    fn end(&mut self, Ended { id, interrupted }: Ended) {
        let held = self.leases.remove(&id);
        self.interrupted.extend(held.filter(|_| interrupted).map(|(_, lease)| lease));
    }

    /// Waits until all runs have ended.
    async fn drain(&mut self) {
        while let Some(ended) = self.runs.next().await {
            self.end(ended);
        }
    }

    /// Waits for `work` while runs go on. One of them may be writing what became of it, in the middle of a
    /// transaction: left alone, it would withhold the only connection that can write from the very work that is waited
    /// for.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                Some(ended) = self.runs.next() => self.end(ended),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::kind::LEASE_MARGIN;

    #[test]
    fn a_status_is_tried_while_the_lease_lasts() {
        let pauses: Duration = (0..STATUS_TRIES).map(|failures| STATUS_RETRY.after(failures)).sum();
        // Each try takes some time itself.
        assert!(pauses <= LEASE_MARGIN / 2, "{pauses:?}");
    }

    #[tokio::test]
    async fn a_run_that_holds_what_the_next_poll_waits_for_goes_on() {
        let connection = tokio::sync::Mutex::new(());
        let mut under_way = UnderWay::default();
        under_way.runs.push(Box::pin(async {
            let held = connection.lock().await;
            tokio::task::yield_now().await;
            drop(held);
            Ended { id: Uuid::nil(), interrupted: false }
        }));
        // It has begun, and holds the connection.
        assert!(futures::poll!(under_way.runs.next()).is_pending());
        under_way.beside(async { drop(connection.lock().await) }).await;
    }
}
