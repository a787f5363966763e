//! Which messages were received already: each travels over every line, and comes in as often.

use std::collections::HashMap;

use uuid::Uuid;

/// How far back messages of a server are remembered.
const WINDOW: u64 = 4096;
/// How many servers are remembered. Those that are gone fall out.
const SENDERS: usize = 256;

/// What was received of whom.
#[derive(Default)]
pub struct Seen {
    senders: HashMap<Uuid, Sender>,
    /// Counts messages, to know from whom one was received last.
    now: u64,
}

struct Sender {
    highest: u64,
    /// A bit for each of the last [`WINDOW`] numbers, by number.
    received: Box<[u64]>,
    last_received: u64,
}

impl Seen {
    /// Whether this is the first time that the message comes in. One that is older than what is remembered is taken for
    /// a repetition.
    pub fn first_time(&mut self, from: Uuid, number: u64) -> bool {
        self.now += 1;
        if self.senders.len() >= SENDERS && !self.senders.contains_key(&from) {
            let silent = self.senders.iter().min_by_key(|(_, sender)| sender.last_received).map(|(id, _)| *id);
            silent.and_then(|id| self.senders.remove(&id));
        }
        let sender = self.senders.entry(from).or_insert_with(Sender::new);
        sender.last_received = self.now;
        sender.first_time(number)
    }
}

impl Sender {
    fn new() -> Self {
        let words = usize::try_from(WINDOW / 64).unwrap_or_default();
        Self { highest: 0, received: vec![0; words].into_boxed_slice(), last_received: 0 }
    }

    fn first_time(&mut self, number: u64) -> bool {
        if number > self.highest {
            // What lies between has not come in, and takes the places of numbers that are too old now.
            for skipped in (self.highest + 1..=number).rev().take(self.received.len() * 64) {
                *self.word(skipped) &= !(1 << (skipped % 64));
            }
            self.highest = number;
        } else if self.highest - number >= WINDOW {
            return false;
        }
        let bit = 1 << (number % 64);
        let word = self.word(number);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn word(&mut self, number: u64) -> &mut u64 {
        let place = usize::try_from((number % WINDOW) / 64).unwrap_or_default();
        &mut self.received[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const ONE: Uuid = Uuid::from_u128(1);

    #[test]
    fn a_message_counts_once_over_however_many_lines_and_in_whatever_order_it_comes() {
        let mut seen = Seen::default();
        for number in [1, 2, 5, 3] {
            assert!(seen.first_time(ONE, number));
        }
        for number in [1, 2, 3, 5] {
            assert!(!seen.first_time(ONE, number));
        }
        assert!(seen.first_time(ONE, 4));
        assert!(seen.first_time(Uuid::from_u128(2), 1), "another server counts for itself");
        assert!(seen.first_time(ONE, 1_000_000) && !seen.first_time(ONE, 4), "too old to know");
    }

    #[test]
    fn servers_that_are_gone_fall_out_and_one_that_is_received_from_stays() {
        let mut seen = Seen::default();
        for other in 0..1000 {
            seen.first_time(ONE, 1);
            seen.first_time(Uuid::from_u128(100 + other), 1);
        }
        assert!(seen.senders.len() <= SENDERS && !seen.first_time(ONE, 1));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_as_long_as_nothing_is_too_old(numbers in proptest::collection::vec(1..WINDOW, 0..300)) {
            let (mut seen, mut set) = (Seen::default(), HashSet::new());
            for number in numbers {
                prop_assert_eq!(seen.first_time(ONE, number), set.insert(number));
            }
        }
    }
}
