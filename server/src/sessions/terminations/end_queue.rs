//! The queue of requests to end sessions. Requests that are queued together are committed together. They take effect on
//! this server at once, and survive a database that is away.
//!
//! One task works for the whole server. It takes the queued requests, commits them in one transaction, adds the result
//! to this server's own list, notifies the open streams, and only then answers. Where the commit fails, it writes the
//! ends to the pending log, answers [`Ending::Pending`], and retries until the commit succeeds. Repeats of the same
//! request wait once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use types::api::Ended;
use types::domain::{SessionId, Timestamp};

use super::pending_ends::{Covered, Force, PendingEnds};
use super::pending_log::{End, Entry, PendingLog, Written};
use super::retry_queue::{RetryQueue, Tried};
use crate::context::Context;
use crate::jobs::Backoff;
use crate::sessions::metrics::SessionMetrics;
use crate::sessions::revocations::{InForce, Revocations};
use crate::store::{EndCommand, EndOutcome, Store, StoreError};

/// The most requests in one transaction.
const MAX_BATCH: usize = 64;
/// How many there may be in the first.
const FIRST_BATCH: usize = 16;
/// How many requests may queue before further ones wait for room.
const QUEUE: usize = 1024;
/// After a faster commit the next batch may be larger; after a slower one it is smaller.
const GROW_BELOW: Duration = Duration::from_millis(200);
const SHRINK_ABOVE: Duration = Duration::from_millis(800);
/// After so many failures in a row the database is left alone for a while.
const MAX_FAILURES_IN_A_ROW: usize = 3;
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// The result of a request to end sessions.
#[derive(Debug)]
pub enum Ending {
    /// Committed, in force here, and on its way to every other server.
    Done {
        /// What was ended.
        outcome: EndOutcome,
        /// What came of enforcing it here.
        in_force: InForce,
    },
    /// The database is away. This server refuses the sessions it knows to be meant, and retries the commit.
    Pending,
    /// The requesting session had itself ended before it made the request. Nothing was ended.
    RequesterEnded,
}

/// Why a request was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum EndingError {
    /// The database is away, and the request cannot be retried later: too many others wait.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The database is away, and the pending log could not be written either. This server refuses the sessions and
    /// retries for as long as it runs, but a restart would lose the request.
    #[error("the sign-out is neither committed nor written down")]
    Unwritten(#[source] Arc<StoreError>),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

pub(super) struct QueuedEnd {
    pub(super) command: EndCommand,
    /// Epoch of the token of the request.
    epoch: Option<i64>,
    /// How long after the commit the end must be remembered.
    remembered_for: Duration,
    /// What it does here before it is committed.
    pub(super) force: Force,
    reply: Option<oneshot::Sender<Result<Ending, EndingError>>>,
}

impl QueuedEnd {
    fn entry(&self) -> Entry {
        let Self { command, epoch, remembered_for, force, .. } = self;
        Entry::End(Box::new(End {
            command: command.clone(),
            epoch: *epoch,
            remembered_for: *remembered_for,
            force: *force,
        }))
    }

    /// Until when the end must be remembered, if it is committed now. Another server may have refreshed the session
    /// while the end was pending, so the time counts from now.
    fn remember_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.remembered_for).max(self.command.remember_until)
    }

    /// The same request once more. Its requester has been answered.
    pub(super) fn again(&self) -> Self {
        let Self { command, epoch, remembered_for, force, .. } = self;
        let (command, epoch) = (command.clone(), *epoch);
        Self { command, epoch, remembered_for: *remembered_for, force: *force, reply: None }
    }

    /// Sets until when the end must be remembered, and above which epoch a raised one must be, both as of now.
    fn is_about_to_be_tried(&mut self, now: Timestamp, least_epoch: Option<i64>) {
        self.command.remember_until = self.remember_until(now);
        let seen = self.epoch.max(least_epoch).unwrap_or_default();
        self.command.seen_epoch = self.command.seen_epoch.max(seen);
    }
}

