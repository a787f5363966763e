//! The bus over PostgreSQL's `LISTEN` and `NOTIFY`: no further part to run.
//!
//! Messages are sent outside the transactions of requests, on a connection of their own.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::{Incoming, Transport, TransportError};
use crate::store::Notifications;

/// For several servers on one PostgreSQL database.
pub struct PostgresNotify(Notifications);

impl PostgresNotify {
    /// Over this database.
    pub const fn new(notifications: Notifications) -> Self {
        Self(notifications)
    }
}

impl Transport for PostgresNotify {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn longest(&self) -> usize {
        Notifications::LONGEST
    }

    fn send(&self, text: String) -> BoxFuture<'_, Result<(), TransportError>> {
        async move { Ok(self.0.send(&text).await?) }.boxed()
    }

    fn subscribe(&self) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        async move { Ok(self.0.subscribe().await?.map_err(TransportError::from).boxed()) }.boxed()
    }
}
