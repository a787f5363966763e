//! Enforcing committed ends on this server before the request is answered: they are added to its own list, the streams
//! of ended sessions are notified and closed, and the other servers get a hint. Every transaction that ends sessions
//! uses this step.

use std::time::Duration;

use types::domain::SessionId;

use super::Revocations;
use crate::store::{EndOutcome, Revocation, RoomMessageRow};

/// How long a poll of the log may take.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(500);

impl Revocations {
    /// From now on, this is told what rooms say of users who have left them with ended sessions, once it is committed
    /// here.
    pub fn tell_rooms(&self, tell: impl Fn(&[RoomMessageRow]) + Send + Sync + 'static) {
        // Whoever comes first: there is one area of rooms.
        let _ = self.tell_rooms.set(Box::new(tell));
    }

    /// Enforces what a transaction has committed. Returns the sessions whose streams were notified here.
    pub fn put_in_force(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        self.put_all_in_force(std::slice::from_ref(outcome)).pop().unwrap_or_default()
    }

    /// Enforces what one transaction has committed. Returns, for each outcome, the sessions whose streams were notified
    /// here.
    pub(in crate::sessions) fn put_all_in_force(&self, outcomes: &[EndOutcome]) -> Vec<Vec<SessionId>> {
        if outcomes.iter().any(|outcome| !outcome.revocations.is_empty()) {
            self.context.events.hint();
        }
        outcomes.iter().map(|outcome| self.enforce(outcome)).collect()
    }

    /// The same for a request to end sessions. Where none was left to end, this server polls the log for the earlier
    /// end. Returns the sessions whose streams were notified here.
    pub(in crate::sessions) async fn take_effect(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        let notified = self.put_in_force(outcome);
        if outcome.revocations.is_empty() {
            self.catches_up().await;
        }
        notified
    }

    /// Adds a row to the list that was written to the log by itself.
    pub(in crate::sessions) fn add(&self, row: Revocation) {
        self.list.add(&[row]);
        self.context.events.hint();
    }

    /// Where no session was left to end, an earlier commit had ended it: one of another server, or one that was not
    /// acknowledged to this server. The list must have it before the request is answered, so this waits for a poll.
    /// Returns whether one came in time.
    pub(in crate::sessions) async fn catches_up(&self) -> bool {
        let begun = self.list.polls_begun();
        self.context.events.log_hint().notify_one();
        let caught_up = async {
            loop {
                // Made before the list is checked, so that a poll that is applied in between is not missed.
                let polled = self.polled.notified();
                if self.list.has_polled_since(begun) {
                    return;
                }
                polled.await;
            }
        };
        tokio::time::timeout(CATCHES_UP_WITHIN, caught_up).await.is_ok()
    }

    fn enforce(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        if let Some(tell) = self.tell_rooms.get().filter(|_| !outcome.departures.is_empty()) {
            tell(outcome.departures.as_slice());
        }
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
