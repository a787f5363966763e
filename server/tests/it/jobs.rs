//! The worker, with jobs that record that they were run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey::clock::ManualClock;
use latchkey::jobs::{Backoff, JobError, JobKind, JobMetrics, Rest, RunJob, Worker};
use latchkey::random::OsRandom;
use latchkey::store::{Job, JobCapacity, NewJob, Priority, Store};
use rstest::rstest;
use sqlx::Connection as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::store::{Backend, CAPACITY, START, TestStore, lease};

const KIND: &str = "test";

/// What was run, by payload, on all servers, and what notifies those that wait for it before they finish.
#[derive(Clone, Default)]
struct Runs(Arc<Mutex<HashMap<String, u32>>>, Arc<Notify>);

impl Runs {
    fn of(&self, payload: &str) -> u32 {
        self.0.lock().expect("nobody panicked").get(payload).copied().unwrap_or_default()
    }

    fn all(&self) -> u32 {
        self.0.lock().expect("nobody panicked").values().sum()
    }

    /// Waits until so many have been run.
    async fn reach(&self, expected: u32) {
        let waiting = async {
            while self.all() < expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("in time");
    }
}

#[async_trait::async_trait]
impl RunJob for Runs {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        *self.0.lock().expect("nobody panicked").entry(job.payload.clone()).or_default() += 1;
        match job.payload.as_str() {
            "hang" => std::future::pending().await,
            "when notified" => {
                self.1.notified().await;
                Ok(None)
            }
            "panic" => panic!("on purpose"),
            "away" => Err(JobError::temporary("away", "nobody answers")),
            "fail once" if job.attempts == 1 => Err(JobError::temporary("away", "nobody answers")),
            _ => Ok(None),
        }
    }
}

fn kind(runs: &Runs) -> JobKind {
    let backoff = Backoff::doubling(Duration::ZERO, Duration::ZERO);
    JobKind { attempts: 3, backoff, ..JobKind::new(KIND, runs.clone()) }
}

fn worker(store: &Store, runs: &Runs) -> Worker {
    let (metrics, kinds) = (Arc::new(JobMetrics::default()), vec![kind(runs)]);
    metrics.declare(&kinds);
    let clock = Arc::new(ManualClock::at(START));
    Worker { store: store.clone(), clock, random: Arc::new(OsRandom), metrics, kinds }
}

async fn enqueues(store: &Store, payload: &str) {
    store.jobs().enqueue(&new_job(payload)).await.expect("queued");
}

fn new_job(payload: &str) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        kind: KIND,
        payload: payload.to_owned(),
        concerns: None,
        lane: String::new(),
        priority: Priority::Normal,
        at: START,
        expires_at: None,
    }
}

#[rstest]
#[tokio::test]
async fn servers_share_the_work_and_each_job_is_run_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    let another = store.another_server().await;
    let servers: [&Store; 2] = [&store, &another];
    let work = async {
        for number in 0..40 {
            enqueues(servers[number % 2], &number.to_string()).await;
        }
        runs.reach(40).await;
        stop.cancel();
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), worker(&another, &runs).run(stop.clone()), work);
    assert!((0..40).all(|number: usize| runs.of(&number.to_string()) == 1));
    assert!(store.jobs().recent_jobs(KIND, 100).await.expect("jobs").is_empty(), "nothing stays of them");
}

#[rstest]
#[tokio::test]
async fn a_job_that_fails_is_tried_again_and_one_that_fails_for_good_is_dead(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    let work = async {
        enqueues(&store, "fail once").await;
        enqueues(&store, "panic").await;
        runs.reach(5).await;
        stop.cancel();
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), work);
    assert_eq!((runs.of("fail once"), runs.of("panic")), (2, 3));
    let jobs = store.jobs().recent_jobs(KIND, 10).await.expect("jobs");
    let left: Vec<_> = jobs.iter().map(|job| (job.payload.as_str(), job.dead_at, job.last_error.as_deref())).collect();
    assert_eq!(left, [("panic", Some(START), Some("panicked"))]);
}

