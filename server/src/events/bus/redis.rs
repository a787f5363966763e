//! The bus over Redis: publish and subscribe, the fastest of them. Redis keeps nothing of it and may be emptied or lost
//! at any time.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError};
use tokio::sync::Mutex;

use super::{Incoming, Transport, TransportError};

/// How long Redis may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// For several servers with one Redis.
pub struct Redis {
    client: redis::Client,
    channel: String,
    /// The connection that sends, for as long as nothing has gone wrong on it.
    publisher: Mutex<Option<MultiplexedConnection>>,
}

impl Redis {
    /// Over the Redis at `url`; servers of one installation share the `channel`.
    ///
    /// # Errors
    /// Where `url` is none of Redis.
    pub fn new(url: &str, channel: String) -> Result<Self, TransportError> {
        Ok(Self { client: redis::Client::open(url)?, channel, publisher: Mutex::new(None) })
    }

    async fn publish(&self, text: &str) -> Result<(), RedisError> {
        // One at a time, as they come.
        let mut publisher = self.publisher.lock().await;
        // Taken out meanwhile, so that one that is given up in the middle is not used again.
        let mut connection = match publisher.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        redis::cmd("PUBLISH").arg(&self.channel).arg(text).exec_async(&mut connection).await?;
        *publisher = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        self.client.get_multiplexed_async_connection_with_config(&config).await
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
            let mut subscription = self.client.get_async_pubsub().await?;
            subscription.subscribe(&self.channel).await?;
            let texts = subscription.into_on_message().map(|message| Ok(message.get_payload::<String>()?));
            Ok(texts.boxed())
        }
        .boxed()
    }
}
