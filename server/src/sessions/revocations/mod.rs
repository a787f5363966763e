//! Revocations on this server: the list of what has been revoked, the tasks that keep it complete, and the checks of
//! requests and streams.
//!
//! `list` is the list, `tail` polls the log into it, `own_commits` checks that the log has what this server has
//! committed, and `enforcement` enforces committed ends here. `authenticate` decides whether a token passes, `streams`
//! whether a stream may get an event, and `requester` whether a requesting session may end others.

mod authenticate;
mod enforcement;
pub(super) mod list;
pub(super) mod own_commits;
mod requester;
mod streams;
mod tail;

/// What the revocation list is made of; `tests::interleavings` makes the same list of something else.
mod sync {
    pub use std::sync::RwLock;
    pub use std::sync::atomic::{AtomicBool, AtomicU64};
}

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use types::domain::{SessionId, Timestamp, UserId};

pub(super) use authenticate::END_WAITS;
pub use authenticate::{FromMemory, Refusal};
pub(super) use enforcement::{InForce, OTHER_SERVERS};
pub use list::{Lost, LostEpoch, RevocationList};
pub use requester::RequesterState;
pub(super) use streams::confirm_streams;
pub(super) use tail::LogPoller;

use super::ends_with_session::{EndsWithSession, SessionBound};
use super::metrics::SessionMetrics;
use super::open_streams::OpenStreams;
use super::terminations::{Covered, PendingEnds};
use crate::auth::tokens::{AccessTokens, Verified};
use crate::context::Context;
use crate::store::SessionRow;

/// What may not pass on this server.
pub struct Revocations {
    context: Context,
    list: Arc<RevocationList>,
    /// Notifies all who wait for a poll of the log, once one is in the list.
    polled: Arc<Notify>,
    /// What is refused here although its end is not committed yet.
    pending_ends: Arc<PendingEnds>,
    streams: Arc<OpenStreams>,
    ends_with_session: Arc<EndsWithSession>,
    tokens: Arc<AccessTokens>,
    /// Takes the sessions whose streams were notified, to be stored for receipts. Requests hold this as well, and must
    /// not keep the task alive that stores them: it ends with the tail and the end worker.
    notified: mpsc::WeakUnboundedSender<Vec<SessionId>>,
    metrics: Arc<SessionMetrics>,
}

impl Revocations {
    pub(super) fn new(
        context: Context,
        tokens: Arc<AccessTokens>,
        max_staleness: Duration,
        notified: &mpsc::UnboundedSender<Vec<SessionId>>,
    ) -> Self {
        let list = Arc::new(RevocationList::new(max_staleness, context.clock.monotonic()));
        let metrics: Arc<SessionMetrics> = context.metrics.group();
        let streams = Arc::new(OpenStreams::new(Arc::clone(&context.events), context.metrics.group()));
        let ends_with_session = Arc::new(EndsWithSession::new(Arc::clone(&streams)));
        let notified = notified.downgrade();
        metrics.cleanup_failures.declare(ends_with_session.steps().into_iter().chain([OTHER_SERVERS]));
        let (polled, pending_ends) = (Arc::default(), Arc::default());
        Self { context, list, polled, pending_ends, streams, ends_with_session, tokens, notified, metrics }
    }

    /// This server's list.
    pub const fn list(&self) -> &Arc<RevocationList> {
        &self.list
    }

    /// The streams that are open here.
    pub(super) const fn streams(&self) -> &Arc<OpenStreams> {
        &self.streams
    }

    /// What ends with a session.
    pub(super) const fn ends_with_session(&self) -> &Arc<EndsWithSession> {
        &self.ends_with_session
    }

    /// Something that another area has ends with sessions as well.
    pub fn ends_with_session_too(&self, member: Arc<dyn SessionBound>) {
        self.ends_with_session.add(member);
        self.metrics.cleanup_failures.declare(self.ends_with_session.steps());
    }

    /// What has been acknowledged as ended and is not committed yet.
    pub(super) const fn pending_ends(&self) -> &Arc<PendingEnds> {
        &self.pending_ends
    }

    /// Whether this server knows of an end that the database does not know of yet, or no longer.
    pub(super) fn is_known_to_be_over(&self, row: &SessionRow) -> Covered {
        if self.list.has_ended(row.id) {
            return Covered::Yes;
        }
        self.pending_ends.cover(row.user_id, row.id, row.created_at)
    }

    /// Until when sessions of this user began that all have a pending end.
    pub fn all_pending_until(&self, user_id: UserId) -> Option<Timestamp> {
        self.pending_ends.all_until(user_id)
    }

    /// Verifies an access token, and asks neither whether it has run out nor whether its session has ended: signing out
    /// is forgiving.
    pub fn verify_even_if_expired(&self, token: &str) -> Option<Arc<Verified>> {
        self.tokens.verify_even_if_expired(token, self.context.now()).ok()
    }
}
