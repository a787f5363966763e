//! Randomness as a parameter: the only door to unpredictable bytes.

use std::sync::atomic::{AtomicU16, Ordering};

use std::sync::Mutex;
use std::sync::PoisonError;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::clock::Clock;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`. Never returns with less: a server without randomness must not go on.
    fn fill(&self, bytes: &mut [u8]);
}

/// The generator of the cryptographic library, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    /// Where the operating system gives no randomness. A token made from anything else could be guessed.
    #[expect(clippy::expect_used, reason = "going on without randomness would hand out guessable secrets")]
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The same bytes for the same seed: for tests that compare what was drawn.
#[derive(Debug)]
pub struct SeededRandom {
    state: Mutex<u64>,
}

impl SeededRandom {
    /// A sequence that `seed` decides.
    pub const fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: a short generator with no bad seeds. Not for secrets.
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Counts ids, so that those of one millisecond sort in the order they were made.
static MADE: AtomicU16 = AtomicU16::new(0);

/// A new id that sorts by the time it was made; within one process also by order (RFC 9562, sections 5.7 and 6.2,
/// method 1).
pub fn uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    // The first twelve bits after the time; the version takes the place of the highest four.
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    let millis = u64::try_from(clock.now().as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use std::time::Duration;

    #[test]
    fn ids_made_later_sort_later() {
        let clock = ManualClock::default();
        let earlier = uuid_v7(&clock, &OsRandom);
        clock.advance(Duration::from_millis(1));
        assert!(uuid_v7(&clock, &OsRandom) > earlier);
        assert_eq!(earlier.get_version_num(), 7);
    }

    #[test]
    fn ids_of_one_millisecond_sort_in_the_order_they_were_made() {
        let clock = ManualClock::default();
        let ids: Vec<Uuid> = (0..100).map(|_| uuid_v7(&clock, &OsRandom)).collect();
        assert!(ids.is_sorted() || MADE.load(Ordering::Relaxed) % 4096 < 100);
    }

    #[test]
    fn two_draws_differ_and_a_seed_repeats_them() {
        let draw = |random: &dyn Random| {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            bytes
        };
        assert_ne!(draw(&OsRandom), draw(&OsRandom));
        let seeded = SeededRandom::new(7);
        let first = draw(&seeded);
        assert_ne!(first, draw(&seeded));
        assert_eq!(first, draw(&SeededRandom::new(7)));
    }
}
