//! Two servers on one database, and what they are connected by.

use std::time::Duration;

use super::app::{Device, TestApp};
use super::postgres::PostgresDatabase;
use super::redis::RedisServer;

/// The public address of both.
pub const PUBLIC_URL: &str = "http://localhost:3000";
const WITHIN: Duration = Duration::from_secs(10);

/// What messages between the servers go over.
#[derive(Clone, Copy, Debug)]
pub enum Bus {
    Postgres,
    /// And over PostgreSQL as well.
    Redis,
}

/// Two servers, and what they share.
pub struct Pair {
    pub here: TestApp,
    pub there: TestApp,
    pub database: PostgresDatabase,
    pub redis: Option<RedisServer>,
}

impl Pair {
    pub async fn start(bus: Bus) -> Self {
        Self::start_with(bus, &[]).await
    }

    /// The same with other settings.
    pub async fn start_with(bus: Bus, settings: &[(&str, &str)]) -> Self {
        let database = PostgresDatabase::create().await;
        let redis = match bus {
            Bus::Postgres => None,
            Bus::Redis => Some(RedisServer::start().await),
        };
        let (database_url, redis_url) = (database.url(), redis.as_ref().map(RedisServer::url));
        let mut all = vec![("DATABASE_URL", database_url.as_str()), ("PUBLIC_URL", PUBLIC_URL)];
        all.extend(redis_url.as_deref().map(|url| ("REDIS_URL", url)));
        all.extend_from_slice(settings);
        let here = TestApp::start_with(&all).await;
        let there = here.another_server(&all).await;
        let pair = Self { here, there, database, redis };
        for server in [&pair.here, &pair.there] {
            eventually(async || server.get("/health").await.body["bus"] == "ok").await;
        }
        pair
    }
}

/// Asks again and again until it is so.
pub async fn eventually(is_so: impl AsyncFn() -> bool) {
    let reached = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WITHIN, reached).await.expect("it came to be in time");
}

/// The same device, talking to the other server.
pub fn moved<'a>(device: &Device<'_>, server: &'a TestApp) -> Device<'a> {
    Device { app: server, tokens: device.tokens.clone() }
}
