//! Timers that go with the component that started them.

use leptos::prelude::*;

use crate::browser;

/// Calls `act` every `interval_ms` until the component is gone. In the browser only.
pub fn every(interval_ms: u32, act: impl Fn() + 'static) {
    let timer = browser::every(interval_ms, act);
    on_cleanup(move || browser::stop(timer));
}

/// Calls `act` once after `delay_ms`, even if the component is gone by then: use `try_` on what belongs to it.
pub fn after(delay_ms: f64, act: impl FnOnce() + 'static) {
    browser::after(delay_ms, act);
}
