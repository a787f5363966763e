//! What is committed takes effect on this server before anybody is answered: it goes on the server's own list, the
//! streams of ended sessions are notified and closed, and the other servers get a hint. One step for everybody who ends
//! sessions, whatever else their transaction did.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use types::domain::SessionId;

use super::metrics::SessionMetrics;
use super::revocations::RevocationList;
use crate::events::Hub;
use crate::store::EndOutcome;

/// How long a poll of the log may take.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(500);
const POLL_AGAIN: Duration = Duration::from_millis(2);

/// The parts of this server that a committed end has to reach.
pub(super) struct Enforcement {
    /// This server's list.
    pub list: Arc<RevocationList>,
    /// This server's streams, and the way to the other servers.
    pub hub: Arc<Hub>,
    /// Makes the tail poll the log at once.
    pub hint: Arc<Notify>,
    /// Takes the sessions whose streams were notified, to be stored for receipts. Requests hold this as well, and must
    /// not keep the task alive that stores them: it ends with the tail and the end worker.
    pub told: mpsc::WeakUnboundedSender<Vec<SessionId>>,
    /// Counts what was ended.
    pub metrics: Arc<SessionMetrics>,
}

impl Enforcement {
    /// Puts in force what one transaction has committed. Gives the sessions of each outcome whose streams were notified
    /// here.
    pub fn put_in_force(&self, outcomes: &[EndOutcome]) -> Vec<Vec<SessionId>> {
        if outcomes.iter().any(|outcome| !outcome.revocations.is_empty()) {
            self.hub.hint();
        }
        outcomes.iter().map(|outcome| self.take_effect(outcome)).collect()
    }

    fn take_effect(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        let Some(first) = outcome.revocations.first() else { return Vec::new() };
        if let Some(reason) = first.reason {
            self.metrics.ended.add(reason, outcome.ended.len());
        }
        self.list.add(&outcome.revocations);
        let told: Vec<SessionId> =
            outcome.revocations.iter().flat_map(|revocation| self.hub.revoke(revocation)).collect();
        if !told.is_empty()
            && let Some(sender) = self.told.upgrade()
        {
            // The receiver only goes when the server stops; receipts then stay at what was stored.
            let _ = sender.send(told.clone());
        }
        told
    }

    /// Where nothing was left to end, somebody had ended it before: this server by a commit it has not heard of, or
    /// another one. That it is refused here must not wait for the next poll of the log. Says whether that came in time.
    pub async fn catches_up(&self) -> bool {
        let begun = self.list.polls_begun();
        self.hint.notify_one();
        let polls = async {
            while !self.list.has_polled_since(begun) {
                tokio::time::sleep(POLL_AGAIN).await;
            }
        };
        tokio::time::timeout(CATCHES_UP_WITHIN, polls).await.is_ok()
    }
}
