//! Receiving messages, over every line.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use types::domain::Timestamp;
use uuid::Uuid;

use super::envelope;
use super::message::Message;
use super::message_key::MessageKey;
use super::seen::Seen;
use super::status::BusStatus;
use crate::clock::Clock;
use crate::events::Events;

/// A message older than this is a replay: no line delays one for so long.
const OLDEST: Duration = Duration::from_mins(2);

/// Receives messages, over every line.
pub struct Receiver {
    pub me: Uuid,
    /// Verifies that messages are ours.
    pub message_key: Arc<MessageKey>,
    /// Which were received.
    pub seen: Mutex<Seen>,
    /// How the bus is doing.
    pub status: Arc<BusStatus>,
    pub events: Arc<Events>,
    pub clock: Arc<dyn Clock>,
}

impl Receiver {
    /// A line has subscribed. Messages that were sent before are lost, so the log is polled at once. Clients reload
    /// unless another line worked all the time.
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

    /// Receives a text. It is dropped if its tag is wrong, if it is too old, or if it was received before.
    pub fn receive(&self, sealed: &str, name: &str) {
        let now = self.clock.now();
        let envelope = self.message_key.open(sealed).and_then(envelope::open);
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
        // A sender joins hints into one, so they are not counted.
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
