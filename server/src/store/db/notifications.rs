//! `LISTEN` and `NOTIFY`, for the bus between servers. PostgreSQL only.

use futures::Stream;
use sqlx_postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};

use super::StoreError;

const CHANNEL: &str = "latchkey";

/// Notifications of one database.
pub struct Notifications {
    options: PgConnectOptions,
    /// One connection, which waits neither for the disk nor for requests of users.
    sender: PgPool,
}

impl Notifications {
    /// The longest text that is carried, in bytes; PostgreSQL's own limit is 7999.
    pub const LONGEST: usize = 7900;

    pub(super) fn new(options: PgConnectOptions) -> Self {
        let sender = one_connection().connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
        Self { options, sender }
    }

    /// Sends a text to every subscriber.
    pub async fn send(&self, text: &str) -> Result<(), StoreError> {
        let mut connection = self.sender.acquire().await?;
        let sent = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(&mut *connection).await;
        if sent.is_err() {
            // It may lead to a replica, which the name resolved to once.
            connection.close_on_drop();
        }
        sent?;
        Ok(())
    }

    /// Subscribes, on a connection of its own. The stream ends, or fails, when that is lost.
    pub async fn subscribe(&self) -> Result<impl Stream<Item = Result<String, StoreError>> + Send + use<>, StoreError> {
        let pool = one_connection().connect_with(self.options.clone()).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(futures::stream::try_unfold(listener, |mut listener| async move {
            let received = listener.try_recv().await?;
            Ok(received.map(|notification| (notification.payload().to_owned(), listener)))
        }))
    }
}

fn one_connection() -> PgPoolOptions {
    PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).acquire_timeout(super::POOL_TIMEOUT)
}