/// The sender's half: takes requests to end sessions.
#[derive(Clone)]
pub struct EndQueue {
    queued_ends: mpsc::Sender<QueuedEnd>,
    pending_ends: Arc<PendingEnds>,
}

/// The task behind an [`EndQueue`].
pub struct EndWorker {
    queued_ends: mpsc::Receiver<QueuedEnd>,
    work: Work,
    /// Held until the last end is committed.
    notified: mpsc::UnboundedSender<Vec<SessionId>>,
}

/// What both halves of the task use: the one that commits queued requests, and the one that retries pending ends.
struct Work {
    context: Context,
    revocations: Arc<Revocations>,
    retry_queue: RetryQueue,
    pending_log: Arc<PendingLog>,
    metrics: Arc<SessionMetrics>,
}

/// What [`EndWorker`] works with.
pub struct EndQueueParts {
    /// Where it commits.
    pub context: Context,
    /// Where ends take effect.
    pub revocations: Arc<Revocations>,
    /// Takes the sessions whose streams were notified, to be stored for receipts.
    pub notified: mpsc::UnboundedSender<Vec<SessionId>>,
    /// Where pending ends are written.
    pub pending_log: Arc<PendingLog>,
    /// Ends that an earlier process had acknowledged.
    pub pending: Vec<Written<End>>,
}

/// Makes the queue and its worker. Ends that were pending before are enforced from here on.
pub fn end_queue(parts: EndQueueParts) -> (EndQueue, EndWorker) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let EndQueueParts { context, revocations, notified, pending_log, pending } = parts;
    let pending_ends = Arc::clone(revocations.pending_ends());
    let retry_queue = RetryQueue::new(Arc::clone(&pending_ends));
    let metrics = context.metrics.group();
    let work = Work { context, revocations, retry_queue, pending_log, metrics };
    for Written { pending_end: End { command, epoch, remembered_for, force }, number } in pending {
        work.retry_queue.adopt(QueuedEnd { command, epoch, remembered_for, force, reply: None }, number);
    }
    (EndQueue { queued_ends: sender, pending_ends }, EndWorker { queued_ends: receiver, work, notified })
}

impl EndQueue {
    /// Ends sessions. `epoch` is that of the token of the request, where there is one; `force` is what the request does
    /// while it is pending.
    pub async fn end(&self, command: EndCommand, epoch: Option<i64>, force: Force) -> Result<Ending, EndingError> {
        let (reply, answer) = oneshot::channel();
        let remembered_for = command.remember_until.since(command.at);
        let queued = QueuedEnd { command, epoch, remembered_for, force, reply: Some(reply) };
        self.queued_ends.send(queued).await.map_err(|_| EndingError::Stopping)?;
        answer.await.map_err(|_| EndingError::Stopping)?
    }

    /// How many requests are queued.
    pub fn queued(&self) -> usize {
        self.queued_ends.max_capacity() - self.queued_ends.capacity()
    }

    /// How many requests were answered and are not committed yet.
    pub fn pending(&self) -> usize {
        self.pending_ends.count()
    }
}

impl EndWorker {
    /// Works until `stop`, and then until nothing is queued or pending any more.
    pub async fn run(self, stop: CancellationToken) {
        let Self { queued_ends, work, notified } = self;
        // Both at once: new requests do not wait for the pending ones.
        tokio::join!(work.take_up(queued_ends, &stop), work.try_again(&stop));
        drop(notified);
    }
}

