//! What Prometheus is shown of the database: how its connections are used.

use std::sync::{Mutex, PoisonError};

use super::Store;
use crate::metrics::{Exposition, Family, Instrument, Kind, Label, LabelNames, Metrics, labels, metrics};

metrics! {
    /// Connections to the database.
    pub struct StoreMetrics {
        /// Open connections to the database.
        connections: PoolConnections = "latchkey_database_pool_connections",
        /// Connections to the database that this server may open.
        max_connections: PoolSizes = "latchkey_database_pool_connections_max",
    }
}

labels! {
    /// What a database connection does.
    ConnectionState = "state" {
        /// It waits to be used.
        Idle = "idle",
        /// It is in use.
        Busy = "busy",
    }
}

/// Connections of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Which: `all`, or on SQLite `writer` and `readers`.
    pub name: &'static str,
    /// Open and unused.
    pub idle: usize,
    /// In use.
    pub busy: usize,
    /// The most there may be.
    pub max: u32,
}

const POOL: LabelNames = LabelNames { name: "pool", values: &["all", "writer", "readers"] };

/// The pools there are; which these are depends on the database.
#[derive(Default)]
struct Pools(Mutex<Vec<PoolUse>>);

impl Pools {
    fn set(&self, pools: Vec<PoolUse>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pools;
    }

    fn get(&self) -> Vec<PoolUse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The open connections of each pool, by what they do.
#[derive(Default)]
pub struct PoolConnections(Pools);

impl Instrument for PoolConnections {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [LabelNames] = &[POOL, LabelNames::of::<ConnectionState>()];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        for pool in self.0.get() {
            for (state, connections) in [(ConnectionState::Idle, pool.idle), (ConnectionState::Busy, pool.busy)] {
                let state = (ConnectionState::NAME, state.as_str());
                text.sample(family, &[(POOL.name, pool.name), state], connections);
            }
        }
    }
}

/// How many connections each pool may have.
#[derive(Default)]
pub struct PoolSizes(Pools);

impl Instrument for PoolSizes {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [LabelNames] = &[POOL];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        for pool in self.0.get() {
            text.sample(family, &[(POOL.name, pool.name)], pool.max);
        }
    }
}

/// Has these set whenever Prometheus asks.
pub fn show_metrics(metrics: &Metrics, store: &Store) {
    let (store, shown) = (store.clone(), metrics.group::<StoreMetrics>());
    metrics.on_scrape(move || shown.set(store.pools()));
}

impl StoreMetrics {
    fn set(&self, pools: Vec<PoolUse>) {
        self.connections.0.set(pools.clone());
        self.max_connections.0.set(pools);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Group as _;

    #[test]
    fn the_pools_there_are_are_shown_with_what_their_connections_do() {
        let metrics = StoreMetrics::default();
        metrics.set(vec![PoolUse { name: "writer", idle: 1, busy: 0, max: 1 }]);
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "latchkey_database_pool_connections{pool=\"writer\",state=\"idle\"} 1",
                "latchkey_database_pool_connections{pool=\"writer\",state=\"busy\"} 0",
                "latchkey_database_pool_connections_max{pool=\"writer\"} 1",
            ]
        );
    }
}
