//! The bus of a server that has its database for itself: there is no other server, and the echo comes at once.

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::broadcast;

use super::{Incoming, Transport, TransportError};

/// For one server on SQLite.
pub struct InProcess(broadcast::Sender<String>);

impl InProcess {
    /// A bus of its own.
    pub fn new() -> Self {
        Self(broadcast::channel(64).0)
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for InProcess {
    fn name(&self) -> &'static str {
        "in-process"
    }

    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>> {
        // Nobody listens before the subscription and after the end: nothing is lost by that.
        let _ = self.0.send(text);
        futures::future::ready(Ok(())).boxed()
    }

    fn subscribe(&self) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let receiver = self.0.subscribe();
        let incoming = stream::unfold(receiver, |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(text) => return Some((Ok(text), receiver)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        futures::future::ready(Ok(incoming.boxed())).boxed()
    }
}
