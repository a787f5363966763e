//! How much one socket may ask for.

use std::time::{Duration, Instant};

/// What may come at once.
const BURST: usize = 60;
/// After so long one more may come.
const ONE_MORE_AFTER: Duration = Duration::from_millis(100);

/// What a socket may still ask for.
#[derive(Debug)]
pub struct Allowance {
    left: usize,
    /// Up to when it was filled up.
    filled: Instant,
}

impl Allowance {
    /// All of it.
    pub const fn full(now: Instant) -> Self {
        Self { left: BURST, filled: now }
    }

    /// Takes so much. False where that is not left.
    pub fn spend(&mut self, cost: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled);
        let more = passed.as_millis() / ONE_MORE_AFTER.as_millis();
        match usize::try_from(more).ok().filter(|more| self.left + more < BURST) {
            Some(more) => {
                self.left += more;
                self.filled += ONE_MORE_AFTER * u32::try_from(more).unwrap_or(u32::MAX);
            }
            None => *self = Self::full(now),
        }
        let is_left = self.left >= cost;
        if is_left {
            self.left -= cost;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn what_was_spent_comes_back_in_time_and_never_more_than_all() {
        let start = SystemClock.monotonic();
        let mut allowance = Allowance::full(start);
        assert!(allowance.spend(BURST, start));
        assert!(!allowance.spend(1, start + ONE_MORE_AFTER / 2));
        assert!(allowance.spend(1, start + ONE_MORE_AFTER));
        assert!(!allowance.spend(1, start + ONE_MORE_AFTER + ONE_MORE_AFTER / 2), "not counted twice");
        let much_later = start + Duration::from_hours(1);
        assert!(allowance.spend(BURST, much_later) && !allowance.spend(1, much_later));
    }
}
