//! Chance that can be had again: whatever a run draws comes from its seed.

use std::ops::Range;
use std::time::Duration;

/// A source of chance (splitmix64). The same seed gives the same draws.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of this seed.
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice for somebody else, whose draws do not depend on how many are made here afterwards.
    pub fn hand_out(&mut self) -> Self {
        Self(self.draw())
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is small: the remainder's unevenness does not matter.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.draw() % limit.max(1) as u64).expect("it is below a usize")
    }

    /// Whether something happens that happens once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A duration in this range, in milliseconds.
    pub fn between(&mut self, range: &Range<Duration>) -> Duration {
        let millis = range.end.checked_sub(range.start).unwrap().as_millis();
        range.start + Duration::from_millis(self.draw() % u64::try_from(millis).expect("a short time").max(1))
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// All of these, in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_draws_and_another_seed_others() {
    let draws = |seed| {
        let mut dice = Dice::of(seed);
        (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
}
