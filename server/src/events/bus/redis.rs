//! The bus over Redis: publish and subscribe, the fastest of them. Redis keeps nothing of it and may be emptied or lost at any time.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::OnceCell;

use super::{Arrivals, Transport, TransportError};

/// How long Redis may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// For several servers with one Redis.
pub struct Redis {
    client: redis::Client,
    channel: String,
    publisher: OnceCell<ConnectionManager>,
}

impl Redis {
    /// Over the Redis at `url`; servers of one installation share the `channel`.
    ///
    /// # Errors
    /// Where `url` is none of Redis.
    pub fn new(url: &str, channel: String) -> Result<Self, TransportError> {
        Ok(Self { client: redis::Client::open(url)?, channel, publisher: OnceCell::new() })
    }

    /// The connection that sends. It connects again by itself once it is lost.
    async fn publisher(&self) -> Result<ConnectionManager, TransportError> {
        let connect = || {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(ANSWER_WITHIN))
                .set_response_timeout(Some(ANSWER_WITHIN));
            ConnectionManager::new_with_config(self.client.clone(), config)
        };
        Ok(self.publisher.get_or_try_init(connect).await?.clone())
    }
}

impl Transport for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>> {
        async move {
            let mut publisher = self.publisher().await?;
            redis::cmd("PUBLISH").arg(&self.channel).arg(text).exec_async(&mut publisher).await?;
            Ok(())
        }
        .boxed()
    }

    fn subscribe(&self) -> BoxFuture<'_, Result<Arrivals, TransportError>> {
        async move {
            let mut subscription = self.client.get_async_pubsub().await?;
            subscription.subscribe(&self.channel).await?;
            let texts = subscription.into_on_message().map(|message| Ok(message.get_payload::<String>()?));
            Ok(texts.boxed())
        }
        .boxed()
    }
}
