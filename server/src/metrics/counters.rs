//! What is counted: plain atomics, and how each is written. Counting is one addition, or two for a histogram; nobody
//! waits.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::declare::Instrument;
use super::labels::Label;
use super::table::{Family, Kind, LabelNames};
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

#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn increment(&self) {
        self.add(1);
    }

    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Takes over a count that is kept elsewhere.
    pub fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }
}

impl Instrument for Counter {
    const KIND: Kind = Kind::Counter;

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        text.sample(family, &[], self.0.load(Ordering::Relaxed));
    }
}

/// Things that are counted by a label. All values are shown from the beginning, so that the first of something rare is
/// a rise and not a series that appears.
pub struct Counters<L> {
    counts: Box<[Counter]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Default for Counters<L> {
    fn default() -> Self {
        Self { counts: L::VALUES.iter().map(|_| Counter::default()).collect(), label: PhantomData }
    }
}

impl<L: Label> Counters<L> {
    pub fn increment(&self, label: L) {
        self.add(label, 1);
    }

    pub fn add(&self, label: L, count: usize) {
        self.counts[label.index()].add(count);
    }

    /// Takes over a count that is kept elsewhere.
    pub fn set(&self, label: L, count: u64) {
        self.counts[label.index()].set(count);
    }
}

impl<L: Label> Instrument for Counters<L> {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [LabelNames] = &[LabelNames::of::<L>()];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        for (value, Counter(count)) in L::VALUES.iter().zip(&self.counts) {
            text.sample(family, &[(L::NAME, value)], count.load(Ordering::Relaxed));
        }
    }
}

/// Durations, counted by size.
#[derive(Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_nanos: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, duration: Duration) {
        let nanos = nanos(duration);
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Instrument for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let sum = seconds(self.sum_nanos.load(Ordering::Relaxed));
        text.histogram(family, &[], &Buckets { bounds: &bounds_in_seconds(), counts: &counts, sum });
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
