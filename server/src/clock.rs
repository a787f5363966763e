//! Time as a parameter: what the time is, and how much of it has passed.
//!
//! Nothing else in the server may read a clock; `clippy.toml` says so.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::domain::Timestamp;

/// Tells the time in two ways that must not be confused.
pub trait Clock: Send + Sync {
    /// The moment by the calendar. May jump: only for what is stored, signed or shown.
    fn now(&self) -> Timestamp;

    /// A moment on a clock that only goes forward: for measuring how long something has taken.
    fn monotonic(&self) -> Instant;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the `Clock` that everything else is told to take")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(0).plus(since_epoch)
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is told to go: for tests.
#[derive(Debug)]
pub struct ManualClock {
    time: Mutex<(Timestamp, Instant)>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { time: Mutex::new((now, Instant::now())) }
    }

    /// Lets `duration` pass on both clocks.
    pub fn advance(&self, duration: Duration) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        *time = (time.0.plus(duration), time.1 + duration);
    }

    /// Sets the calendar without any time passing, as a person or NTP does.
    pub fn set(&self, now: Timestamp) {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }
}

impl Default for ManualClock {
    /// Stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Instant {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_both_ways_of_telling_time_together() {
        let clock = ManualClock::default();
        let (now, monotonic) = (clock.now(), clock.monotonic());
        clock.advance(Duration::from_mins(2));
        assert_eq!(clock.now().since(now), Duration::from_mins(2));
        assert_eq!(clock.monotonic() - monotonic, Duration::from_mins(2));
    }

    #[test]
    fn setting_the_calendar_back_does_not_unpass_time() {
        let clock = ManualClock::default();
        let monotonic = clock.monotonic();
        clock.set(Timestamp::from_millis(0));
        assert_eq!(clock.monotonic(), monotonic);
        assert_eq!(clock.now(), Timestamp::from_millis(0));
    }
}
