//! What is done with what comes in, over whichever line.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use types::domain::Timestamp;
use uuid::Uuid;

use super::envelope;
use super::message::Message;
use super::proof::Proof;
use super::seen::Seen;
use super::status::BusStatus;
use crate::clock::Clock;
use crate::events::Events;

/// A message that was longer on its way is somebody's copy: no line holds one back for as long.
const OLDEST: Duration = Duration::from_mins(2);

/// Takes what comes in, over whichever line.
pub struct Receiver {
    /// This server.
    pub me: Uuid,
    /// Which messages are ours.
    pub proof: Arc<Proof>,
    /// Which were received.
    pub seen: Mutex<Seen>,
    /// How the bus is doing.
    pub status: Arc<BusStatus>,
    /// Who gets it.
    pub events: Arc<Events>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Receiver {
    /// What was sent while nobody listened here is lost: look at the log at once. Clients ask anew unless another line
    /// stood all the time.
    pub fn subscribed(&self, line: usize, name: &str, before: bool) {
        let missed = self.status.subscribed(line);
        self.events.log_hint().notify_one();
        if before {
            tracing::info!(bus = name, "bus connected");
        }
        if missed {
            self.events.resync(self.clock.now());
        }
    }

    /// Takes a text that came in. Without a proof, or too late, it does nothing; nor does it if it has come in before.
    pub fn receive(&self, sealed: &str, name: &str) {
        let now = self.clock.now();
        let envelope = self.proof.open(sealed).and_then(envelope::open);
        let Some(envelope) = envelope.filter(|envelope| is_of_now(envelope.sent_at, now)) else {
            if self.status.refused().is_power_of_two() {
                tracing::warn!(
                    bus = name,
                    "bus messages rejected: not from this installation, of another version, or replayed"
                );
            }
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = seen.first_time(envelope.sender, envelope.number);
        drop(seen);
        if envelope.sender == self.me || !is_new {
            return;
        }
        // Hints are gathered into one by their sender: counting them would say nothing.
        let events = envelope.messages.iter().filter(|message| **message != Message::Revoked);
        self.status.received(events.count());
        for message in envelope.messages {
            self.events.receive(message, now);
        }
    }
}

fn is_of_now(sent: Timestamp, now: Timestamp) -> bool {
    now.since(sent) <= OLDEST && sent.since(now) <= OLDEST
}
