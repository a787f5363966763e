//! What many measurements come to.

use std::fmt;
use std::time::Duration;

/// The middle one of several values, and how far the others lie from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of values, one a round.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), low: at(0), high: at(values.len().saturating_sub(1)) }
    }

    /// With so many decimals: `0.91 (0.88 to 0.93)`.
    pub fn show(&self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$} to {:.decimals$})", self.median, self.low, self.high)
    }
}

/// How long something took, most of the time and at worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half took no longer.
    pub p50: Duration,
    /// Of a hundred, 99 took no longer.
    pub p99: Duration,
    /// None took longer.
    pub worst: Duration,
    /// How many there were.
    pub count: usize,
}

impl Percentiles {
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort();
        let count = times.len();
        // The nearest rank: the smallest time that so many of a hundred do not exceed.
        let rank = |hundredths: usize| (count * hundredths).div_ceil(100).max(1) - 1;
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        Self { p50: at(rank(50)), p99: at(rank(99)), worst: at(count.saturating_sub(1)), count }
    }
}

/// A time as a table shows it: in milliseconds, three digits that mean something.
pub struct Millis(pub Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs_f64() * 1000.0;
        let decimals = if millis < 10.0 { 2 } else { usize::from(millis < 100.0) };
        write!(f, "{millis:.decimals$} ms")
    }
}

/// How many times longer one time is than another.
pub fn times(longer: Duration, than: Duration) -> f64 {
    longer.as_secs_f64() / than.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let of = Percentiles::of((1..=200).map(Duration::from_millis));
        let millis = Duration::from_millis;
        assert_eq!(of, Percentiles { p50: millis(100), p99: millis(198), worst: millis(200), count: 200 });
        let one = Percentiles::of([millis(7)]);
        assert_eq!((one.p50, one.p99, one.worst), (millis(7), millis(7), millis(7)));
        assert_eq!(Percentiles::of([]), Percentiles::default());
    }

    #[test]
    fn a_spread_is_the_median_between_the_extremes() {
        let spread = Spread::of([0.93, 0.88, 0.91]);
        assert_eq!(spread, Spread { median: 0.91, low: 0.88, high: 0.93 });
        assert_eq!(spread.show(2), "0.91 (0.88 to 0.93)");
    }
}
