//! Something that is fetched, and may not be there.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::state::Failure;

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

    /// Whether an answer is still to come. It may be older than what has been heard in the meantime.
    pub fn is_under_way(self) -> bool {
        self.generation.try_get_value() != self.answered.try_get_value()
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

    /// Fetches. What is here stays until the answer comes, and after a failure too: then it is old, but better than nothing.
    pub fn fetch(self, call: impl Future<Output = Result<T, Failure>> + 'static) {
        let Some(generation) = self.next_generation() else { return };
        spawn_local(async move {
            let answer = call.await;
            if self.generation.try_get_value() == Some(generation) {
                self.answered.try_set_value(generation);
                self.arrive(answer);
            }
        });
    }

    fn next_generation(self) -> Option<u64> {
        self.generation.try_update_value(|generation| {
            *generation += 1;
            *generation
        })
    }

    fn arrive(self, answer: Result<T, Failure>) {
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
