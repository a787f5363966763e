//! The accept loop, with a time limit for everything that a client does.
//!
//! `axum::serve` has no time limit for a client that says nothing, or says it slowly, and no limit on connections.

mod connection;
mod connection_slots;
mod open_ended;
mod progress;
#[cfg(test)]
mod tests;
mod timed;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use open_ended::OpenEnded;

use connection::AcceptedClient;
use connection_slots::{ConnectionSlot, ConnectionSlots};

use crate::http::open_files;
use crate::http::proxies::TrustedProxies;
use crate::jobs::{Backoff, Pauses};
use crate::lifecycle::DRAIN;

/// How long to wait after a connection that could not be taken.
const ACCEPT_RETRY: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(1));
/// Files that are open besides connections.
const OTHER_FILES: usize = 256;

/// What clients may take of our time and memory.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the connection to the first byte, and from the first byte of a request to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// The same, when nearly all slots are taken.
    pub idle_when_scarce: Duration,
    /// For a client that does not take its answer.
    pub stalled_write: Duration,
    /// The largest head of a request, in bytes.
    pub head_bytes: usize,
    /// Connections at once; the next ones are told to come back, or wait in the operating system's queue.
    pub connections: usize,
    /// Connections of one address at once.
    pub an_address: usize,
    /// Whose connections are not limited: load balancers, which ask for many.
    pub unlimited: TrustedProxies,
    /// Connections beside the others that are answered only how the server is.
    pub reserved_for_health: usize,
    /// For requests under way once the server has been told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            // Longer than the 60 seconds usual with load balancers, so that it is they who close first.
            idle: Duration::from_secs(75),
            stalled_write: Duration::from_secs(30),
            head_bytes: 16 * 1024,
            idle_when_scarce: Duration::from_secs(5),
            connections: 20_000,
            an_address: 512,
            unlimited: TrustedProxies::default(),
            reserved_for_health: 32,
            drain: DRAIN,
        }
    }
}

/// Whoever answers requests.
pub trait RequestHandler: Send + Sync + 'static {
    /// Answers one request of the client at `peer`.
    fn answer(&self, peer: SocketAddr, request: Request) -> impl Future<Output = Response> + Send;
}

impl RequestHandler for Router {
    async fn answer(&self, _: SocketAddr, request: Request) -> Response {
        match self.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Serves until `stop`; then takes no more connections, lets requests under way finish for [`Limits::drain`], and drops
/// the rest.
///
/// # Errors
/// Where the listener is of no use any more.
pub async fn serve<H: RequestHandler>(
    listener: TcpListener,
    handler: H,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let handler = Arc::new(handler);
    let limits = Arc::new(limits);
    // Some files are left for the database and for what else there is.
    let slots = limits.connections.min(open_files::raise().saturating_sub(OTHER_FILES).max(1));
    let slots = ConnectionSlots::new(slots, Arc::clone(&limits));
    // Dropping the set drops every connection: whoever gives up on this future has stopped hard.
    let mut connections = JoinSet::new();
    let mut pauses = ACCEPT_RETRY.pauses();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots, &mut pauses) => accepted,
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let client = AcceptedClient { peer, slot: Arc::new(slot) };
        connections.spawn(connection::run(stream, client, Arc::clone(&handler), Arc::clone(&limits), stop.clone()));
    }
    drop(listener);
    let drained = tokio::time::timeout(limits.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "connections closed before they finished");
    }
    Ok(())
}

type Accepted = (tokio::net::TcpStream, SocketAddr, ConnectionSlot);

/// The next connection, once there may be a slot for one; `None` where there is none for this one. Losing this future
/// loses no connection.
async fn accept(listener: &TcpListener, slots: &Arc<ConnectionSlots>, pauses: &mut Pauses) -> Option<Accepted> {
    slots.some_free().await;
    match listener.accept().await {
        Ok((stream, peer)) => {
            pauses.reset();
            let slot = slots.take(peer.ip());
            if slot.is_none() {
                tracing::debug!(address = %peer.ip(), "connection refused: too many from one address");
            }
            Some((stream, peer, slot?))
        }
        Err(error) if is_the_clients_fault(&error) => None,
        Err(error) => {
            // Most likely out of file descriptors: without a pause this loop would spin until one is free. A connection
            // of ours that ends frees one, and cuts the pause short.
            tracing::error!(error = %error, "accept failed");
            tokio::time::sleep(pauses.next_pause()).await;
            None
        }
    }
}

fn is_the_clients_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
