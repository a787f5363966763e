//! What is committed takes effect on this server before anybody is answered: it goes on the server's own list, the
//! streams of ended sessions are notified and closed, and the other servers get a hint. One step for everybody who ends
//! sessions, whatever else their transaction did.

use std::time::Duration;

use types::domain::SessionId;

use super::Revocations;
use crate::store::{EndOutcome, Revocation};

/// How long a poll of the log may take.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(500);
const POLL_AGAIN: Duration = Duration::from_millis(2);

impl Revocations {
    /// Puts in force what a transaction has committed. Gives the sessions whose streams were notified here.
    pub fn put_in_force(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        self.put_all_in_force(std::slice::from_ref(outcome)).pop().unwrap_or_default()
    }

    /// Puts in force what one transaction has committed. Gives the sessions of each outcome whose streams were notified
    /// here.
    pub(in crate::sessions) fn put_all_in_force(&self, outcomes: &[EndOutcome]) -> Vec<Vec<SessionId>> {
        if outcomes.iter().any(|outcome| !outcome.revocations.is_empty()) {
            self.context.events.hint();
        }
        outcomes.iter().map(|outcome| self.enforce(outcome)).collect()
    }

    /// The same for a request to end sessions: where nothing was left to end, this server learns what ended before.
    /// Gives the sessions whose streams were notified here.
    pub(in crate::sessions) async fn take_effect(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        let notified = self.put_in_force(outcome);
        if outcome.revocations.is_empty() {
            self.catches_up().await;
        }
        notified
    }

    /// Puts a row on the list that was written to the log by itself.
    pub(in crate::sessions) fn add(&self, row: Revocation) {
        self.list.add(&[row]);
        self.context.events.hint();
    }

    /// Where nothing was left to end, somebody had ended it before: this server by a commit it has not heard of, or
    /// another one. That it is refused here must not wait for the next poll of the log. Says whether that came in time.
    pub(in crate::sessions) async fn catches_up(&self) -> bool {
        let begun = self.list.polls_begun();
        self.context.events.log_hint().notify_one();
        let polls = async {
            while !self.list.has_polled_since(begun) {
                tokio::time::sleep(POLL_AGAIN).await;
            }
        };
        tokio::time::timeout(CATCHES_UP_WITHIN, polls).await.is_ok()
    }

    fn enforce(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        let Some(first) = outcome.revocations.first() else { return Vec::new() };
        if let Some(reason) = first.reason {
            self.metrics.ended.add(reason, outcome.ended.len());
        }
        self.list.add(&outcome.revocations);
        let notified: Vec<SessionId> =
            outcome.revocations.iter().flat_map(|revocation| self.ends_with_session.revoked(revocation)).collect();
        if !notified.is_empty()
            && let Some(sender) = self.notified.upgrade()
        {
            // The receiver only goes when the server stops; receipts then stay at what was stored.
            let _ = sender.send(notified.clone());
        }
        notified
    }
}
