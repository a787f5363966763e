//! Signing out by refresh token alone while the database is away: the token proves whose device it is, but only the
//! database knows whose user.
//!
//! The session is refused here at once, by its id, and ended as soon as the database can say more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use types::api::Ended;
use types::domain::{ClientReason, SessionId, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::pending_ends::Force;
use super::pending_log::{Entry, UnresolvedEnd, Written};
use super::{EndAnswer, EndRequest, Scope, Terminations};
use crate::jobs::Backoff;
use crate::store::Origin;

/// How many may be pending at once. Further ones are answered with `503`.
const MOST: usize = 4096;
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(5));

/// One that waits, counted until it is done or given up.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Terminations {
    /// Refuses the session on this server. Returns the task that ends it once the database answers, and a receiver that
    /// says whether the end was written to the pending log. `None` where too many are pending.
    pub fn end_unresolved(
        self: &Arc<Self>,
        session_id: SessionId,
        client_reason: Option<ClientReason>,
        origin: Origin,
    ) -> Option<(impl Future<Output = ()> + Send + use<>, oneshot::Receiver<bool>)> {
        let counted = self.count_unresolved(MOST)?;
        let pending_end = UnresolvedEnd { session_id, client_reason: client_reason.map(String::from), origin };
        self.refuse_unresolved(&pending_end);
        let this = Arc::clone(self);
        let (written, is_written) = oneshot::channel();
        let rest = async move {
            let number =
                this.pending_log.pending_end(vec![Entry::UnresolvedEnd(pending_end.clone())]).await.pop().flatten();
            this.metrics.pending_log_failures.add(usize::from(number.is_none()));
            // The requester may have gone. The end is carried out all the same.
            let _ = written.send(number.is_some());
            this.until_ended(Written { pending_end, number }, counted).await;
        };
        Some((rest, is_written))
    }

    /// The same for an end that an earlier process had written.
    pub fn resume_end(
        self: &Arc<Self>,
        unresolved: Written<UnresolvedEnd>,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let counted = self.count_unresolved(usize::MAX)?;
        self.refuse_unresolved(&unresolved.pending_end);
        Some(Arc::clone(self).until_ended(unresolved, counted))
    }

    fn count_unresolved(&self, most: usize) -> Option<Counted> {
        let counted = self.unresolved.fetch_add(1, Ordering::AcqRel) < most;
        let place = Counted(Arc::clone(&self.unresolved));
        counted.then_some(place)
    }

    /// Refuses it by its id alone: requests with its token and its streams need no user.
    fn refuse_unresolved(&self, unresolved: &UnresolvedEnd) {
        let (session_id, at) = (unresolved.session_id, self.context.now());
        self.revocations.pending_ends().add_unowned(session_id);
        let is_this = |_, other, _| other == session_id;
        let reason = EndReason::UserInitiatedLogout;
        let ended = |session_id| Ended {
            session_id,
            reason: reason.into(),
            ended_by: Some(session_id),
            ended_by_device: None,
            at,
        };
        self.revocations.ends_with_session().over_here(None, is_this, ended);
    }

    async fn until_ended(self: Arc<Self>, unresolved: Written<UnresolvedEnd>, counted: Counted) {
        let mut pauses = RETRY.pauses();
        loop {
            tokio::time::sleep(pauses.next_pause()).await;
            if self.try_to_end(&unresolved.pending_end).await {
                break;
            }
        }
        self.revocations.pending_ends().remove_unowned(unresolved.pending_end.session_id);
        self.pending_log.committed(unresolved.number.as_slice());
        drop(counted);
    }

    /// Whether it has ended. A session that the database does not know is ended all the same: it may have been set
    /// back.
    async fn try_to_end(&self, unresolved: &UnresolvedEnd) -> bool {
        let UnresolvedEnd { session_id, client_reason, origin } = unresolved.clone();
        let client_reason = client_reason.and_then(|text| ClientReason::parse(&text).ok());
        let Ok(found) = self.context.store.sessions().session(session_id).await else { return false };
        let user_id = found.map_or(UserId(Uuid::nil()), |row| row.user_id);
        let request = EndRequest {
            user_id,
            actor_id: user_id,
            session_id,
            epoch: None,
            token_until: Some(self.lifetimes.remember_until(self.context.now())),
            force: Force::Full,
            scope: Scope::This,
            client_reason,
            origin,
        };
        // A pending end in its place may be in memory only.
        matches!(self.end(request).await, Ok(EndAnswer::Done { .. }))
    }
}
