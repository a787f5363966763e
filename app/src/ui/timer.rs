//! Timers and listeners that go with the component that started them.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;

/// Calls `act` every `interval_ms` until the component is gone. In the browser only.
pub fn every(interval_ms: u32, act: impl Fn() + 'static) {
    let timer = browser::every(interval_ms, act);
    on_cleanup(move || browser::stop(timer));
}

/// The same, but only while the page is in sight.
pub fn every_in_sight(interval_ms: u32, act: impl Fn() + 'static) {
    every(interval_ms, move || {
        if browser::dom::is_in_sight() {
            act();
        }
    });
}

/// Calls `act` once after `delay_ms`, even if the component is gone by then: use `try_` on what belongs to it.
pub fn after(delay_ms: f64, act: impl FnOnce() + 'static) {
    browser::after(delay_ms, act);
}

/// Calls `act` with each press outside of an element, until the component is gone. In the browser only.
pub fn window_pressed_outside(element: NodeRef<html::Div>, act: impl Fn() + Copy + 'static) {
    effect(move |_| {
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

/// How long to wait before each try to scroll back, in milliseconds: at first as soon as the page is there, then after
/// its heading has had the focus, and later on for as long as it grows.
const SCROLLS_AFTER_MS: [f64; 5] = [0.0, 60.0, 100.0, 300.0, 800.0];

/// Scrolls to where the page was before, unless somebody scrolls it meanwhile. In the browser only.
pub fn scroll_back_to(top: i32) {
    scroll_back(top, 0, 0);
}

fn scroll_back(top: i32, step: usize, left_at: i32) {
    let Some(wait_ms) = SCROLLS_AFTER_MS.get(step) else { return };
    // One after the other: a slow page is late with all of them.
    browser::after(*wait_ms, move || {
        // Before the second, the focus of the heading has moved it too.
        if step < 2 || browser::dom::scrolled() == left_at {
            browser::dom::scroll_to(top);
            scroll_back(top, step + 1, browser::dom::scrolled());
        }
    });
}
