//! `latchkey serve`: the server, until a signal stops it.

use super::CliError;
use crate::application::{Application, Parts};
use crate::config::Config;
use crate::lifecycle::{Stop, Tasks};
use crate::telemetry;

pub async fn run(config: Config) -> Result<(), CliError> {
    telemetry::start(&config.log);
    let (server_id, public_url) = (config.server.server_id.clone(), config.server.public_url.clone());
    let application = Application::build(config, Parts::system()).await?;
    let stop = Stop::on_signals(&Tasks::new()).map_err(CliError::Serve)?;
    let figures = application.figures_address().map(|address| address.to_string());
    tracing::info!(address = %application.address(), figures, %public_url, server_id, "listening");
    tokio::select! {
        served = application.serve(stop.soft) => served.map_err(CliError::Serve)?,
        () = stop.hard.cancelled() => return Err(CliError::CutShort),
    }
    tracing::info!("stopped");
    Ok(())
}
