//! The time, by the server's clock, and how it is written where the user is.

use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;
use types::domain::Timestamp;

/// How often relative times are written anew, in milliseconds.
const TICK_MS: u32 = 10_000;

/// The time by the server's clock. A context.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    now: RwSignal<Timestamp>,
}

impl Now {
    pub(super) fn provide() -> Self {
        let this = Self { now: RwSignal::new(Timestamp::from_millis(0)) };
        provide_context(this);
        effect(move |_| {
            this.now.set(browser::server_now());
            let timer = browser::every(TICK_MS, move || this.now.set(browser::server_now()));
            on_cleanup(move || browser::stop(timer));
        });
        this
    }

    /// The server's time has become known, or known better: relative times are written anew at once and not at the next
    /// tick.
    pub(super) fn update(self) {
        self.now.set(browser::server_now());
    }

    /// The time, ticking every ten seconds: for relative times that update by themselves. The epoch on the server.
    pub fn now(self) -> Signal<Timestamp> {
        self.now.into()
    }

    /// The time at this moment.
    pub fn server_now(self) -> Timestamp {
        browser::server_now()
    }

    /// A signal of the whole seconds left of `seconds` from now, ticking every second. Nothing is left on the server:
    /// what it renders must work where nothing counts.
    pub fn countdown_from(self, seconds: u32) -> Signal<u64> {
        if browser::RENDERS_FOR_OTHERS {
            return Signal::stored(0);
        }
        self.countdown(browser::monotonic_ms() + f64::from(seconds) * 1000.0)
    }

    /// A signal of the whole seconds left until a deadline of the monotonic clock (see [`super::Expiry`]), ticking
    /// every second. Call it from a component: its timer goes with it.
    pub fn countdown(self, deadline_ms: f64) -> Signal<u64> {
        let left = move || whole_seconds(deadline_ms - browser::monotonic_ms());
        let seconds = RwSignal::new(left());
        effect(move |_| {
            // Counts to the deadline and not by ticks, which browsers slow down in the background.
            let timer = browser::every(500, move || {
                let left = left();
                if seconds.get_untracked() != left {
                    seconds.set(left);
                }
            });
            on_cleanup(move || browser::stop(timer));
        });
        seconds.into()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and far below 2^53")]
fn whole_seconds(ms: f64) -> u64 {
    (ms / 1000.0).ceil().max(0.0) as u64
}

/// Hours and minutes where the user is, such as *18:40* or *6:40 PM*.
pub fn clock_time(at: Timestamp) -> String {
    browser::clock_time(at)
}

/// The day where the user is, such as *12 Nov*, with the year where it is not this one.
pub fn date(at: Timestamp) -> String {
    browser::date(at)
}

/// Day and time in full where the user is, for tooltips.
pub fn full_time(at: Timestamp) -> String {
    browser::full_time(at)
}
