//! Timers and listeners that go with the component that started them.

use leptos::ev;
use leptos::html;
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

/// Calls `act` with each press outside of an element, until the component is gone. In the browser only.
pub fn window_pressed_outside(element: NodeRef<html::Div>, act: impl Fn() + Copy + 'static) {
    Effect::new(move |_| {
        let listener = window_event_listener(ev::pointerdown, move |event| {
            let inside = element
                .try_get_untracked()
                .flatten()
                .is_some_and(|element| browser::dom::contains(&element, event.target().as_ref()));
            if !inside {
                act();
            }
        });
        on_cleanup(move || listener.remove());
    });
}
