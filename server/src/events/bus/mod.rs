//! The bus between servers: hints that something was revoked, and live events for the streams that are open elsewhere.
//!
//! Messages may be lost, late or repeated: revocations are found in the log without any hint, and a client that may
//! have missed an event is told to reload. A [`Transport`] only moves text; everything else is done once, here:
//! batching, tags of origin, time limits, subscribing again, and detecting dead lines by the echo of own messages.
//!
//! Each message goes over every line there is, and the first copy counts. So a line that is dead, slow or silent costs
//! nothing as long as another one works, even before it is known to be dead.

mod envelope;
mod in_process;
mod line;
mod message;
mod message_key;
mod notify;
mod receiver;
mod redis;
mod redis_connection;
mod seen;
mod status;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use in_process::InProcess;
pub use message::Message;
pub use message_key::MessageKey;
pub use notify::PostgresNotify;
pub use redis::Redis;
pub use redis_connection::RedisConnection;
pub use status::{BusState, BusStatus};

use line::BusLine;
use receiver::Receiver;
use seen::Seen;

use super::Events;
use crate::clock::Clock;

/// How many messages may wait to be sent; more are dropped.
const QUEUE: usize = 4096;
/// The most messages that are gathered at once.
const MAX_BATCH: usize = 256;
/// How many gathered messages may wait for a line.
const LINE_QUEUE: usize = 64;
/// How often an empty envelope is sent: its echo shows that the line works.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Why a transport failed. For the log only.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// What comes in on a subscription; ends when the line is lost.
pub type Incoming = BoxStream<'static, Result<String, TransportError>>;

/// A way from each server to all servers, itself included.
pub trait Transport: Send + Sync + 'static {
    /// What it is called in health and metrics.
    fn name(&self) -> &'static str;

    /// The longest text it carries, in bytes.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// Sends a text to every subscriber.
    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>>;

    /// Subscribes: whatever is sent once this has returned comes in, until the line is lost.
    fn subscribe(&self) -> BoxFuture<'_, Result<Incoming, TransportError>>;
}

/// The sending half of the bus. It never waits: messages that do not fit are dropped.
#[derive(Clone)]
pub struct BusSender {
    queue: mpsc::Sender<Message>,
    status: Arc<BusStatus>,
}

impl BusSender {
    /// Publishes a message to the other servers. It may be lost. Whether it could be queued.
    pub fn publish(&self, message: Message) -> bool {
        let is_queued = self.queue.try_send(message).is_ok();
        if !is_queued {
            self.status.lost(1);
        }
        is_queued
    }
}

/// This server's end of the bus.
pub struct Bus {
    transports: Vec<Box<dyn Transport>>,
    me: Uuid,
    message_key: Arc<MessageKey>,
    outgoing: mpsc::Receiver<Message>,
    status: Arc<BusStatus>,
    clock: Arc<dyn Clock>,
}

pub struct BusParts {
    /// The ways to the other servers, the fastest first.
    pub transports: Vec<Box<dyn Transport>>,
    /// Tells this server's own messages from others.
    pub me: Uuid,
    /// Tells messages of this installation from others.
    pub message_key: MessageKey,
    pub clock: Arc<dyn Clock>,
}

/// Makes a bus: its sending half, and the task that sends and receives.
pub fn bus(parts: BusParts) -> (BusSender, Bus) {
    let BusParts { transports, me, message_key, clock } = parts;
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let status = Arc::new(BusStatus::new(transports.iter().map(|transport| transport.name())));
    let sender = BusSender { queue, status: Arc::clone(&status) };
    (sender, Bus { transports, me, message_key: Arc::new(message_key), outgoing, status, clock })
}

impl Bus {
    pub fn status(&self) -> Arc<BusStatus> {
        Arc::clone(&self.status)
    }

    /// Sends and receives until `stop`.
    pub async fn run(self, events: Arc<Events>, stop: CancellationToken) {
        let Self { transports, me, message_key, outgoing, status, clock } = self;
        let longest = transports.iter().map(|transport| transport.longest()).min().unwrap_or(usize::MAX);
        let (queues, waiting): (Vec<_>, Vec<_>) = transports.iter().map(|_| mpsc::channel(LINE_QUEUE)).unzip();
        let writer = Writer { me, message_key: &message_key, longest, queues, status: &status, clock: &*clock };
        let receiver = Receiver {
            me,
            message_key: Arc::clone(&message_key),
            seen: Mutex::new(Seen::default()),
            status: Arc::clone(&status),
            events,
            clock: Arc::clone(&clock),
        };
        let lines = transports.iter().zip(waiting).enumerate().map(|(number, (transport, queue))| {
            let line = BusLine { number, transport: &**transport, receiver: &receiver };
            async move {
                tokio::select! {
                    () = line.send_all(queue) => {}
                    () = line.stay_subscribed() => {}
                }
            }
        });
        tokio::select! {
            () = stop.cancelled() => {}
            () = writer.write_all(outgoing) => {}
            _ = join_all(lines) => {}
        }
    }
}

/// Batches messages, and hands them to every line.
struct Writer<'a> {
    me: Uuid,
    message_key: &'a MessageKey,
    longest: usize,
    queues: Vec<mpsc::Sender<(Arc<str>, usize)>>,
    status: &'a BusStatus,
    clock: &'a dyn Clock,
}

impl Writer<'_> {
    async fn write_all(&self, mut outgoing: mpsc::Receiver<Message>) {
        let mut messages = Vec::new();
        let mut number = 0;
        loop {
            tokio::select! {
                received = outgoing.recv_many(&mut messages, MAX_BATCH) => if received == 0 { return },
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let mut count = messages.len();
            let stamp = envelope::Stamp { sender: self.me, sent_at: self.clock.now() };
            let longest = self.longest - MessageKey::LENGTH;
            let (envelopes, too_long) = envelope::pack(&stamp, &mut number, messages.drain(..), longest);
            self.status.lost(too_long);
            count -= too_long;
            for text in envelopes {
                // Counted with the first of them.
                self.hand_over(&self.message_key.seal(&text), std::mem::take(&mut count));
            }
        }
    }

    fn hand_over(&self, message: &str, count: usize) {
        let message: Arc<str> = message.into();
        for (line, queue) in self.queues.iter().enumerate() {
            if queue.try_send((Arc::clone(&message), count)).is_err() {
                self.status.lost_on(line, count);
            }
        }
    }
}
