//! The tail: reads the revocation log to its end, on every hint and every half second, so that this server's list stays true
//! whatever happens to messages between servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::domain::SessionId;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::revocations::{RevocationList, TakenIn};
use crate::clock::Clock;
use crate::events::Hub;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

/// How often the log is read without a hint.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often entries that no token can need are dropped from memory.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);

/// Reads the log for one server.
pub struct Tail {
    store: Store,
    list: Arc<RevocationList>,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    hint: Arc<Notify>,
    told: mpsc::UnboundedSender<Vec<SessionId>>,
    metrics: Arc<Metrics>,
}

impl Tail {
    /// `hint` makes it look at once; `told` takes the sessions whose streams were told here.
    pub fn new(
        store: Store,
        list: Arc<RevocationList>,
        hub: Arc<Hub>,
        clock: Arc<dyn Clock>,
        hint: Arc<Notify>,
        told: mpsc::UnboundedSender<Vec<SessionId>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, list, hub, clock, hint, told, metrics }
    }

    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut failing = false;
        let mut pruned_at = self.clock.monotonic();
        loop {
            let began = self.clock.monotonic();
            let looked = self.look().await;
            self.metrics.looked_at_log(began, looked.is_ok());
            match looked {
                Ok(()) if failing => {
                    failing = false;
                    tracing::info!("the revocation log can be read again");
                }
                Ok(()) => {}
                Err(error) => {
                    if !failing {
                        tracing::error!(error = &error as &dyn std::error::Error, "the revocation log cannot be read");
                    }
                    failing = true;
                }
            }
            if self.clock.monotonic().saturating_duration_since(pruned_at) >= PRUNE_INTERVAL {
                pruned_at = self.clock.monotonic();
                self.list.prune(self.clock.now());
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.hint.notified() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// One look: the rows since the last, or everything where that cannot be told.
    pub async fn look(&self) -> Result<(), StoreError> {
        // Whatever is committed after this instant may be missing from the answer.
        let began = self.clock.monotonic();
        if !self.list.is_loaded() {
            return self.load(began).await;
        }
        let tail = self.store.revocations_since(self.list.position()).await?;
        if let TakenIn::MustReload(why) = self.list.take_in(&tail, began) {
            self.metrics.log_reload(why);
            tracing::error!(?why, "the revocation log is not what it was: loading it anew");
            return self.load(began).await;
        }
        for revocation in &tail.revocations {
            let told = self.hub.revoke(revocation);
            if !told.is_empty() {
                let _ = self.told.send(told);
            }
        }
        Ok(())
    }

    async fn load(&self, began: Instant) -> Result<(), StoreError> {
        let live = self.store.live_revocations().await?;
        self.list.load(&live, began);
        self.hub.forget_handled();
        for revocation in &live.revocations {
            let told = self.hub.revoke(revocation);
            if !told.is_empty() {
                let _ = self.told.send(told);
            }
        }
        Ok(())
    }
}
