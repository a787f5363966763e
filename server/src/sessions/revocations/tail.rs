//! The tail: reads the revocation log to its end, on every hint and every half second, so that this server's list stays
//! complete even if messages between servers are lost.

use std::collections::HashSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, UserId};

use super::Revocations;
use super::list::{Applied, Lost, Poll, RevocationList};
use crate::context::Context;
use crate::jobs::{Schedule, every};
use crate::metrics::Label as _;
use crate::sessions::ends_with_session::EndsWithSession;
use crate::sessions::metrics::SessionMetrics;
use crate::store::{Revocation, RevokedSubject, StoreError};

/// How often the log is read without a hint.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often entries that no token can need are dropped from memory.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);
/// How many rows are loaded at once.
const PAGE: i64 = 2_000;
/// How long a poll waits for a note in the database.
const NOTED_WITHIN: Duration = Duration::from_millis(250);
/// A clock that is this far from the database's is reported.
const CLOCK_IS_OFF: Duration = Duration::from_secs(2);

/// Reads the log for one server.
pub struct LogPoller {
    context: Context,
    list: Arc<RevocationList>,
    /// Notifies all who wait for a poll.
    polled: Arc<Notify>,
    ends_with_session: Arc<EndsWithSession>,
    /// Takes the sessions whose streams were notified here.
    notified: mpsc::UnboundedSender<Vec<SessionId>>,
    /// Takes the entries that this server remembers and the log has lost.
    lost: mpsc::UnboundedSender<Lost>,
    metrics: Arc<SessionMetrics>,
    /// Whether the last poll failed.
    failing: AtomicBool,
    /// Whether this machine's clock is reported as off.
    clock_is_off: AtomicBool,
}

impl LogPoller {
    /// One that has not polled yet.
    pub fn new(
        context: Context,
        revocations: &Revocations,
        notified: mpsc::UnboundedSender<Vec<SessionId>>,
        lost: mpsc::UnboundedSender<Lost>,
    ) -> Self {
        Self {
            list: Arc::clone(&revocations.list),
            polled: Arc::clone(&revocations.polled),
            ends_with_session: Arc::clone(&revocations.ends_with_session),
            notified,
            lost,
            metrics: context.metrics.group(),
            failing: AtomicBool::new(false),
            clock_is_off: AtomicBool::new(false),
            context,
        }
    }

