//! One way to the other servers: sending, and subscribing again and again.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::receiver::Receiver;
use super::{Incoming, Transport, TransportError};
use crate::jobs::Backoff;

/// How long sending may take.
const SEND_WITHIN: Duration = Duration::from_secs(2);
/// How long subscribing may take.
const SUBSCRIBE_WITHIN: Duration = Duration::from_secs(3);
/// A subscription on which nothing comes for this long, not even the echo, is dead, whatever the operating system says.
const SILENCE: Duration = Duration::from_secs(8);
const RECONNECT: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(2));

/// One way to the other servers.
pub struct BusLine<'a> {
    /// Which of them it is.
    pub number: usize,
    pub transport: &'a dyn Transport,
    /// Receives what comes in.
    pub receiver: &'a Receiver,
}

impl BusLine<'_> {
    /// Sends what is put into the queue.
    pub async fn send_all(&self, mut queue: mpsc::Receiver<(Arc<str>, usize)>) {
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

    /// Subscribes, receives what comes in, and subscribes again when the subscription ends. The bus drops this when it
    /// stops, wherever it is.
    pub async fn stay_subscribed(&self) {
        let mut pauses = RECONNECT.pauses();
        let mut before = false;
        loop {
            match tokio::time::timeout(SUBSCRIBE_WITHIN, self.transport.subscribe()).await {
                Ok(Ok(incoming)) => {
                    self.receiver.subscribed(self.number, self.transport.name(), before);
                    before = true;
                    let since = Instant::now();
                    self.listen(incoming).await;
                    // A subscription that ends at once is no success: clients would be asked to reload many times
                    // a second.
                    if since.elapsed() >= SILENCE {
                        pauses.reset();
                    }
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

    async fn listen(&self, mut incoming: Incoming) {
        loop {
            match tokio::time::timeout(SILENCE, incoming.next()).await {
                Ok(Some(Ok(text))) => self.receiver.receive(&text, self.transport.name()),
                Ok(Some(Err(error))) => return self.cannot_listen(&*error),
                Ok(None) => return self.cannot_listen(&*TransportError::from("the subscription ended")),
                Err(_) => return self.cannot_listen(&*TransportError::from("the subscription is silent")),
            }
        }
    }
}
