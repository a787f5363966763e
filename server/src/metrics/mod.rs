//! Metrics for Prometheus: what this server has done and how it is.
//!
//! The one place that names metrics. Everybody else calls a function with a name and a type, and metrics belong to one server
//! rather than to the process, so that tests can run several. What can be read when Prometheus asks is read then, from a
//! [`Now`]; only what would be forgotten otherwise is counted.

mod counters;
mod labels;
mod process;
mod requests;
mod table;
mod text;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use types::domain::Timestamp;
use types::words::EndReason;

use counters::{Counter, Counters, Histogram};
pub use labels::{
    BusMessage, ConnectionState, ExportResult, GuardCheck, Label, MailResult, RefreshCase, Reload, SignInResult,
};
pub use requests::{Requests, RouteId, Routes};
pub use table::markdown;
pub use text::CONTENT_TYPE;
use text::Exposition;

use crate::clock::Clock;

/// The metrics of one server.
pub struct Metrics {
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    requests: OnceLock<Arc<Requests>>,
    unavailable: Counter,
    sign_ins: Counters<SignInResult>,
    refreshes: Counters<RefreshCase>,
    sessions_ended: Counters<EndReason>,
    tail: Histogram,
    tail_failures: Counter,
    reloads: Counters<Reload>,
    revocations_lost: Counter,
    pending_log_failures: Counter,
    guard_checks: Counters<GuardCheck>,
    hash_wait: Histogram,
    hashes: Histogram,
    mails: Counters<MailResult>,
    trace_exports: Counters<ExportResult>,
}

impl Metrics {
    /// Nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            started_at: clock.now(),
            clock,
            requests: OnceLock::new(),
            unavailable: Counter::new(&table::HTTP_UNAVAILABLE),
            sign_ins: Counters::new(&table::SIGN_INS),
            refreshes: Counters::new(&table::REFRESHES),
            sessions_ended: Counters::new(&table::SESSIONS_ENDED),
            tail: Histogram::new(&table::TAIL_DURATION),
            tail_failures: Counter::new(&table::TAIL_FAILURES),
            reloads: Counters::new(&table::LOG_RELOADS),
            revocations_lost: Counter::new(&table::REVOCATIONS_LOST),
            pending_log_failures: Counter::new(&table::PENDING_LOG_FAILURES),
            guard_checks: Counters::new(&table::GUARD_CHECKS),
            hash_wait: Histogram::new(&table::HASH_WAIT),
            hashes: Histogram::new(&table::HASH_DURATION),
            mails: Counters::new(&table::MAILS),
            trace_exports: Counters::new(&table::TRACE_EXPORTS),
        }
    }

    /// Takes the routes, once the router has been put together, and gives what counts their requests.
    pub fn count_requests_of(&self, routes: Routes) -> Arc<Requests> {
        Arc::clone(self.requests.get_or_init(|| Arc::new(Requests::new(routes))))
    }

    /// A request was answered with `503`.
    pub fn answered_unavailable(&self) {
        self.unavailable.add(1);
    }

    /// A try to sign in came to this.
    pub fn sign_in(&self, result: SignInResult) {
        self.sign_ins.add(result, 1);
    }

    /// A presented refresh token came to this.
    pub fn refresh(&self, case: RefreshCase) {
        self.refreshes.add(case, 1);
    }

    /// So many sessions were ended by this server.
    pub fn sessions_ended(&self, reason: EndReason, sessions: usize) {
        self.sessions_ended.add(reason, sessions as u64);
    }

    /// A look at the revocation log that began at this (monotonic) instant is over.
    pub fn looked_at_log(&self, began: Instant, success: bool) {
        self.tail.observe(self.clock.monotonic().saturating_duration_since(began));
        if !success {
            self.tail_failures.add(1);
        }
    }

    /// The revocation log was not what it was, and has to be loaded anew.
    pub fn log_reload(&self, why: Reload) {
        self.reloads.add(why, 1);
    }

    /// So many revocations are remembered here that the log has lost.
    pub fn revocations_lost(&self, revocations: usize) {
        self.revocations_lost.add(revocations as u64);
    }

    /// So many sign-outs were neither committed nor written down.
    pub fn pending_log_failed(&self, sign_outs: usize) {
        self.pending_log_failures.add(sign_outs as u64);
    }

    /// The database was asked about a token because the list was too old.
    pub fn guard_check(&self, result: GuardCheck) {
        self.guard_checks.add(result, 1);
    }

    /// A password waits to be hashed, from now until [`HashTimer::begin`].
    pub fn hash_timer(self: &Arc<Self>) -> HashTimer {
        HashTimer { metrics: Arc::clone(self), since: self.clock.monotonic(), begun: false }
    }

    /// A mail came to this.
    pub fn mail(&self, result: MailResult) {
        self.mails.add(result, 1);
    }

    /// A batch of spans came to this.
    pub fn trace_export(&self, result: ExportResult) {
        self.trace_exports.add(result, 1);
    }

    /// Everything as Prometheus reads it.
    pub fn exposition(&self, now: &Now) -> String {
        let mut text = Exposition::default();
        let version = ("version", env!("CARGO_PKG_VERSION"));
        text.sample(&table::BUILD, &[version, ("database", now.database), ("bus", now.bus)], 1);
        if let Some(requests) = self.requests.get() {
            requests.write(&mut text);
        }
        self.unavailable.write(&mut text);
        self.sign_ins.write(&mut text);
        self.refreshes.write(&mut text);
        self.sessions_ended.write(&mut text);
        self.write_revocations(now, &mut text);
        write_streams(now, &mut text);
        self.write_work(now, &mut text);
        text.sample(&table::CLOCK_OFFSET, &[], milliseconds(self.clock.offset_ms()));
        self.trace_exports.write(&mut text);
        text.sample(&table::TASKS, &[], now.tasks);
        text.sample(&table::TASKS_QUEUED, &[], now.tasks_queued);
        text.sample(&table::STARTED, &[], milliseconds(self.started_at.as_millis()));
        process::write(&mut text);
        text.finish()
    }

    fn write_revocations(&self, now: &Now, text: &mut Exposition) {
        text.sample(&table::LIST_ENTRIES, &[], now.list_entries);
        text.sample(&table::LIST_AGE, &[], now.list_age.as_secs_f64());
        text.sample(&table::LIST_MAX_AGE, &[], now.list_max_age.as_secs_f64());
        text.sample(&table::LOG_POSITION, &[], now.log_position);
        self.tail.write(text);
        self.tail_failures.write(text);
        self.reloads.write(text);
        self.revocations_lost.write(text);
        self.guard_checks.write(text);
        text.sample(&table::ENDINGS_PENDING, &[], now.endings_pending);
        text.sample(&table::PENDING_LOG_WRITABLE, &[], u8::from(now.pending_log_writable));
        self.pending_log_failures.write(text);
        text.sample(&table::ENDINGS_QUEUED, &[], now.endings_queued);
    }

    fn write_work(&self, now: &Now, text: &mut Exposition) {
        text.sample(&table::HASHES_WAITING, &[], now.hashes_waiting);
        text.sample(&table::HASHES_RUNNING, &[], now.hashes_running);
        self.hash_wait.write(text);
        self.hashes.write(text);
        text.sample(&table::VERIFIED_TOKENS, &[], now.verified_tokens);
        text.sample(&table::LAST_ACTIVE_WAITING, &[], now.last_active_waiting);
        self.mails.write(text);
        for pool in &now.pools {
            for (state, connections) in [(ConnectionState::Idle, pool.idle), (ConnectionState::Busy, pool.busy)] {
                let state = (ConnectionState::NAME, state.as_str());
                text.sample(&table::POOL_CONNECTIONS, &[("pool", pool.name), state], connections);
            }
        }
        for pool in &now.pools {
            text.sample(&table::POOL_MAX, &[("pool", pool.name)], pool.max);
        }
    }
}