impl Work {
    /// Commits requests as they come, all that are queued in one transaction.
    async fn take_up(&self, mut queued_ends: mpsc::Receiver<QueuedEnd>, stop: &CancellationToken) {
        let mut batch_size = BatchSize::default();
        let mut fresh = Vec::new();
        loop {
            let received = tokio::select! {
                biased;
                received = queued_ends.recv_many(&mut fresh, batch_size.0) => received,
                () = stop.cancelled(), if queued_ends.is_empty() => return,
            };
            if received == 0 {
                return;
            }
            match self.commit(&mut fresh).await {
                Ok(committed) => batch_size.learns(committed.took),
                Err(error) => {
                    let waiting = self.retry_queue.len();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        fresh = received,
                        waiting,
                        "session end pending: commit failed"
                    );
                    // If the database is unreachable, every request has to wait. Otherwise one of the batch may be the
                    // cause, so the next ones are tried one by one.
                    let concerns_all = error.is_unreachable() || matches!(self.context.store, Store::Sqlite(_));
                    batch_size = BatchSize(if concerns_all { MAX_BATCH } else { 1 });
                    self.put_off(std::mem::take(&mut fresh), &Arc::new(error)).await;
                }
            }
        }
    }

    /// Retries pending ends until none is left. After a round without success there is a pause.
    async fn try_again(&self, stop: &CancellationToken) {
        let mut pauses = RETRY.pauses();
        loop {
            if self.retry_queue.len() == 0 {
                tokio::select! {
                    () = self.retry_queue.added.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
            tokio::time::sleep(pauses.next_pause()).await;
            if self.try_in_turn().await {
                pauses.reset();
            }
        }
    }

    /// Tries all that is pending now, but stops after some failures in a row. Returns whether anything was committed.
    async fn try_in_turn(&self) -> bool {
        // One by one at first: a batch fails if any of its requests fails.
        let mut batch_size = BatchSize(1);
        let (mut left, mut failures_in_a_row, mut done) = (self.retry_queue.len(), 0, false);
        while left > 0 && failures_in_a_row < MAX_FAILURES_IN_A_ROW {
            let (tried, mut queued_ends) = self.retry_queue.next(batch_size.0.min(left));
            if tried.is_empty() {
                break;
            }
            match self.commit(&mut queued_ends).await {
                Ok(Committed { listed: false, .. }) => {
                    // Committed before, and the list does not show it yet: the pending end holds until it does.
                    for tried in &tried {
                        self.retry_queue.stand_back(tried);
                    }
                    left -= tried.len().min(left);
                    failures_in_a_row += 1;
                }
                Ok(Committed { listed: true, took, requester_ended }) => {
                    self.is_done(&tried, &requester_ended);
                    batch_size.learns(took);
                    left -= tried.len().min(left);
                    (failures_in_a_row, done) = (0, true);
                }
                Err(_) if tried.len() > 1 => batch_size = BatchSize(1),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        waiting = left,
                        "session end still pending: commit failed"
                    );
                    self.retry_queue.stand_back(&tried[0]);
                    left -= 1;
                    failures_in_a_row += 1;
                }
            }
        }
        done
    }

    /// Removes committed ends, and those whose requester had ended before the request: it ends nothing.
    fn is_done(&self, tried: &[Tried], requester_ended: &[bool]) {
        for (tried, requester_ended) in tried.iter().zip(requester_ended) {
            let written = if *requester_ended {
                tracing::warn!("pending session end dropped: the requesting session had ended before");
                self.retry_queue.was_not_alive(tried)
            } else {
                self.retry_queue.done(std::slice::from_ref(tried))
            };
            self.pending_log.committed(&written);
        }
    }

    /// Commits requests, and answers their requesters.
    async fn commit(&self, queued_ends: &mut Vec<QueuedEnd>) -> Result<Committed, StoreError> {
        let Self { context, revocations, .. } = self;
        let began = context.clock.monotonic();
        for queued in queued_ends.iter_mut() {
            let least_epoch = revocations.list().least_epoch(queued.command.selection.user_id());
            queued.is_about_to_be_tried(context.now(), least_epoch);
        }
        let commands: Vec<EndCommand> = queued_ends.iter().map(|queued| queued.command.clone()).collect();
        let mut new_id = || context.new_id();
        let outcomes = context.store.sessions().end_sessions(&commands, &mut new_id).await?;
        let in_force = revocations.put_all_in_force(&outcomes);
        let requester_ended = outcomes.iter().map(|outcome| outcome.requester_ended).collect();
        let took = context.clock.monotonic().saturating_duration_since(began);
        let done = queued_ends.drain(..).zip(outcomes).zip(in_force);
        let (nothing, something): (Vec<_>, Vec<_>) = done.partition(|((_, outcome), _)| outcome.revocations.is_empty());
        let answer = |((queued, outcome), in_force): ((QueuedEnd, EndOutcome), InForce)| {
            if let Some(reply) = queued.reply {
                let ending =
                    if outcome.requester_ended { Ending::RequesterEnded } else { Ending::Done { outcome, in_force } };
                // The requester may have gone. The commit stands.
                let _ = reply.send(Ok(ending));
            }
        };
        something.into_iter().for_each(answer);
        let listed = nothing.is_empty() || revocations.catches_up().await;
        nothing.into_iter().for_each(answer);
        Ok(Committed { took, listed, requester_ended })
    }

    /// Writes the ends to the pending log, adds them to the retry queue, and answers. An end that could not be written
    /// is retried as well, but its request is answered with an error.
    async fn put_off(&self, queued_ends: Vec<QueuedEnd>, error: &Arc<StoreError>) {
        let (covered, fresh): (Vec<QueuedEnd>, Vec<QueuedEnd>) =
            queued_ends.into_iter().partition(|queued| self.retry_queue.covers(queued));
        let written = self.pending_log.pending_end(fresh.iter().map(QueuedEnd::entry).collect()).await;
        self.metrics.pending_log_failures.add(written.iter().filter(|number| number.is_none()).count());
        let covered = covered.into_iter().map(|queued| (queued.reply, Ok(Ending::Pending)));
        let pending = fresh.into_iter().zip(written).map(|(mut queued, written)| {
            let reply = queued.reply.take();
            let answer = match (self.retry_later(queued, written), written) {
                (false, _) => Err(EndingError::Store(Arc::clone(error))),
                (true, None) => Err(EndingError::Unwritten(Arc::clone(error))),
                (true, Some(_)) => Ok(Ending::Pending),
            };
            (reply, answer)
        });
        for (reply, answer) in covered.chain(pending) {
            if let Some(reply) = reply {
                // The requester may have gone. The end is retried all the same.
                let _ = reply.send(answer);
            }
        }
    }

    /// Adds an end to the retry queue, and closes the streams of the sessions that are over here with it. False where
    /// there was no room.
    fn retry_later(&self, queued: QueuedEnd, written: Option<u64>) -> bool {
        let command = queued.command.clone();
        let is_added = self.retry_queue.add(queued, written);
        if is_added {
            self.close_streams(&command);
        } else {
            self.pending_log.committed(written.as_slice());
        }
        is_added
    }

    fn close_streams(&self, command: &EndCommand) {
        let user_id = command.selection.user_id();
        let is_over = |user_id, session_id, began_at| {
            self.retry_queue.pending_ends.cover(user_id, session_id, began_at) == Covered::Yes
        };
        let EndCommand { reason, ended_by, at, .. } = *command;
        self.revocations.ends_with_session().over_here(Some(user_id), is_over, |session_id| Ended {
            session_id,
            reason: reason.into(),
            ended_by,
            ended_by_device: None,
            at,
        });
    }
}

/// The result of a commit.
struct Committed {
    /// How long the database took.
    took: Duration,
    /// Whether this server's list has all of it.
    listed: bool,
    /// For each request, whether its requester had ended before.
    requester_ended: Vec<bool>,
}

/// How many requests go into one transaction: as many as commit quickly, however slow the database is.
struct BatchSize(usize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(FIRST_BATCH)
    }
}

impl BatchSize {
    fn learns(&mut self, took: Duration) {
        if took < GROW_BELOW {
            self.0 = (self.0 * 2).min(MAX_BATCH);
        } else if took > SHRINK_ABOVE {
            self.0 = (self.0 / 2).max(1);
        }
    }
}
