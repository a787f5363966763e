//! Something that is fetched, and may not be there.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::reactive::effect;
use crate::state::{Auth, Failure};
use crate::ui::after;

/// How long after a failure something is fetched again by itself, in milliseconds: longer each time, and never long.
const RETRY_MS: [f64; 4] = [2_000.0, 4_000.0, 8_000.0, 10_000.0];

/// How long to wait after so many failures, in milliseconds: not less than the server asked for, in seconds.
fn wait_ms(failures: usize, asked_for_secs: Option<u64>) -> f64 {
    let own = RETRY_MS[failures.clamp(1, RETRY_MS.len()) - 1];
    #[expect(clippy::cast_precision_loss, reason = "no more than a day")]
    let asked_for = asked_for_secs.map_or(0.0, |secs| secs.min(86_400) as f64 * 1_000.0);
    own.max(asked_for)
}

/// How far a fetch has got.
#[derive(Clone, Debug)]
pub enum Load<T> {
    /// On its way.
    Loading,
    /// Here.
    Ready(T),
    /// It did not work.
    Failed(Failure),
}

/// Fetches something, again if need be. Only the newest answer counts, and none after the page is gone.
#[derive(Debug)]
pub struct Loader<T: Send + Sync + 'static> {
    state: RwSignal<Load<T>>,
    generation: StoredValue<u64>,
    /// The generation of the last answer that was taken.
    answered: StoredValue<u64>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Clone + Send + Sync + 'static> Loader<T> {
    /// Nothing is here yet.
    pub fn new() -> Self {
        Self { state: RwSignal::new(Load::Loading), generation: StoredValue::new(0), answered: StoredValue::new(0) }
    }

    /// How far it has got. What is here may be changed through it.
    pub fn state(self) -> RwSignal<Load<T>> {
        self.state
    }

    /// Whether a request is under way. Its answer may be older than the events since.
    pub fn is_under_way(self) -> bool {
        self.generation.try_get_value() != self.answered.try_get_value()
    }

    /// Fetches once somebody is signed in, and tries again after a failure. Gives the action of *Try again*. Call it
    /// from the component that shows what is fetched.
    pub fn follow(self, fetch: impl Fn() + Copy + Send + Sync + 'static) -> Callback<()> {
        let session = expect_context::<Auth>().session_id();
        effect(move |_| {
            if session.get().is_some() {
                fetch();
            }
        });
        self.retry(fetch);
        Callback::new(move |()| {
            self.reset();
            fetch();
        })
    }

    /// Changes what is here, if it is here.
    pub fn change(self, act: impl FnOnce(&mut T)) {
        self.state.try_update(|state| {
            if let Load::Ready(value) = state {
                act(value);
            }
        });
    }

    /// Shows that it is on its way again, after a failure.
    pub fn reset(self) {
        self.state.set(Load::Loading);
    }

    /// Fetches. What is here stays until the answer comes, and after a failure too: then it is old, but better than
    /// nothing.
    pub fn fetch(self, call: impl Future<Output = Result<T, Failure>> + 'static) {
        let Some(generation) = self.next_generation() else { return };
        spawn_local(async move {
            let answer = call.await;
            if self.generation.try_get_value() == Some(generation) {
                self.answered.try_set_value(generation);
                self.receive(answer);
            }
        });
    }

    /// Takes what was fetched in another way just now: an answer that is still under way is older. False where the page
    /// is gone.
    pub fn put(self, value: T) -> bool {
        let Some(generation) = self.next_generation() else { return false };
        self.answered.try_set_value(generation);
        self.receive(Ok(value));
        true
    }

    /// Tries again by itself after a failure: after a while, and at once when the connection is back. Call it from the
    /// component that shows what is fetched.
    pub fn retry(self, fetch: impl Fn() + Copy + 'static) {
        let fetches = expect_context::<Auth>().fetches();
        let failures = StoredValue::new(0_usize);
        let has_failed = move || self.state.with_untracked(|state| matches!(state, Load::Failed(_)));
        let seen = StoredValue::new(fetches.get_untracked());
        effect(move |_| {
            let count = fetches.get();
            if seen.try_update_value(|seen| std::mem::replace(seen, count)) != Some(count) && has_failed() {
                fetch();
            }
        });
        effect(move |_| {
            let asked_to_wait = self.state.with(|state| match state {
                Load::Failed(failure) => Some(failure.retry_after_secs()),
                _ => None,
            });
            let Some(asked_to_wait) = asked_to_wait else {
                failures.set_value(0);
                return;
            };
            let count = failures.try_update_value(|count| {
                *count += 1;
                *count
            });
            after(wait_ms(count.unwrap_or(1), asked_to_wait), move || {
                // The page may be gone by then.
                if self.state.try_with_untracked(|state| matches!(state, Load::Failed(_))) == Some(true) {
                    fetch();
                }
            });
        });
    }

    fn next_generation(self) -> Option<u64> {
        self.generation.try_update_value(|generation| {
            *generation += 1;
            *generation
        })
    }

    fn receive(self, answer: Result<T, Failure>) {
        match answer {
            Ok(value) => {
                self.state.try_set(Load::Ready(value));
            }
            // The page is about to be left.
            Err(Failure::SignedOut) => {}
            Err(failure) => {
                self.state.try_update(|state| {
                    if !matches!(state, Load::Ready(_)) {
                        *state = Load::Failed(failure);
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_in_another_way_is_here_and_nothing_is_under_way() {
        Owner::new().with(|| {
            let loader = Loader::<u8>::new();
            assert!(loader.put(7));
            assert!(matches!(loader.state().get_untracked(), Load::Ready(7)));
            assert!(!loader.is_under_way());
        });
    }

    #[rstest::rstest]
    #[case(1, None, 2_000.0)]
    #[case(9, None, 10_000.0)]
    #[case(1, Some(1), 2_000.0)]
    #[case(1, Some(30), 30_000.0)]
    #[case(3, Some(u64::MAX), 86_400_000.0)]
    fn it_is_tried_again_no_sooner_than_the_server_asked_for(
        #[case] failures: usize,
        #[case] asked_for: Option<u64>,
        #[case] wait: f64,
    ) {
        assert!((wait_ms(failures, asked_for) - wait).abs() < f64::EPSILON);
    }
}
