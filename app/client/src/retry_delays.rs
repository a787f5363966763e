//! How long to wait before trying again: longer each time, and never all clients at the same moment.

const FIRST_MS: f64 = 1_000.0;
const LONGEST_MS: f64 = 30_000.0;

/// Counts failures in a row.
///
/// The server's `Backoff` is another thing: it works in `Duration`s, and adds up to a quarter. In a browser timers and
/// randomness are plain floats, and delays are spread further, because all clients lose a server at the same moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct RetryDelays {
    failures: u32,
}

impl RetryDelays {
    /// Notes a failure and gives the milliseconds to wait: doubling from 1 s to 30 s, of which a random half is left
    /// out. `random` is at least 0 and less than 1.
    pub fn fail(&mut self, random: f64) -> f64 {
        let longest = (FIRST_MS * 2_f64.powi(self.failures.min(10).cast_signed())).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        longest * (1.0 - random / 2.0)
    }

    /// Notes a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether nothing has failed since the last success.
    pub fn is_fresh(self) -> bool {
        self.failures == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_half_a_minute_and_begins_anew_after_a_success() {
        let mut delays = RetryDelays::default();
        let waits: Vec<f64> = (0..7).map(|_| delays.fail(0.0)).collect();
        assert_eq!(waits, [1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0, 30_000.0, 30_000.0]);
        delays.reset();
        assert!((delays.fail(0.0) - 1_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn randomness_takes_up_to_half_of_it_away() {
        for random in [0.0, 0.25, 0.5, 0.999] {
            let wait = RetryDelays::default().fail(random);
            assert!((500.0..=1_000.0).contains(&wait), "{random} gave {wait}");
        }
        assert!(RetryDelays::default().fail(0.1) > RetryDelays::default().fail(0.9));
    }

    #[test]
    fn failing_for_ever_does_not_overflow() {
        let mut delays = RetryDelays { failures: u32::MAX };
        assert!((delays.fail(0.0) - LONGEST_MS).abs() < f64::EPSILON);
    }
}
