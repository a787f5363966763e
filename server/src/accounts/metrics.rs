//! What Prometheus is shown of passwords: how many wait to be hashed, and how long they wait and take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::metrics::{Gauge, Histogram, metrics};

metrics! {
    /// Passwords on their way to being hashed.
    pub struct PasswordMetrics {
        /// Passwords that wait for a place to be hashed, compared or judged.
        waiting: Gauge = "latchkey_password_hash_waiting",
        /// Passwords that are being hashed, compared or judged.
        running: Gauge = "latchkey_password_hashes_running",
        /// How long passwords waited for a place.
        waits: Histogram = "latchkey_password_hash_wait_seconds",
        /// How long hashing, comparing or judging a password took, without the wait.
        hashes: Histogram = "latchkey_password_hash_duration_seconds",
    }
}

/// Times one password: first its wait, then its hashing.
pub struct HashTimer {
    metrics: Arc<PasswordMetrics>,
    clock: Arc<dyn Clock>,
    since: Instant,
    begun: bool,
}

impl HashTimer {
    /// A password waits to be hashed, from now until [`HashTimer::begin`].
    pub fn start(metrics: &Arc<PasswordMetrics>, clock: &Arc<dyn Clock>) -> Self {
        let (metrics, clock) = (Arc::clone(metrics), Arc::clone(clock));
        Self { since: clock.monotonic(), metrics, clock, begun: false }
    }

    /// The wait is over.
    pub fn begin(&mut self) {
        let waited = self.lap();
        self.metrics.waits.observe(waited);
        self.begun = true;
    }

    fn lap(&mut self) -> Duration {
        let now = self.clock.monotonic();
        now.saturating_duration_since(std::mem::replace(&mut self.since, now))
    }
}

impl Drop for HashTimer {
    fn drop(&mut self) {
        // Whoever gave up waiting was not hashed.
        if self.begun {
            let took = self.lap();
            self.metrics.hashes.observe(took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::metrics::{Exposition, Group as _};

    #[test]
    fn waiting_and_hashing_are_measured_separately_and_an_abandoned_hash_is_not_counted() {
        let manual = Arc::new(ManualClock::default());
        let (metrics, clock) = (Arc::default(), Arc::clone(&manual) as Arc<dyn Clock>);
        let mut timer = HashTimer::start(&metrics, &clock);
        manual.advance(Duration::from_secs(2));
        timer.begin();
        manual.advance(Duration::from_millis(30));
        drop(timer);
        drop(HashTimer::start(&metrics, &clock));
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        assert!(text.contains("latchkey_password_hash_wait_seconds_sum 2\n"), "{text}");
        assert!(text.contains("latchkey_password_hash_duration_seconds_sum 0.03\n"), "{text}");
        assert!(text.contains("latchkey_password_hash_duration_seconds_count 1\n"), "{text}");
    }
}
