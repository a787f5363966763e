//! Time as a parameter: what the time is, and how much of it has passed.
//!
//! Nothing else in the server may read a clock; `clippy.toml` says so.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use types::domain::Timestamp;

/// Tells the time in two ways that must not be confused.
pub trait Clock: Send + Sync {
    /// The moment by the calendar. May jump: only for what is stored, signed or shown.
    fn now(&self) -> Timestamp;

    /// A moment on a clock that only goes forward: for measuring how long something has taken.
    fn monotonic(&self) -> Instant;

    /// The database, asked at `asked`, has just said what time it is there.
    fn database_says(&self, _time: Timestamp, _asked: Instant) {}

    /// How far the clock of this machine is ahead of the time that is told here, in milliseconds.
    fn offset_ms(&self) -> i64 {
        0
    }
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

/// The time of the database, which all servers of an installation share: what one server stores as *in an hour* is in
/// an hour for the others.
///
/// Runs on this machine's monotonic clock and is set right by what the database says, so that nobody who sets the clock
/// of this machine prolongs or ends a session.
#[derive(Debug)]
pub struct DatabaseClock {
    begun: Instant,
    begun_at: Timestamp,
    correction_ms: AtomicI64,
}

impl DatabaseClock {
    /// Shows this machine's time until the database has said something.
    pub fn new() -> Self {
        Self { begun: SystemClock.monotonic(), begun_at: SystemClock.now(), correction_ms: AtomicI64::new(0) }
    }

    fn at(&self, moment: Instant) -> Timestamp {
        let shown = self.begun_at.plus(moment.saturating_duration_since(self.begun)).as_millis();
        Timestamp::from_millis(shown + self.correction_ms.load(Ordering::Relaxed))
    }
}

impl Default for DatabaseClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        self.at(self.monotonic())
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }

    /// Moves no further than it must: what was said was true at some moment between the question and now.
    fn database_says(&self, time: Timestamp, asked: Instant) {
        let answered = self.monotonic();
        let way = i64::try_from(answered.saturating_duration_since(asked).as_millis()).unwrap_or(i64::MAX);
        let (earliest, latest) = (time.as_millis(), time.as_millis().saturating_add(way).saturating_add(1));
        let shown = self.at(answered).as_millis();
        self.correction_ms.fetch_add(shown.clamp(earliest, latest) - shown, Ordering::Relaxed);
    }

    fn offset_ms(&self) -> i64 {
        SystemClock.now().as_millis() - self.now().as_millis()
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

    /// Sets the calendar without any time passing, as a user or NTP does.
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
    fn the_databases_time_is_shown_whatever_the_time_here() {
        let clock = DatabaseClock::new();
        for ahead in [3_600_000, -86_400_000, 0] {
            let there = Timestamp::from_millis(SystemClock.now().as_millis() + ahead);
            clock.database_says(there, clock.monotonic());
            let shown = clock.now().as_millis() - there.as_millis();
            assert!((0..1000).contains(&shown), "{shown}");
            assert!((clock.offset_ms() + ahead).abs() < 1000);
        }
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_moves_nothing_without_need() {
        let clock = DatabaseClock::new();
        let begun = clock.begun;
        let clock = DatabaseClock { begun: begun.checked_sub(Duration::from_mins(1)).unwrap_or(begun), ..clock };
        let before = clock.now();
        clock.database_says(before.minus(Duration::from_secs(2)), clock.begun);
        assert!(clock.now().since(before) < Duration::from_secs(1));
        assert!(clock.now() >= before);
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
