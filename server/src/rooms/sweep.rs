//! Presence that has run out: who has lost the connection for too long leaves, and who expired.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::actions::Rooms;
use crate::jobs::{Schedule, every};
use crate::store::StoreError;

/// Presence is swept so often at the least.
const SWEEP_AT_LEAST: Duration = Duration::from_secs(15);
/// It is swept so many times while one runs out.
const SWEEPS_A_TIMEOUT: u32 = 20;
/// The most presences in one transaction.
const SWEEP_BATCH: i64 = 100;

impl Rooms {
    /// Sweeps presence until `stop`: who has lost the connection for too long leaves.
    pub async fn sweep_until(&self, stop: &CancellationToken) {
        let period = SWEEP_AT_LEAST.min(self.presence_timeout / SWEEPS_A_TIMEOUT);
        every(Schedule::every("room presence", period), stop, || self.sweep(stop)).await;
    }

    async fn sweep(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let (mut sessions, mut count) = (0, 0);
        loop {
            let swept = self.context.store.rooms().sweep_presence(self.context.now(), SWEEP_BATCH).await?;
            self.left(&swept.departures);
            self.metrics.presences_run_out.add(swept.ended);
            sessions += swept.ended;
            count += swept.departures.len();
            let is_done = swept.ended == 0 && swept.departures.is_empty();
            if is_done || stop.is_cancelled() {
                break;
            }
        }
        if sessions + count > 0 {
            tracing::info!(sessions, count, "presence in rooms ran out");
        }
        Ok(())
    }
}
