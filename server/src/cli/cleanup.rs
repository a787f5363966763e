//! `latchkey cleanup`: what the server does every `CLEANUP_INTERVAL`, now.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::CliError;
use super::installation::connect;
use super::output::Output;
use crate::application::ClockAndRandom;
use crate::config::Config;
use crate::maintenance::{Cleanup, Retention};

pub async fn run(config: &Config, output: Output) -> Result<(), CliError> {
    let store = connect(&config.database).await?;
    let parts = ClockAndRandom::system();
    parts.set_clock(&store).await?;
    let ClockAndRandom { clock, random } = parts;
    let retention = Retention::of(config);
    let cleanup = Cleanup { store: store.clone(), retention, metrics: Arc::default(), clock, random };
    let report = cleanup.once(&CancellationToken::new()).await?;
    store.close().await;
    let sentence = format!(
        "Cleaned up: {} sessions expired, {} ended sessions deleted, {} revocations, {} codes and tickets, \
         {} addresses wiped, {} jobs.",
        report.expired, report.sessions, report.revocations, report.one_time, report.origins, report.jobs
    );
    let value = json!({
        "sessionsExpired": report.expired,
        "sessionsDeleted": report.sessions,
        "revocations": report.revocations,
        "codesAndTickets": report.one_time,
        "addressesWiped": report.origins,
        "jobs": report.jobs,
    });
    output.done(&sentence, &value)
}
