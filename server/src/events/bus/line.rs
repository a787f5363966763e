//! One way to the other servers: sending, and subscribing again and again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use types::domain::Timestamp;
use uuid::Uuid;

use super::proof::Proof;
use super::seen::Seen;
use super::status::BusStatus;
use super::{Arrivals, Transport, TransportError, parcel};
use crate::clock::Clock;
use crate::events::Events;
use crate::jobs::Backoff;

/// How long sending may take.
const SEND_WITHIN: Duration = Duration::from_secs(2);
/// How long subscribing may take.
const SUBSCRIBE_WITHIN: Duration = Duration::from_secs(3);
/// A subscription on which nothing comes for this long, not even the echo, is dead, whatever the operating system says.
const SILENCE: Duration = Duration::from_secs(8);
const RECONNECT: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(2));
/// A message that was longer on its way is somebody's copy: no line holds one back for as long.
const OLDEST: Duration = Duration::from_mins(2);

/// What is done with what comes in, over whichever line.
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
    /// What was sent while nobody listened here is lost: look at the log at once. Clients ask anew unless another line stood all the time.
    fn subscribed(&self, line: usize, name: &str, before: bool) {
        let missed = self.status.subscribed(line);
        self.events.log_hint().notify_one();
        if before {
            tracing::info!(bus = name, "bus connected");
        }
        if missed {
            self.events.resync(self.clock.now());
        }
    }

    fn receive(&self, sealed: &str, name: &str) {
        let message = self.proof.open(sealed).and_then(parcel::open);
        let Some(parcel) = message.filter(|parcel| is_of_now(parcel.at, self.clock.now())) else {
            if self.status.refused().is_power_of_two() {
                tracing::warn!(bus = name, "bus messages rejected: not from this installation, or replayed");
            }
            return;
        };
        let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).first_time(parcel.from, parcel.number);
        if parcel.from == self.me || !is_new {
            return;
        }
        self.status.received(parcel.news.len());
        if parcel.look {
            self.events.log_hint().notify_one();
        }
        for news in parcel.news {
            self.events.receive(news, self.clock.now());
        }
    }
}

fn is_of_now(sent: Timestamp, now: Timestamp) -> bool {
    now.since(sent) <= OLDEST && sent.since(now) <= OLDEST
}

/// One way to the other servers.
pub struct Line<'a> {
    /// Which of them it is.
    pub number: usize,
    /// How messages travel.
    pub transport: &'a dyn Transport,
    /// What is done with what comes in.
    pub receiver: &'a Receiver,
}

impl Line<'_> {
    /// Sends what is put into the queue.
    pub async fn keep_sending(&self, mut queue: mpsc::Receiver<(Arc<str>, usize)>) {
        while let Some((message, count)) = queue.recv().await {
            match tokio::time::timeout(SEND_WITHIN, self.transport.send(message.to_string())).await {
                Ok(Ok(())) => self.receiver.status.sent(self.number, count),
                Ok(Err(error)) => self.cannot_send(&*error, count),
                Err(error) => self.cannot_send(&error, count),
            }
        }
    }

    fn cannot_send(&self, error: &(dyn std::error::Error + 'static), count: usize) {
        if self.receiver.status.cannot_send(self.number, count) {
            tracing::warn!(bus = self.transport.name(), error, "bus publish failed");
        }
    }

    /// Subscribes, and takes what comes in.
    pub async fn keep_listening(&self) {
        let mut pauses = RECONNECT.pauses();
        let mut before = false;
        loop {
            match tokio::time::timeout(SUBSCRIBE_WITHIN, self.transport.subscribe()).await {
                Ok(Ok(arrivals)) => {
                    self.receiver.subscribed(self.number, self.transport.name(), before);
                    pauses.reset();
                    before = true;
                    self.listen(arrivals).await;
                }
                Ok(Err(error)) => self.cannot_listen(&*error),
                Err(error) => self.cannot_listen(&error),
            }
            tokio::time::sleep(pauses.next_pause()).await;
        }
    }

    fn cannot_listen(&self, error: &(dyn std::error::Error + 'static)) {
        if self.receiver.status.cannot_listen(self.number) {
            tracing::warn!(
                bus = self.transport.name(),
                error,
                "bus disconnected: the revocation log is polled all the same"
            );
        }
    }

    async fn listen(&self, mut arrivals: Arrivals) {
        loop {
            match tokio::time::timeout(SILENCE, arrivals.next()).await {
                Ok(Some(Ok(text))) => self.receiver.receive(&text, self.transport.name()),
                Ok(Some(Err(error))) => return self.cannot_listen(&*error),
                Ok(None) => return self.cannot_listen(&*TransportError::from("the subscription ended")),
                Err(_) => return self.cannot_listen(&*TransportError::from("the subscription is silent")),
            }
        }
    }
}
