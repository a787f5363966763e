//! Whether the page listens yet. Until it does, forms cannot be sent: the browser would send them by itself.

use leptos::prelude::*;

/// Whether the page listens yet: false on the server and in the first frame. A context.
#[derive(Clone, Copy, Debug)]
pub struct Hydrated(RwSignal<bool>);

/// Provides [`Hydrated`]. Called once, by `App`.
pub fn provide_hydrated() {
    let hydrated = Hydrated(RwSignal::new(false));
    provide_context(hydrated);
    Effect::new(move |_| hydrated.0.set(true));
}

impl Hydrated {
    /// The context; without one, as in a control shown alone, the page counts as ready.
    pub fn expect() -> Signal<bool> {
        use_context::<Self>().map_or_else(|| Signal::stored(true), |hydrated| hydrated.0.into())
    }
}
