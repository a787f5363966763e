//! `latchkey serve`: the server, until a signal stops it.

use std::time::Duration;

use super::CliError;
use crate::application::{Application, ClockAndRandom};
use crate::config::{Config, DatabaseKind};
use crate::jobs::{Backoff, pause};
use crate::lifecycle::{Stop, Tasks};
use crate::telemetry;

const RETRY: Backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(3));

pub async fn run(config: Config) -> Result<(), CliError> {
    telemetry::start(&config.log);
    let (server_id, public_url) = (config.server.server_id.clone(), config.server.public_url.clone());
    let stop = Stop::on_signals(&Tasks::new()).map_err(CliError::Serve)?;
    let Some(application) = build(config, &stop).await? else { return Ok(()) };
    let metrics = application.metrics_address().map(|address| address.to_string());
    tracing::info!(address = %application.address(), metrics, %public_url, server_id, "listening");
    tokio::select! {
        served = application.serve(stop.soft) => served.map_err(CliError::Serve)?,
        () = stop.hard.cancelled() => return Err(CliError::CutShort),
    }
    tracing::info!("stopped");
    Ok(())
}

/// Puts the server together, once its database server is there: both may be started by the same hand, in any order.
/// `None` where it was told to stop meanwhile.
async fn build(config: Config, stop: &Stop) -> Result<Option<Application>, CliError> {
    let mut pauses = RETRY.pauses();
    loop {
        let error = match Application::build(config.clone(), ClockAndRandom::system()).await {
            Ok(application) => return Ok(Some(application)),
            Err(error) => error,
        };
        if !matches!(config.database.kind, DatabaseKind::Postgres { .. }) || !error.may_pass_by_itself() {
            return Err(error.into());
        }
        tracing::warn!(error = &error as &dyn std::error::Error, database = %config.database.kind, "waiting for the database");
        if !pause(&stop.soft, pauses.next_pause()).await {
            return Ok(None);
        }
    }
}