/// Seconds, exactly as far as Prometheus can tell.
fn milliseconds(millis: i64) -> f64 {
    let seconds = Duration::from_millis(millis.unsigned_abs()).as_secs_f64();
    if millis < 0 { -seconds } else { seconds }
}

/// What is true when Prometheus asks.
pub struct Now {
    /// Kind of database.
    pub database: &'static str,
    /// Kind of bus.
    pub bus: &'static str,
    /// How the bus is: a word of `/health`.
    pub bus_state: &'static str,
    /// Messages sent, received and lost, in the order of [`BusMessage`].
    pub bus_messages: [u64; 4],
    /// Entries of the revocation list.
    pub list_entries: usize,
    /// Its age.
    pub list_age: Duration,
    /// `REVOCATION_MAX_STALENESS`.
    pub list_max_age: Duration,
    /// Up to where the log has been read.
    pub log_position: i64,
    /// Sign-outs that are not committed.
    pub endings_pending: usize,
    /// Whether the pending log could be written the last time.
    pub pending_log_writable: bool,
    /// Sign-outs that are not taken up.
    pub endings_queued: usize,
    /// Open streams.
    pub streams_open: usize,
    /// Streams whose clients did not keep up, ever.
    pub streams_closed_slow: u64,
    /// Streams of sessions that nothing could confirm, ever.
    pub streams_closed_unconfirmed: u64,
    /// Passwords waiting to be hashed.
    pub hashes_waiting: usize,
    /// Passwords being hashed.
    pub hashes_running: usize,
    /// Remembered tokens.
    pub verified_tokens: usize,
    /// Sessions whose last-active time is not written.
    pub last_active_waiting: usize,
    /// Connections to the database.
    pub pools: Vec<PoolUse>,
    /// Tasks of the runtime.
    pub tasks: usize,
    /// Those of them that wait for a thread.
    pub tasks_queued: usize,
}

/// Connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Which: `all`, or on SQLite `writer` and `readers`.
    pub name: &'static str,
    /// Open and unused.
    pub idle: usize,
    /// In use.
    pub busy: usize,
    /// The most there may be.
    pub max: u32,
}

/// Times one password: first its wait, then its hashing.
pub struct HashTimer {
    metrics: Arc<Metrics>,
    since: Instant,
    begun: bool,
}