#[rstest]
#[tokio::test]
async fn what_does_not_finish_when_a_server_stops_is_due_for_the_others_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    let work = async {
        enqueues(&store, "hang").await;
        runs.reach(1).await;
        stop.cancel();
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), work);
    let (jobs, _) = lease(&store, START, JobCapacity { kind: KIND, ..CAPACITY }).await;
    let due: Vec<_> = jobs.iter().map(|job| (job.payload.as_str(), job.attempts)).collect();
    assert_eq!(due, [("hang", 1)], "the interrupted attempt does not count");
}

#[rstest]
#[tokio::test]
async fn a_job_that_no_server_has_ever_finished_is_given_up_without_being_run(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    enqueues(&store, "kills its server").await;
    // As often as the kind allows, a server has taken it and vanished. The last lease has run out at the start.
    for hours in (1..=3).rev() {
        let taken_at = START.minus(Duration::from_hours(hours));
        store.execute(&format!("UPDATE jobs SET due_at = {}", taken_at.as_millis())).await.expect("an hour passes");
        assert_eq!(lease(&store, taken_at, JobCapacity { kind: KIND, ..CAPACITY }).await.0.len(), 1);
    }
    let given_up = async {
        let waiting = async {
            while store.jobs().recent_jobs(KIND, 1).await.expect("jobs")[0].dead_at.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("in time");
        stop.cancel();
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), given_up);
    assert_eq!(runs.all(), 0);
    let jobs = store.jobs().recent_jobs(KIND, 1).await.expect("jobs");
    assert_eq!((jobs[0].attempts, jobs[0].last_error.as_deref()), (4, Some("never finished")));
}

#[tokio::test]
async fn what_is_done_when_a_server_stops_is_written_and_not_given_back() {
    let (store, runs, stop) = (TestStore::open(Backend::Postgres).await, Runs::default(), CancellationToken::new());
    let work = async {
        enqueues(&store, "when notified").await;
        runs.reach(1).await;
        // The status cannot be written until somebody else lets go of the row, which is after runs are interrupted.
        let mut other = sqlx_postgres::PgConnection::connect(&store.url()).await.expect("a connection");
        let mut tx = other.begin().await.expect("a transaction");
        sqlx::query("SELECT id FROM jobs FOR UPDATE").execute(&mut *tx).await.expect("a lock");
        runs.1.notify_one();
        stop.cancel();
        // Less than a statement may take, which waits for the row.
        tokio::time::sleep(Duration::from_millis(2200)).await;
        tx.rollback().await.expect("no lock");
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), work);
    assert!(store.jobs().recent_jobs(KIND, 10).await.expect("jobs").is_empty(), "it is done");
}

#[rstest]
#[tokio::test]
async fn a_job_that_has_expired_is_gone_without_being_run(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    let late = NewJob { expires_at: Some(START), ..new_job("too late") };
    store.jobs().enqueue(&late).await.expect("queued");
    let gone = async {
        let waiting = async {
            while !store.jobs().recent_jobs(KIND, 1).await.expect("jobs").is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("in time");
        stop.cancel();
    };
    tokio::join!(worker(&store, &runs).run(stop.clone()), gone);
    assert_eq!(runs.all(), 0);
}

#[rstest]
#[tokio::test]
async fn jobs_that_failed_together_do_not_come_back_together(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const JOBS: u32 = 20;
    let pause = Duration::from_hours(1);
    let (store, runs, stop) = (TestStore::open(backend).await, Runs::default(), CancellationToken::new());
    let mut worker = worker(&store, &runs);
    worker.kinds = vec![JobKind { backoff: Backoff::doubling(pause, pause), ..kind(&runs) }];
    let work = async {
        for _ in 0..JOBS {
            enqueues(&store, "away").await;
        }
        runs.reach(JOBS).await;
        stop.cancel();
    };
    tokio::join!(worker.run(stop.clone()), work);
    let places = i64::from(JOBS);
    let capacity = JobCapacity { kind: KIND, places, a_lane: places, normal_a_lane: places, ..CAPACITY };
    let (soon, _) = lease(&store, START.plus(pause), capacity).await;
    let (later, _) = lease(&store, START.plus(pause + pause / 4), capacity).await;
    assert!(soon.len() < later.len(), "{} and {}", soon.len(), later.len());
}
