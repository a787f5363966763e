//! Ending sessions, and retrying acknowledged ends until they are committed.
//!
//! `end` ends sessions on request, `account_changes` with a change to the account, `unresolved` where their user is not
//! known. `end_queue` commits queued requests. `pending_ends` enforces acknowledged ends that are not committed,
//! `retry_queue` retries them, and `pending_log` has them on the disk. `restore_lost` ends sessions again whose end the
//! database has lost.

mod account_changes;
mod end;
pub(super) mod end_queue;
mod pending_ends;
mod pending_log;
mod restore_lost;
mod retry_queue;
mod unresolved;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::mpsc;
use types::domain::SessionId;

pub use account_changes::{AccountOwner, DeletionRefusal};
pub use end::{EndAnswer, EndRequest, Scope};
pub(super) use end_queue::EndWorker;
pub use end_queue::{Ending, EndingError};
pub use pending_ends::Force;
pub(super) use pending_ends::{Covered, PendingEnds};
pub use pending_log::PendingLog;
pub(super) use pending_log::{UnresolvedEnd, Written};
pub(super) use restore_lost::restore_lost;

use self::end_queue::{EndQueue, EndQueueParts, end_queue};
use self::pending_log::Found;
use super::metrics::SessionMetrics;
use super::revocations::Revocations;
use crate::auth::refresh::Lifetimes;
use crate::context::Context;

pub struct Terminations {
    context: Context,
    revocations: Arc<Revocations>,
    lifetimes: Lifetimes,
    end_queue: EndQueue,
    pending_log: Arc<PendingLog>,
    /// How many ends are pending of sessions whose user is not known.
    unresolved: Arc<AtomicUsize>,
    metrics: Arc<SessionMetrics>,
}

impl Terminations {
    /// Adopts the pending ends of earlier processes. The unresolved ones are returned, to be
    /// [resumed](Self::resume_end).
    pub(super) fn new(
        context: Context,
        revocations: Arc<Revocations>,
        lifetimes: Lifetimes,
        notified: mpsc::UnboundedSender<Vec<SessionId>>,
        pending_log_folder: &Path,
    ) -> (Self, EndWorker, Vec<Written<UnresolvedEnd>>) {
        let (pending_log, pending) = open_pending_log(&context, pending_log_folder);
        let (end_queue, end_worker) = end_queue(EndQueueParts {
            context: context.clone(),
            revocations: Arc::clone(&revocations),
            notified,
            pending_log: Arc::clone(&pending_log),
            pending: pending.ends,
        });
        let metrics = context.metrics.group();
        let unresolved = Arc::default();
        let terminations = Self { context, revocations, lifetimes, end_queue, pending_log, unresolved, metrics };
        (terminations, end_worker, pending.unresolved)
    }

    /// How many requests wait to be taken up.
    pub fn queued(&self) -> usize {
        self.end_queue.queued()
    }

    /// How many sign-outs were answered without having been committed yet.
    pub fn pending(&self) -> usize {
        self.end_queue.pending()
    }

    /// Where pending ends are written.
    pub const fn pending_log(&self) -> &Arc<PendingLog> {
        &self.pending_log
    }
}

/// The pending log, with those of processes that are gone.
fn open_pending_log(context: &Context, folder: &Path) -> (Arc<PendingLog>, Found) {
    let (keys, random) = (Arc::clone(&context.keys), Arc::clone(&context.random));
    let (pending_log, found) = PendingLog::open(folder, context.new_id(), keys, random);
    if !found.is_empty() {
        tracing::info!(count = found.len(), "pending log recovered");
    }
    (Arc::new(pending_log), found)
}
