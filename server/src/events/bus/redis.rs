//! The bus over Redis: publish and subscribe, the fastest of them. Redis keeps nothing of it and may be emptied or lost
//! at any time.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use redis::RedisError;

use super::redis_connection::RedisConnection;
use super::{Incoming, Transport, TransportError};

/// For several servers with one Redis.
pub struct Redis {
    connection: Arc<RedisConnection>,
    channel: String,
}

impl Redis {
    /// Over the Redis at `url`; servers of one installation share the `channel`.
    ///
    /// # Errors
    /// Where `url` is none of Redis.
    pub fn new(url: &str, channel: String) -> Result<Self, TransportError> {
        Ok(Self::over(Arc::new(RedisConnection::new(url)?), channel))
    }

    /// Over a connection that others use too.
    pub const fn over(connection: Arc<RedisConnection>, channel: String) -> Self {
        Self { connection, channel }
    }

    async fn publish(&self, text: &str) -> Result<(), RedisError> {
        let mut publish = redis::pipe();
        publish.cmd("PUBLISH").arg(&self.channel).arg(text).ignore();
        self.connection.ask(&publish).await
    }
}

impl Transport for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>> {
        async move {
            // A connection is found to be dead only by using it, whatever it died of: once more over a new one.
            match self.publish(&text).await {
                Ok(()) => Ok(()),
                Err(_) => Ok(self.publish(&text).await?),
            }
        }
        .boxed()
    }

    fn subscribe(&self) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        async move {
            let mut subscription = self.connection.client().get_async_pubsub().await?;
            subscription.subscribe(&self.channel).await?;
            let texts = subscription.into_on_message().map(|message| Ok(message.get_payload::<String>()?));
            Ok(texts.boxed())
        }
        .boxed()
    }
}
