//! Enforcing committed ends on this server before the request is answered: they are added to its own list, the streams
//! of ended sessions are notified and closed, and the other servers get a hint. Every transaction that ends sessions
//! uses this step.

use std::time::Duration;

use types::domain::SessionId;

use super::Revocations;
use crate::sessions::ends_with_session::CleanUpStep;
use crate::store::{EndOutcome, Revocation};

/// How long a poll of the log may take.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(500);

/// The other servers get a hint.
pub(in crate::sessions) const OTHER_SERVERS: CleanUpStep =
    CleanUpStep { name: "other_servers", in_words: "telling the other servers, which follow by themselves" };

/// What came of enforcing a committed end here. It holds, whatever failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// The sessions whose streams were notified here.
    pub notified: Vec<SessionId>,
    /// The steps of the clean-up that failed.
    pub failed: Vec<CleanUpStep>,
}

impl Revocations {
    /// Enforces what a transaction has committed.
    pub fn put_in_force(&self, outcome: &EndOutcome) -> InForce {
        self.put_all_in_force(std::slice::from_ref(outcome)).pop().unwrap_or_default()
    }

    /// Enforces what one transaction has committed, each outcome by itself.
    pub(in crate::sessions) fn put_all_in_force(&self, outcomes: &[EndOutcome]) -> Vec<InForce> {
        let has_revocations = outcomes.iter().any(|outcome| !outcome.revocations.is_empty());
        let is_notified = !has_revocations || self.context.events.hint();
        let enforce = |outcome| {
            let mut in_force = self.enforce(outcome);
            if !is_notified {
                in_force.failed.push(OTHER_SERVERS);
            }
            for step in &in_force.failed {
                self.metrics.cleanup_failures.increment(*step);
            }
            in_force
        };
        outcomes.iter().map(enforce).collect()
    }

    /// The same for a request to end sessions. Where none was left to end, this server polls the log for the earlier
    /// end.
    pub(in crate::sessions) async fn take_effect(&self, outcome: &EndOutcome) -> InForce {
        let in_force = self.put_in_force(outcome);
        if outcome.revocations.is_empty() {
            self.catches_up().await;
        }
        in_force
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

    fn enforce(&self, outcome: &EndOutcome) -> InForce {
        let mut in_force = InForce::default();
        let InForce { notified, failed } = &mut in_force;
        if let Some(first) = outcome.revocations.first() {
            if let Some(reason) = first.reason {
                self.metrics.ended.add(reason, outcome.ended.len());
            }
            self.list.add(&outcome.revocations);
            for revocation in &outcome.revocations {
                notified.extend(self.ends_with_session.revoked(revocation, failed));
            }
        }
        self.ends_with_session.committed(outcome, failed);
        if !notified.is_empty()
            && let Some(sender) = self.notified.upgrade()
        {
            // The receiver only goes when the server stops; receipts then stay at what was stored.
            let _ = sender.send(notified.clone());
        }
        in_force
    }
}
