//! A connection to Redis, which all who ask something there share: made when it is needed, and not used again once
//! something has gone wrong on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, RedisError};

use super::TransportError;

/// How long Redis may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// A connection to the Redis of this installation.
pub struct RedisConnection {
    client: redis::Client,
    /// The one that is used, for as long as nothing has gone wrong on it.
    current: Mutex<Option<Arc<MultiplexedConnection>>>,
}

impl RedisConnection {
    /// To the Redis at `url`. Nothing is connected yet.
    ///
    /// # Errors
    /// Where `url` is none of Redis.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        Ok(Self { client: redis::Client::open(url)?, current: Mutex::new(None) })
    }

    /// Has Redis carry out commands, in one round trip.
    ///
    /// # Errors
    /// Where Redis does not answer, or refuses one of them.
    pub async fn ask<T: FromRedisValue + Send>(&self, commands: &Pipeline) -> Result<T, RedisError> {
        let mut asking = Asking { of: self, connection: self.connected().await?, is_good: false };
        let mut connection = MultiplexedConnection::clone(&asking.connection);
        let answer = commands.query_async(&mut connection).await;
        asking.is_good = answer.is_ok();
        answer
    }

    /// What subscriptions are made with, which have connections of their own.
    pub(super) const fn client(&self) -> &redis::Client {
        &self.client
    }

    async fn connected(&self) -> Result<Arc<MultiplexedConnection>, RedisError> {
        let current = self.current().clone();
        if let Some(connection) = current {
            return Ok(connection);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let connection = Box::pin(self.client.get_multiplexed_async_connection_with_config(&config)).await?;
        let connection = Arc::new(connection);
        *self.current() = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<MultiplexedConnection>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who asks. Where it fails, or is given up in the middle, the connection is not used again.
struct Asking<'a> {
    of: &'a RedisConnection,
    connection: Arc<MultiplexedConnection>,
    is_good: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_good {
            let mut current = self.of.current();
            if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &self.connection)) {
                *current = None;
            }
        }
    }
}
