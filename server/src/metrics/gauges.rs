//! What goes up and down: values that are set, mostly when Prometheus asks (`Metrics::on_scrape`). Nothing is shown
//! that nobody has set.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use super::declare::Instrument;
use super::labels::Label;
use super::table::{Family, Kind, LabelNames};
use super::text::Exposition;

/// A whole number.
pub struct Gauge(AtomicI64);

impl Gauge {
    const UNSET: i64 = i64::MIN;

    pub fn set(&self, value: impl TryInto<i64>) {
        self.0.store(value.try_into().unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self(AtomicI64::new(Self::UNSET))
    }
}

impl Instrument for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        let value = self.0.load(Ordering::Relaxed);
        if value != Self::UNSET {
            text.sample(family, &[], value);
        }
    }
}

/// Seconds, kept as the bits of a floating-point number; no number where nobody has set it.
pub struct SecondsGauge(AtomicU64);

impl SecondsGauge {
    /// It is so many seconds now.
    pub fn set(&self, seconds: f64) {
        self.0.store(seconds.to_bits(), Ordering::Relaxed);
    }
}

impl Default for SecondsGauge {
    fn default() -> Self {
        Self(AtomicU64::new(f64::NAN.to_bits()))
    }
}

impl Instrument for SecondsGauge {
    const KIND: Kind = Kind::Gauge;

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        let seconds = f64::from_bits(self.0.load(Ordering::Relaxed));
        if !seconds.is_nan() {
            text.sample(family, &[], seconds);
        }
    }
}

/// Seconds that only grow, as somebody else counts them.
#[derive(Default)]
pub struct SecondsCounter(SecondsGauge);

impl SecondsCounter {
    /// It is so many seconds by now.
    pub fn set(&self, seconds: f64) {
        self.0.set(seconds);
    }
}

impl Instrument for SecondsCounter {
    const KIND: Kind = Kind::Counter;

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        self.0.write(family, text);
    }
}

/// Which of several states something is in: 1 for that one, 0 for the others.
pub struct StateGauge<L> {
    index: AtomicUsize,
    label: PhantomData<fn(L)>,
}

impl<L: Label> StateGauge<L> {
    pub fn set(&self, state: L) {
        self.index.store(state.index(), Ordering::Relaxed);
    }
}

impl<L> Default for StateGauge<L> {
    fn default() -> Self {
        Self { index: AtomicUsize::new(usize::MAX), label: PhantomData }
    }
}

impl<L: Label> Instrument for StateGauge<L> {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [LabelNames] = &[LabelNames::of::<L>()];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        let present = self.index.load(Ordering::Relaxed);
        if present < L::VALUES.len() {
            for (index, value) in L::VALUES.iter().enumerate() {
                text.sample(family, &[(L::NAME, value)], u8::from(index == present));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(instrument: &impl Instrument) -> Vec<String> {
        static FAMILY: Family = Family { name: "level", kind: Kind::Gauge, labels: &[], help: "How high it is." };
        let mut text = Exposition::default();
        instrument.write(&FAMILY, &mut text);
        text.finish().lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn a_gauge_shows_what_was_set_last_and_nothing_before() {
        let (whole, seconds) = (Gauge::default(), SecondsGauge::default());
        assert!(written(&whole).is_empty() && written(&seconds).is_empty());
        for (value, shown) in [(7_i64, "level 7"), (-3, "level -3"), (0, "level 0")] {
            whole.set(value);
            assert_eq!(written(&whole), [shown]);
        }
        whole.set(true);
        assert_eq!(written(&whole), ["level 1"]);
        whole.set(u64::MAX);
        assert_eq!(written(&whole), ["level 9223372036854775807"]);
        for (value, shown) in [(0.25, "level 0.25"), (-1.5, "level -1.5"), (0.0, "level 0")] {
            seconds.set(value);
            assert_eq!(written(&seconds), [shown]);
        }
    }
}
