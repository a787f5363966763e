//! How long to wait before something that failed is tried again: one rule for all who try again.

use std::time::Duration;

use crate::random::Random;

/// The pauses between tries: the first, and each of the next longer by a factor, up to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    factor: u32,
    longest: Duration,
}

impl Backoff {
    /// Pauses that double from `first` up to `longest`.
    pub const fn doubling(first: Duration, longest: Duration) -> Self {
        Self { first, factor: 2, longest }
    }

    /// The pause after that many failures before the last one.
    pub fn after(&self, failures: u32) -> Duration {
        self.first.saturating_mul(self.factor.saturating_pow(failures)).min(self.longest)
    }

    /// The same, longer by up to a quarter: what failed together need not come back together.
    pub fn spread_after(&self, failures: u32, random: &dyn Random) -> Duration {
        let mut drawn = [0];
        random.fill(&mut drawn);
        let pause = self.after(failures);
        pause + pause.mul_f64(f64::from(drawn[0]) / f64::from(u8::MAX) / 4.0)
    }

    /// The pauses of somebody who tries again and again.
    pub const fn pauses(self) -> Pauses {
        Pauses { backoff: self, failures: 0 }
    }
}

/// The pauses of somebody who tries again and again.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    backoff: Backoff,
    failures: u32,
}

impl Pauses {
    /// How long to wait before the next try.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.backoff.after(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// It has succeeded: the next failure is the first again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(10), Duration::from_hours(1));

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (failures, seconds) in [(0, 10), (1, 20), (2, 40), (8, 2560), (9, 3600), (31, 3600), (u32::MAX, 3600)] {
            assert_eq!(BACKOFF.after(failures), Duration::from_secs(seconds), "{failures}");
        }
    }

    #[test]
    fn success_begins_again_with_the_first_pause() {
        let mut pauses = BACKOFF.pauses();
        let seconds = |pauses: &mut Pauses| [0; 3].map(|_| pauses.next_pause().as_secs());
        assert_eq!(seconds(&mut pauses), [10, 20, 40]);
        pauses.reset();
        assert_eq!(seconds(&mut pauses), [10, 20, 40]);
    }

    #[test]
    fn what_failed_together_is_spread_over_a_quarter_of_the_pause() {
        let random = SeededRandom::new(7);
        let drawn: Vec<Duration> = (0..100).map(|_| BACKOFF.spread_after(1, &random)).collect();
        let (least, most) = (Duration::from_secs(20), Duration::from_secs(25));
        assert!(drawn.iter().all(|pause| (least..=most).contains(pause)), "{drawn:?}");
        assert!(drawn.iter().any(|pause| *pause != drawn[0]));
    }
}