    /// Polls until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { context: Context { clock, events, .. }, list, .. } = &self;
        let tail = &self;
        let mut pruned_at = clock.monotonic();
        let schedule = Schedule::every("revocation tail", INTERVAL).at_once().woken_by(events.log_hint());
        every(schedule, &stop, || {
            if clock.monotonic().saturating_duration_since(pruned_at) >= PRUNE_INTERVAL {
                pruned_at = clock.monotonic();
                list.prune(clock.now());
            }
            tail.poll_and_report()
        })
        .await;
    }

    /// Polls, measures it, and logs when polls begin to fail and when they succeed again. No failure is returned: it
    /// would be logged once more.
    async fn poll_and_report(&self) -> Result<(), Infallible> {
        let Self { context: Context { clock, .. }, metrics, .. } = self;
        let began = clock.monotonic();
        let polled = self.poll().await;
        metrics.polls.observe(clock.monotonic().saturating_duration_since(began));
        metrics.poll_failures.add(usize::from(polled.is_err()));
        let was_failing = self.failing.swap(polled.is_err(), Ordering::Relaxed);
        match polled {
            Ok(()) if was_failing => tracing::info!("revocation log poll recovered"),
            Err(error) if !was_failing => {
                tracing::error!(error = &error as &dyn Error, "revocation log poll failed");
            }
            _ => {}
        }
        self.report_clock_skew();
        Ok(())
    }

    /// One poll: the rows since the last one, or the whole log where it is not the one that was read before.
    pub async fn poll(&self) -> Result<(), StoreError> {
        let Self { context: Context { store, clock, .. }, list, .. } = self;
        // Rows that are committed after this may be missing from the answer.
        let poll = list.begin_poll(clock.monotonic());
        if !list.is_loaded() {
            return self.load(poll).await.map(drop);
        }
        let tail = store.revocations().revocations_from(poll.from).await?;
        clock.database_says(tail.database_time, poll.began);
        self.note_restart(tail.has_restarted).await;
        if let Applied::MustReload(why) = list.apply(&tail, poll) {
            self.metrics.log_reloads.increment(why);
            tracing::error!(why = why.as_str(), "revocation log changed: reloading");
            self.ends_with_session.forget_handled();
            let poll = list.begin_poll(clock.monotonic());
            let live = self.load(poll).await?;
            self.report_lost(&live);
            list.complete(poll);
            return Ok(());
        }
        self.carry_out(&tail.revocations);
        self.polled.notify_waiters();
        Ok(())
    }

    /// Loads every live row, page by page, and returns their subjects. Rows that are added meanwhile come with the next
    /// poll.
    async fn load(&self, poll: Poll) -> Result<HashSet<(UserId, RevokedSubject)>, StoreError> {
        let Self { context: Context { store, clock, .. }, list, .. } = self;
        let head = store.revocations().revocations_from(i64::MAX).await?.head;
        // With the row at the head, however old: by it the next poll knows whether this is still the same log.
        let asked = clock.monotonic();
        let start = store.revocations().revocations_from(head).await?;
        clock.database_says(start.database_time, asked);
        self.note_restart(start.has_restarted).await;
        let first_time = !list.is_loaded();
        // All at once: growing step by step, the list would leave as much memory behind as it takes.
        list.expect(store.revocations().count_live_revocations().await?);
        let mut live = HashSet::new();
        let mut after = 0;
        loop {
            let mut page = store.revocations().live_revocations(after, PAGE).await?;
            let Some(end) = page.last() else { break };
            after = end.position;
            if !first_time {
                live.extend(page.iter().map(|row| (row.user_id, row.subject)));
            }
            // What lies beyond comes with the next poll, which would notice if it were lost before that.
            page.retain(|row| row.position <= start.head);
            list.add_from_log(&page);
            self.carry_out(&page);
        }
        list.become_current(start.head, start.revocations.into_iter().next_back(), poll.began);
        Ok(live)
    }

    /// Notes in the database that it is another one than before. Other servers do so too; the first one counts. Where
    /// it cannot be written now, the next poll sees it again.
    async fn note_restart(&self, has_restarted: bool) {
        if has_restarted {
            let noted = self.context.store.revocations().note_restart();
            let _ = tokio::time::timeout(NOTED_WITHIN, noted).await;
        }
    }

    fn carry_out(&self, revocations: &[Revocation]) {
        for revocation in revocations {
            let mut failed = Vec::new();
            let notified = self.ends_with_session.revoked(revocation, &mut failed);
            for step in failed {
                self.metrics.cleanup_failures.increment(step);
            }
            if !notified.is_empty() {
                // The receiver only goes when the server stops; receipts then stay at what was stored.
                let _ = self.notified.send(notified);
            }
        }
    }

    fn report_lost(&self, live: &HashSet<(UserId, RevokedSubject)>) {
        let lost = self.list.beyond(live, self.context.clock.now());
        if !lost.is_empty() {
            let (sessions, users) = (lost.sessions.len(), lost.users.len());
            self.metrics.revocations_lost.add(sessions + users);
            tracing::error!(sessions, users, "revocations lost by the database");
            let _ = self.lost.send(lost);
        }
    }

    /// Logs once that this machine's clock is off, and once that it is right again.
    fn report_clock_skew(&self) {
        let offset_ms = self.context.clock.offset_ms();
        let off = offset_ms.unsigned_abs() > u64::try_from(CLOCK_IS_OFF.as_millis()).unwrap_or(u64::MAX);
        match (self.clock_is_off.swap(off, Ordering::Relaxed), off) {
            (false, true) => tracing::error!(offset_ms, "clock skew: using the database's time"),
            (true, false) => tracing::info!("clock skew gone"),
            _ => {}
        }
    }
}
