//! Where metrics are counted: plain atomics, and how each is written.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::labels::Label;
use super::table::Family;
use super::text::{Buckets, Exposition};

/// The upper bounds of all histograms, in nanoseconds: from a look into memory to a database that hangs.
pub const BOUNDS: [u64; 15] = [
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
/// A bucket for each bound, and one beyond the last.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// The bucket that a duration falls into.
pub fn bucket(nanos: u64) -> usize {
    BOUNDS.partition_point(|bound| *bound < nanos)
}

/// Whole nanoseconds; what is longer than 584 years counts as that.
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds, as Prometheus wants them.
pub fn seconds(nanos: u64) -> f64 {
    Duration::from_nanos(nanos).as_secs_f64()
}

/// The upper bounds of all histograms, in seconds.
pub fn bounds_in_seconds() -> [f64; BOUNDS.len()] {
    BOUNDS.map(seconds)
}

/// Something that is counted.
pub struct Counter {
    family: &'static Family,
    count: AtomicU64,
}

impl Counter {
    /// None yet.
    pub const fn new(family: &'static Family) -> Self {
        Self { family, count: AtomicU64::new(0) }
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    /// Writes it.
    pub fn write(&self, text: &mut Exposition) {
        text.sample(self.family, &[], self.count.load(Ordering::Relaxed));
    }
}

/// Things that are counted by a label. All values are shown from the beginning, so that the first of something rare is a
/// rise and not a series that appears.
pub struct Counters<L> {
    family: &'static Family,
    counts: Box<[AtomicU64]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Counters<L> {
    /// None yet.
    pub fn new(family: &'static Family) -> Self {
        Self { family, counts: L::VALUES.iter().map(|_| AtomicU64::new(0)).collect(), label: PhantomData }
    }

    /// So many more of this kind.
    pub fn add(&self, label: L, count: u64) {
        self.counts[label.index()].fetch_add(count, Ordering::Relaxed);
    }

    /// Writes them.
    pub fn write(&self, text: &mut Exposition) {
        for (value, count) in L::VALUES.iter().zip(&self.counts) {
            text.sample(self.family, &[(L::NAME, value)], count.load(Ordering::Relaxed));
        }
    }
}

/// Durations, counted by size.
pub struct Histogram {
    family: &'static Family,
    counts: [AtomicU64; BUCKETS],
    sum_nanos: AtomicU64,
}

impl Histogram {
    /// None yet.
    pub const fn new(family: &'static Family) -> Self {
        Self { family, counts: [const { AtomicU64::new(0) }; BUCKETS], sum_nanos: AtomicU64::new(0) }
    }

    /// Something took so long.
    pub fn observe(&self, duration: Duration) {
        let nanos = nanos(duration);
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Writes it.
    pub fn write(&self, text: &mut Exposition) {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let sum = seconds(self.sum_nanos.load(Ordering::Relaxed));
        text.histogram(self.family, &[], &Buckets { bounds: &bounds_in_seconds(), counts: &counts, sum });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        for (nanos, expected) in [
            (0, 0),
            (250_000, 0),
            (250_001, 1),
            (1_000_000, 2),
            (10_000_000_000, 14),
            (10_000_000_001, 15),
            (u64::MAX, 15),
        ] {
            assert_eq!(bucket(nanos), expected, "{nanos}");
        }
    }
}
