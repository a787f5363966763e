//! What a checked request is compared with: the same bytes from an axum route that does nothing else, or that asks
//! Redis first, as servers do that keep sessions there.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use tokio::net::TcpListener;
use types::api::paths;

use super::{BenchError, failed};

/// The key that is asked for: as long as one that holds a session's id.
const KEY: &str = "revoked:0190f5b6-5e1c-7000-8000-000000000000";

/// What to serve.
#[derive(Debug, clap::Args)]
pub struct Baseline {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// The file that is the answer
    #[arg(long)]
    body: PathBuf,
    /// The Redis that is asked first
    #[arg(long)]
    redis: Option<String>,
}

impl Baseline {
    /// Serves until it is stopped.
    ///
    /// # Errors
    /// Where it cannot listen, read the answer, or reach Redis.
    pub async fn run(self) -> Result<(), BenchError> {
        let body: Bytes = std::fs::read(&self.body)?.into();
        let router = match self.redis {
            None => Router::new().route(paths::SESSION, get(async move || json(&body))),
            Some(url) => {
                let client = redis::Client::open(url).map_err(failed)?;
                // One connection for all requests: those that come together travel together, which is the quickest way
                // to ask.
                let connection = client.get_multiplexed_async_connection().await.map_err(failed)?;
                Router::new().route(paths::SESSION, get(session_behind_redis)).with_state((connection, body))
            }
        };
        let listener = TcpListener::bind(self.listen).await?;
        Ok(axum::serve(listener, router).await?)
    }
}

async fn session_behind_redis(State((mut connection, body)): State<(MultiplexedConnection, Bytes)>) -> Response {
    let found: Result<Option<String>, _> = redis::cmd("GET").arg(KEY).query_async(&mut connection).await;
    match found {
        Ok(None) => json(&body),
        Ok(Some(_)) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn json(body: &Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.clone()).into_response()
}