impl HashTimer {
    /// The wait is over.
    pub fn begin(&mut self) {
        let waited = self.lap();
        self.metrics.hash_wait.observe(waited);
        self.begun = true;
    }

    fn lap(&mut self) -> Duration {
        let now = self.metrics.clock.monotonic();
        now.saturating_duration_since(std::mem::replace(&mut self.since, now))
    }
}

impl Drop for HashTimer {
    fn drop(&mut self) {
        // Whoever gave up waiting was not hashed.
        if self.begun {
            let took = self.lap();
            self.metrics.hashes.observe(took);
        }
    }
}

fn write_streams(now: &Now, text: &mut Exposition) {
    text.sample(&table::STREAMS_OPEN, &[], now.streams_open);
    text.sample(&table::STREAMS_CLOSED_SLOW, &[], now.streams_closed_slow);
    text.sample(&table::STREAMS_CLOSED_UNCONFIRMED, &[], now.streams_closed_unconfirmed);
    for state in table::BUS_STATES.values {
        text.sample(&table::BUS_STATE, &[(table::BUS_STATES.name, state)], u8::from(*state == now.bus_state));
    }
    for (outcome, count) in BusMessage::VALUES.iter().zip(now.bus_messages) {
        text.sample(&table::BUS_MESSAGES, &[(BusMessage::NAME, outcome)], count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn now() -> Now {
        Now {
            database: "sqlite",
            bus: "redis",
            bus_state: "connecting",
            bus_messages: [11, 12, 13, 14],
            list_entries: 3,
            list_age: Duration::from_millis(250),
            list_max_age: Duration::from_secs(2),
            log_position: 7,
            endings_pending: 0,
            pending_log_writable: true,
            endings_queued: 0,
            streams_open: 2,
            streams_closed_slow: 1,
            streams_closed_unconfirmed: 0,
            hashes_waiting: 0,
            hashes_running: 1,
            verified_tokens: 5,
            last_active_waiting: 4,
            pools: vec![PoolUse { name: "writer", idle: 1, busy: 0, max: 1 }],
            tasks: 9,
            tasks_queued: 0,
        }
    }

    #[test]
    fn every_figure_of_the_table_is_shown_once_and_in_its_order() {
        let metrics = Metrics::new(Arc::new(ManualClock::default()));
        let requests = metrics.count_requests_of(Routes::default());
        requests.count(RouteId::FILE, &http::Method::GET, http::StatusCode::OK, Duration::ZERO);
        let text = metrics.exposition(&now());
        let heads = |line: &'static str| text.lines().filter_map(move |text| text.strip_prefix(line));
        let shown: Vec<&str> = heads("# TYPE ").filter_map(|head| head.split(' ').next()).collect();
        let listed: Vec<&str> = table::ALL.iter().map(|family| family.name).collect();
        assert_eq!(shown, listed);
    }

    #[test]
    fn what_happened_is_counted_and_what_is_so_is_shown() {
        let clock = Arc::new(ManualClock::default());
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock) as _));
        metrics.sign_in(SignInResult::Ok);
        metrics.sessions_ended(EndReason::LogoutAll, 3);
        let began = clock.monotonic();
        clock.advance(Duration::from_millis(20));
        metrics.looked_at_log(began, false);
        let text = metrics.exposition(&now());
        for line in [
            "latchkey_sign_ins_total{result=\"ok\"} 1",
            "latchkey_sign_ins_total{result=\"busy\"} 0",
            "latchkey_sessions_ended_total{reason=\"logout_all\"} 3",
            "latchkey_bus_state{state=\"ok\"} 0",
            "latchkey_bus_state{state=\"connecting\"} 1",
            "latchkey_bus_messages_total{outcome=\"received\"} 12",
            "latchkey_clock_offset_seconds 0",
            "latchkey_revocation_list_age_seconds 0.25",
            "latchkey_revocation_tail_duration_seconds_sum 0.02",
            "latchkey_revocation_tail_failures_total 1",
            "latchkey_database_pool_connections{pool=\"writer\",state=\"idle\"} 1",
            "process_start_time_seconds 1767225600",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn milliseconds_are_seconds_on_either_side_of_zero() {
        assert_eq!([0, 1, -1500].map(milliseconds).map(|seconds| seconds.to_string()), ["0", "0.001", "-1.5"]);
    }

    #[test]
    fn waiting_and_hashing_are_told_apart_and_who_gave_up_was_not_hashed() {
        let clock = Arc::new(ManualClock::default());
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock) as _));
        let mut timer = metrics.hash_timer();
        clock.advance(Duration::from_secs(2));
        timer.begin();
        clock.advance(Duration::from_millis(30));
        drop(timer);
        drop(metrics.hash_timer());
        let text = metrics.exposition(&now());
        assert!(text.contains("latchkey_password_hash_wait_seconds_sum 2\n"), "{text}");
        assert!(text.contains("latchkey_password_hash_duration_seconds_sum 0.03\n"), "{text}");
        assert!(text.contains("latchkey_password_hash_duration_seconds_count 1\n"), "{text}");
    }
}
