//! Memos and effects of one type each, whatever closure is in them: a copy of all that drives them for every closure
//! would be a good part of the program's weight.

use leptos::prelude::{Effect, Memo};

/// What computes a memo, whatever closure it is.
type Compute<T> = Box<dyn Fn(Option<&T>) -> T + Send + Sync>;

/// A value that is computed anew when something that `compute` read has changed, and tells its readers only where it
/// differs from before. `compute` is given the value before, if there is one.
pub fn memo<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static,
) -> Memo<T> {
    let compute: Compute<T> = Box::new(compute);
    Memo::new(compute)
}

/// Runs `act` once the page stands, and again whenever something that it read has changed, until the component is gone.
/// In the browser only. `act` is given whether it has run before.
pub fn effect(act: impl FnMut(bool) + 'static) {
    let mut act: Box<dyn FnMut(bool)> = Box::new(act);
    Effect::new(move |before: Option<()>| act(before.is_some()));
}
