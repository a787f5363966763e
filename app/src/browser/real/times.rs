//! Time, timers, and how times are written where the user is.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures::future::{FutureExt, LocalBoxFuture};
use gloo_timers::callback::{Interval, Timeout};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;

use client::ports::Clock;
use types::domain::Timestamp;

/// Timers hold 31 bits of milliseconds, and one that is longer fires at once. Who sleeps looks at the clock afterwards.
const LONGEST_TIMER_MS: f64 = 2_147_000_000.0;

/// The browser's time and randomness.
pub struct BrowserClock;

impl Clock for BrowserClock {
    fn monotonic_ms(&self) -> f64 {
        monotonic_ms()
    }

    fn wall(&self) -> Timestamp {
        timestamp(Date::now())
    }

    fn random(&self) -> f64 {
        js_sys::Math::random()
    }

    fn sleep(&self, ms: f64) -> LocalBoxFuture<'static, ()> {
        TimeoutFuture::new(timer_ms(ms)).boxed_local()
    }
}

/// Milliseconds since this page was opened, by a clock that only goes forward.
pub fn monotonic_ms() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or_else(Date::now, |performance| performance.now())
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of any date are far below 2^53")]
fn timestamp(ms: f64) -> Timestamp {
    Timestamp::from_millis(ms as i64)
}

/// Rounded up, so that what is waited for has come.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn timer_ms(ms: f64) -> u32 {
    ms.clamp(0.0, LONGEST_TIMER_MS).ceil() as u32
}

/// Names a running timer.
#[derive(Clone, Copy, Debug)]
pub struct TimerId(u32);

enum Timer {
    Once(#[expect(dead_code, reason = "held so that it runs; dropped to stop it")] Timeout),
    Again(#[expect(dead_code, reason = "held so that it runs; dropped to stop it")] Interval),
}

thread_local! {
    /// Timers are not `Send`, as what is stored in signals has to be, so only their names leave this module.
    static TIMERS: RefCell<HashMap<u32, Timer>> = RefCell::new(HashMap::new());
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

fn next_id() -> u32 {
    LAST_ID.with(|last| {
        last.set(last.get().wrapping_add(1));
        last.get()
    })
}

fn store(id: u32, timer: Timer) -> TimerId {
    TIMERS.with_borrow_mut(|timers| timers.insert(id, timer));
    TimerId(id)
}

/// Calls back every so many milliseconds until stopped.
pub fn every(interval_ms: u32, callback: impl Fn() + 'static) -> TimerId {
    store(next_id(), Timer::Again(Interval::new(interval_ms, callback)))
}

/// Calls back once, after so many milliseconds, unless stopped before.
pub fn after(delay_ms: f64, callback: impl FnOnce() + 'static) -> TimerId {
    let id = next_id();
    let timeout = Timeout::new(timer_ms(delay_ms), move || {
        stop(TimerId(id));
        callback();
    });
    store(id, Timer::Once(timeout))
}

/// Stops a timer; does nothing to one that is done.
pub fn stop(timer: TimerId) {
    // Dropped only after the map is free again: what the callback holds may stop timers of its own.
    let stopped = TIMERS.with_borrow_mut(|timers| timers.remove(&timer.0));
    drop(stopped);
}

fn written(at: Timestamp, options: &[(&str, &str)]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date are far below 2^53")]
    let date = Date::new(&JsValue::from_f64(at.as_millis() as f64));
    let wanted = Object::new();
    for (name, value) in options {
        // A plain object takes any member.
        let _ = Reflect::set(&wanted, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    let language =
        web_sys::window().and_then(|window| window.navigator().language()).unwrap_or_else(|| "en".to_owned());
    date.to_locale_string(&language, &wanted).into()
}

/// Hours and minutes, such as *18:40* or *6:40 PM*.
pub fn clock_time(at: Timestamp) -> String {
    written(at, &[("hour", "numeric"), ("minute", "2-digit")])
}

/// The day, such as *12 Nov*, with the year where it is not this one.
pub fn date(at: Timestamp) -> String {
    let year = |at: Timestamp| at.to_string().chars().take(4).collect::<String>();
    if year(at) == year(super::server_now()) {
        written(at, &[("day", "numeric"), ("month", "short")])
    } else {
        written(at, &[("day", "numeric"), ("month", "short"), ("year", "numeric")])
    }
}

/// Day and time in full, such as *12 November 2026 at 18:40*.
pub fn full_time(at: Timestamp) -> String {
    written(at, &[("dateStyle", "long"), ("timeStyle", "short")])
}
