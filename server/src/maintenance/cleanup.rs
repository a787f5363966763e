//! Deleting what is past its time: sessions that ran out, what ended long ago, codes, jobs, addresses.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::words::EndReason;

use super::settings::MaintenanceConfig;
use crate::auth::refresh::Lifetimes;
use crate::clock::Clock;
use crate::config::Config;
use crate::jobs::{Schedule, every, pause};
use crate::random::{Random, uuid_v7};
use crate::sessions::SessionMetrics;
use crate::store::{CleanupPolicy, CleanupReport, Store, StoreError};

/// The most rows of one kind in one transaction of the clean-up, so that it does not stall traffic.
const CLEANUP_BATCH: i64 = 500;
/// How long a job is kept once it has ended.
const JOB_RETENTION: Duration = Duration::from_hours(30 * 24);
/// A breath between two batches.
const CLEANUP_PAUSE: Duration = Duration::from_millis(50);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// `CLEANUP_INTERVAL`.
    pub interval: Duration,
    /// `SESSION_HISTORY`.
    pub history: Duration,
    /// `IP_RETENTION`.
    pub origins: Duration,
    /// Why sessions end that nobody has used for too long.
    pub unused: EndReason,
}

impl Retention {
    pub fn of(config: &Config) -> Self {
        let settings = config.section::<MaintenanceConfig>();
        Self {
            interval: settings.cleanup_interval,
            history: settings.session_history,
            origins: settings.ip_retention,
            unused: Lifetimes::of(config).unused_reason(),
        }
    }
}

/// Deletes what is past its time.
pub struct Cleanup {
    /// The database to clean.
    pub store: Store,
    /// How long things are kept.
    pub retention: Retention,
    /// Counts the sessions that ran out.
    pub metrics: Arc<SessionMetrics>,
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub random: Arc<dyn Random>,
}

impl Cleanup {
    /// Cleans up every `CLEANUP_INTERVAL` until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let (cleanup, stop) = (&self, &stop);
        every(Schedule::every("clean-up", self.retention.interval), stop, || cleanup.round(stop)).await;
    }

    async fn round(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let report = self.once(stop).await?;
        if !report.is_empty() {
            tracing::info!(?report, "cleanup done");
        }
        Ok(())
    }

    /// Cleans up until nothing is left to do, in small batches.
    pub async fn once(&self, stop: &CancellationToken) -> Result<CleanupReport, StoreError> {
        let mut total = CleanupReport::default();
        loop {
            let now = self.clock.now();
            let policy = CleanupPolicy {
                now,
                history_before: now.minus(self.retention.history),
                jobs_before: now.minus(JOB_RETENTION),
                origins_before: now.minus(self.retention.origins),
                unused: self.retention.unused,
                batch: CLEANUP_BATCH,
            };
            let mut new_id = || uuid_v7(&*self.clock, &*self.random);
            let round = self.store.maintenance().cleanup(&policy, &mut new_id).await?;
            let count = |sessions: u64| usize::try_from(sessions).unwrap_or(usize::MAX);
            self.metrics.ended.add(EndReason::IdleTimeout, count(round.idle));
            self.metrics.ended.add(EndReason::SessionExpired, count(round.expired - round.idle));
            total = total.plus(&round);
            if round.is_empty() || !pause(stop, CLEANUP_PAUSE).await {
                return Ok(total);
            }
        }
    }
}
