//! When to warn that the session will end.
//!
//! A first warning when the server says that the end is near (it knows `SESSION_WARNING`), a second one in the last two
//! minutes, which needs no server and so comes offline too.

use super::status::Expiry;

/// The last two minutes.
const LAST_MINUTES_MS: f64 = 120_000.0;
/// Ends this close together, in milliseconds, are the same: the server gives them in whole seconds.
const SAME_MS: f64 = 1_500.0;

/// The session's deadlines, and which warnings are due. All times are milliseconds of the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct SessionDeadlines {
    ends_ms: f64,
    max_ms: f64,
    /// Whether a refresh would move the end. Decided by the one answer that gave both deadlines: the end alone, given
    /// later, comes with a delay of its own.
    prolongable: bool,
    /// Whether the server announced that the end is near.
    announced: bool,
    /// Whether the session was long enough to begin with for its last two minutes to be worth a warning.
    long: bool,
}

impl SessionDeadlines {
    /// Those of a session that ends at `ends_ms` unless it is refreshed, and at `max_ms` however often it is.
    pub fn new(now_ms: f64, ends_ms: f64, max_ms: f64) -> Self {
        let prolongable = max_ms - ends_ms > SAME_MS;
        Self { ends_ms, max_ms, prolongable, announced: false, long: ends_ms - now_ms > LAST_MINUTES_MS }
    }

    /// The server announced that the end is near.
    pub fn announce(&mut self) {
        self.announced = true;
    }

    /// The server said when the end is.
    pub fn move_end(&mut self, ends_ms: f64) {
        if (ends_ms - self.ends_ms).abs() > SAME_MS {
            self.ends_ms = ends_ms;
        }
    }

    /// The session was refreshed by another tab: what the server announced of its end no longer holds.
    pub fn prolong(&mut self, ends_ms: f64) {
        if ends_ms - self.ends_ms > SAME_MS {
            self.ends_ms = ends_ms;
            self.prolongable = self.max_ms - ends_ms > SAME_MS;
            self.announced = false;
        }
    }

    /// When the session ends unless it is refreshed.
    pub fn ends_ms(&self) -> f64 {
        self.ends_ms
    }

    /// What there is to warn of.
    pub fn warning(&self, now_ms: f64) -> Option<Expiry> {
        let last_minutes = now_ms >= self.ends_ms - LAST_MINUTES_MS;
        (self.announced || (self.long && last_minutes)).then_some(Expiry {
            deadline_ms: self.ends_ms,
            prolongable: self.prolongable,
            last_minutes,
        })
    }

    /// When there is something new to say or do, if time alone brings that about: the last two minutes, then the end.
    pub fn next_ms(&self, now_ms: f64) -> f64 {
        let last_minutes_ms = self.ends_ms - LAST_MINUTES_MS;
        if now_ms < last_minutes_ms { last_minutes_ms } else { self.ends_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3_600_000.0;

    #[test]
    fn no_warning_comes_before_the_server_announces_the_end() {
        let mut deadlines = SessionDeadlines::new(0.0, HOUR, 2.0 * HOUR);
        assert_eq!(deadlines.warning(1_000.0), None);
        deadlines.announce();
        let warning = Expiry { deadline_ms: HOUR, prolongable: true, last_minutes: false };
        assert_eq!(deadlines.warning(1_000.0), Some(warning));
    }

    #[test]
    fn the_last_two_minutes_are_announced_without_the_server() {
        let deadlines = SessionDeadlines::new(0.0, HOUR, HOUR);
        assert!((deadlines.next_ms(0.0) - (HOUR - LAST_MINUTES_MS)).abs() < 1.0);
        assert_eq!(deadlines.warning(HOUR - LAST_MINUTES_MS - 1.0), None);
        let warning = deadlines.warning(HOUR - LAST_MINUTES_MS).unwrap();
        assert!(warning.last_minutes);
        assert!(!warning.prolongable, "its absolute end has come");
        assert!((deadlines.next_ms(HOUR - LAST_MINUTES_MS) - HOUR).abs() < 1.0);
    }

    #[test]
    fn an_end_announced_late_is_not_offered_an_extension_that_no_refresh_can_give() {
        let mut deadlines = SessionDeadlines::new(0.0, 12_000.0, 12_000.0);
        deadlines.announce();
        deadlines.move_end(9_000.0);
        let warning = deadlines.warning(1_000.0).unwrap();
        assert!(!warning.prolongable && (warning.deadline_ms - 9_000.0).abs() < 1.0);
        let mut deadlines = SessionDeadlines::new(0.0, 9_000.0, 12_000.0);
        deadlines.prolong(12_000.0);
        deadlines.announce();
        assert!(!deadlines.warning(1_000.0).unwrap().prolongable);
    }

    #[test]
    fn a_session_of_a_minute_is_not_warned_of_from_its_first_moment() {
        let mut deadlines = SessionDeadlines::new(0.0, 60_000.0, HOUR);
        assert_eq!(deadlines.warning(1_000.0), None);
        deadlines.announce();
        assert!(deadlines.warning(1_000.0).unwrap().last_minutes);
    }

    #[test]
    fn an_end_given_in_whole_seconds_does_not_make_the_countdown_jump() {
        let mut deadlines = SessionDeadlines::new(0.0, HOUR, HOUR);
        deadlines.move_end(HOUR - 900.0);
        assert!((deadlines.ends_ms() - HOUR).abs() < 1.0);
        deadlines.move_end(HOUR / 2.0);
        assert!((deadlines.ends_ms() - HOUR / 2.0).abs() < 1.0);
    }
}
