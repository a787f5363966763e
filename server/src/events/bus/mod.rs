//! The bus between servers: hints that something was revoked, and live events for the streams that are open elsewhere.
//!
//! Messages may be lost, late or repeated: revocations are found in the log without any hint, and a client that missed an event
//! is told to ask anew. A [`Transport`] only moves text; everything else is done once, here: gathering what is sent together,
//! time limits, subscribing again, and proving by the echo of its own messages that the line still stands.

mod in_process;
mod notify;
mod parcel;
mod redis;
mod status;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::{Notify as Hint, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use in_process::InProcess;
pub use notify::Notify;
pub use parcel::News;
pub use redis::Redis;
pub use status::{BusState, BusStatus};

use super::Hub;
use crate::clock::Clock;

/// How many messages may wait to be sent; more are dropped.
const QUEUE: usize = 4096;
/// The most messages that are gathered at once.
const TOGETHER: usize = 256;
/// How long sending may take.
const SEND_WITHIN: Duration = Duration::from_secs(2);
/// How long subscribing may take.
const SUBSCRIBE_WITHIN: Duration = Duration::from_secs(3);
/// How often something is sent although there is no news: its echo shows that the line stands.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// A subscription on which nothing comes for this long, not even the echo, is dead, whatever the operating system says.
const SILENCE: Duration = Duration::from_secs(8);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why a transport failed. For the log only.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// What comes in on a subscription; ends when the line is lost.
pub type Arrivals = BoxStream<'static, Result<String, TransportError>>;

/// A way from each server to all servers, itself included.
pub trait Transport: Send + Sync + 'static {
    /// What it is called in health and figures.
    fn name(&self) -> &'static str;

    /// The longest text it carries, in bytes.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// Sends a text to everybody who is subscribed.
    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>>;

    /// Subscribes: whatever is sent once this has returned comes in, until the line is lost.
    fn subscribe(&self) -> BoxFuture<'_, Result<Arrivals, TransportError>>;
}

/// The way onto the bus. Never waits: what does not fit is dropped.
#[derive(Clone)]
pub struct BusSender {
    queue: mpsc::Sender<News>,
    status: Arc<BusStatus>,
}

impl BusSender {
    /// Sends news to the other servers, if all goes well.
    pub fn send(&self, news: News) {
        if self.queue.try_send(news).is_err() {
            self.status.lost(1);
        }
    }
}

/// This server's end of the bus.
pub struct Bus {
    transport: Box<dyn Transport>,
    me: Uuid,
    outgoing: mpsc::Receiver<News>,
    status: Arc<BusStatus>,
    hint: Arc<Hint>,
    clock: Arc<dyn Clock>,
}

/// Makes a bus: the way onto it, and what is to be run with the hub that takes what arrives. `me` tells this server's own messages
/// from others; `hint` is set whenever the revocation log should be looked at.
pub fn bus(transport: Box<dyn Transport>, me: Uuid, hint: Arc<Hint>, clock: Arc<dyn Clock>) -> (BusSender, Bus) {
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let status = Arc::new(BusStatus::new(transport.name()));
    let sender = BusSender { queue, status: Arc::clone(&status) };
    (sender, Bus { transport, me, outgoing, status, hint, clock })
}

impl Bus {
    /// How it is doing.
    pub fn status(&self) -> Arc<BusStatus> {
        Arc::clone(&self.status)
    }

    /// Sends and receives until `stop`.
    pub async fn run(self, hub: Arc<Hub>, stop: CancellationToken) {
        let Self { transport, me, outgoing, status, hint, clock } = self;
        let line = Line { transport: &*transport, me, status: &status, hint: &hint, hub: &hub, clock: &*clock };
        tokio::select! {
            () = stop.cancelled() => {}
            () = line.keep_sending(outgoing) => {}
            () = line.keep_listening() => {}
        }
    }
}

/// What both directions work with.
struct Line<'a> {
    transport: &'a dyn Transport,
    me: Uuid,
    status: &'a BusStatus,
    hint: &'a Hint,
    hub: &'a Arc<Hub>,
    clock: &'a dyn Clock,
}

impl Line<'_> {
    async fn keep_sending(&self, mut outgoing: mpsc::Receiver<News>) {
        let mut news = Vec::new();
        loop {
            tokio::select! {
                received = outgoing.recv_many(&mut news, TOGETHER) => if received == 0 { return },
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let count = news.len();
            let (parcels, too_long) = parcel::pack(self.me, news.drain(..), self.transport.longest());
            self.status.lost(too_long);
            for text in parcels {
                match tokio::time::timeout(SEND_WITHIN, self.transport.send(text)).await {
                    Ok(Ok(())) => self.status.sent(count),
                    Ok(Err(error)) => self.cannot_send(&*error, count),
                    Err(error) => self.cannot_send(&error, count),
                }
            }
        }
    }

    fn cannot_send(&self, error: &(dyn std::error::Error + 'static), count: usize) {
        if self.status.cannot_send(count) {
            tracing::warn!(bus = self.transport.name(), error, "news cannot be sent to the other servers");
        }
    }

    async fn keep_listening(&self) {
        let mut pause = FIRST_PAUSE;
        let mut before = false;
        loop {
            match tokio::time::timeout(SUBSCRIBE_WITHIN, self.transport.subscribe()).await {
                Ok(Ok(arrivals)) => {
                    self.subscribed(before);
                    (pause, before) = (FIRST_PAUSE, true);
                    self.listen(arrivals).await;
                }
                Ok(Err(error)) => self.cannot_listen(&*error),
                Err(error) => self.cannot_listen(&error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What was sent while nobody listened here is lost: look at the log at once, and have clients ask anew.
    fn subscribed(&self, before: bool) {
        self.status.subscribed();
        self.hint.notify_one();
        if before {
            tracing::info!(bus = self.transport.name(), "the bus is back");
            self.hub.resync(self.clock.now());
        }
    }

    fn cannot_listen(&self, error: &(dyn std::error::Error + 'static)) {
        if self.status.cannot_listen() {
            tracing::warn!(
                bus = self.transport.name(),
                error,
                "the bus cannot be reached; the log is read regularly all the same"
            );
        }
    }

    async fn listen(&self, mut arrivals: Arrivals) {
        loop {
            match tokio::time::timeout(SILENCE, arrivals.next()).await {
                Ok(Some(Ok(text))) => self.take(&text),
                Ok(Some(Err(error))) => return self.cannot_listen(&*error),
                Ok(None) => return self.cannot_listen(&*TransportError::from("the subscription ended")),
                Err(_) => return self.cannot_listen(&*TransportError::from("the subscription is silent")),
            }
        }
    }

    fn take(&self, text: &str) {
        let Some(parcel) = parcel::open(text) else {
            tracing::warn!(bus = self.transport.name(), "an unreadable message");
            return;
        };
        if parcel.from == self.me {
            return;
        }
        self.status.received(parcel.news.len());
        if parcel.look {
            self.hint.notify_one();
        }
        for news in parcel.news {
            self.hub.arrive(news, self.clock.now());
        }
    }
}
