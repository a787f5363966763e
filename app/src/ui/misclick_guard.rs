//! Presses that end something, on a page whose parts move by themselves.
//!
//! A row that folds, a question that appears, a message that leaves: what was under the pointer is somewhere else, and
//! the second of two clicks meets something that nobody aimed at. Whoever moves something says so here, and what ends
//! something asks before it believes a press.

use leptos::ev;
use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;

/// How long after a move a press is not believed, in milliseconds.
const UNSURE_MS: f64 = 500.0;

/// What has moved, and when. A context.
#[derive(Clone, Copy, Debug)]
pub struct MisclickGuard {
    /// When anything last moved by itself.
    moved_at_ms: StoredValue<f64>,
    /// When what ends something last changed its place in the page by itself.
    shifted_at_ms: StoredValue<f64>,
    /// When a press was last not believed.
    ignored_at_ms: StoredValue<f64>,
    /// When the user last moved the pointer.
    pointed_at_ms: StoredValue<f64>,
    /// Where the pointer was then.
    place: StoredValue<(i32, i32)>,
    /// Whether the last press came from a finger, which is nowhere before it presses.
    by_touch: StoredValue<bool>,
    /// Whether the last press that ends something came from the keyboard.
    by_keyboard: StoredValue<bool>,
    /// When the focus was last handed on to something else that ends.
    handed_on_at_ms: StoredValue<f64>,
}

impl MisclickGuard {
    /// Provides the context and follows the pointer. Called once, by `App`.
    pub fn provide() {
        let misclicks = Self {
            moved_at_ms: StoredValue::new(f64::NEG_INFINITY),
            shifted_at_ms: StoredValue::new(f64::NEG_INFINITY),
            ignored_at_ms: StoredValue::new(f64::NEG_INFINITY),
            pointed_at_ms: StoredValue::new(f64::NEG_INFINITY),
            place: StoredValue::new((-1, -1)),
            by_touch: StoredValue::new(false),
            by_keyboard: StoredValue::new(false),
            handed_on_at_ms: StoredValue::new(f64::NEG_INFINITY),
        };
        provide_context(misclicks);
        effect(move |_| {
            let moves = window_event_listener(ev::pointermove, move |event| {
                // Browsers report a move where only the page has moved under the pointer.
                // They round it in their own way.
                let place = (event.client_x(), event.client_y());
                let before = misclicks.place.get_value();
                if before.0.abs_diff(place.0).max(before.1.abs_diff(place.1)) > 1 {
                    misclicks.place.set_value(place);
                    misclicks.pointed_at_ms.set_value(browser::monotonic_ms());
                }
            });
            let presses = window_event_listener(ev::pointerdown, move |event| {
                misclicks.by_touch.set_value(event.pointer_type() == "touch");
            });
            on_cleanup(move || {
                moves.remove();
                presses.remove();
            });
        });
    }

    /// What ends something is in another place whenever `value` changes, from its second value on. However long ago
    /// that was: a pointer that has rested since still means what was there.
    pub fn shifts_with<T: PartialEq + Send + Sync + 'static>(self, value: Memo<T>) {
        on_change(value, move || {
            self.shifted_at_ms.set_value(browser::monotonic_ms());
            self.moves();
        });
    }

    /// Something appears, folds away or changes places by itself.
    pub fn moves(self) {
        self.moved_at_ms.set_value(browser::monotonic_ms());
    }

    /// Says that something has moved whenever `value` changes, from its second value on.
    pub fn moves_with<T: PartialEq + Send + Sync + 'static>(self, value: Memo<T>) {
        on_change(value, move || self.moves());
    }

    /// The focus was handed on from one thing that ends to the next: a key that is held must not end that, too.
    pub fn hands_on(self) {
        self.handed_on_at_ms.set_value(browser::monotonic_ms());
    }

    /// Whether the last press that ends something came from the keyboard.
    pub fn was_keyboard(self) -> bool {
        self.by_keyboard.get_value()
    }

    /// Whether a press was meant for what it met.
    pub fn believes(self, press: &ev::MouseEvent) -> bool {
        let by_keyboard = press.detail() == 0;
        let now_ms = browser::monotonic_ms();
        let handed_on_at_ms = self.handed_on_at_ms.get_value();
        let is_meant = is_meant(&Press {
            now_ms,
            by_keyboard,
            by_touch: self.by_touch.get_value(),
            moved_at_ms: self.moved_at_ms.get_value(),
            shifted_at_ms: self.shifted_at_ms.get_value(),
            ignored_at_ms: self.ignored_at_ms.get_value(),
            pointed_at_ms: self.pointed_at_ms.get_value(),
            handed_on_at_ms,
        });
        self.by_keyboard.set_value(by_keyboard);
        if by_keyboard && !is_meant {
            // The key is held still.
            self.handed_on_at_ms.set_value(now_ms);
        } else if !is_meant {
            self.ignored_at_ms.set_value(now_ms);
        }
        is_meant
    }
}

/// Acts whenever `value` changes, from its second value on.
fn on_change<T: PartialEq + Send + Sync + 'static>(value: Memo<T>, act: impl Fn() + 'static) {
    effect(move |again| {
        // Read, and not only tracked: a memo that was never read does not know its sources, and never notifies.
        value.with(|_| ());
        if again {
            act();
        }
    });
}

/// A press, and what happened before it.
struct Press {
    now_ms: f64,
    by_keyboard: bool,
    by_touch: bool,
    moved_at_ms: f64,
    shifted_at_ms: f64,
    ignored_at_ms: f64,
    pointed_at_ms: f64,
    handed_on_at_ms: f64,
}

fn is_meant(press: &Press) -> bool {
    let is_over = |at_ms: f64| press.now_ms - at_ms >= UNSURE_MS;
    if press.by_keyboard {
        // The focus moves with what has it.
        return is_over(press.handed_on_at_ms);
    }
    // Whoever has pointed anew since saw where things are now.
    let has_aimed = !press.by_touch && press.pointed_at_ms > press.moved_at_ms;
    // So did whoever has pressed in vain, unless that was the first of two clicks. A finger aims with each press.
    let has_seen = press.by_touch
        || press.pointed_at_ms >= press.shifted_at_ms
        || (press.ignored_at_ms > press.shifted_at_ms && is_over(press.ignored_at_ms));
    has_aimed || (is_over(press.moved_at_ms) && has_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_AGO: f64 = f64::NEG_INFINITY;

    fn press(now_ms: f64) -> Press {
        Press {
            now_ms,
            by_keyboard: false,
            by_touch: false,
            moved_at_ms: LONG_AGO,
            shifted_at_ms: LONG_AGO,
            ignored_at_ms: LONG_AGO,
            pointed_at_ms: LONG_AGO,
            handed_on_at_ms: LONG_AGO,
        }
    }

    #[test]
    fn a_press_on_a_page_at_rest_counts() {
        assert!(is_meant(&press(0.0)));
        assert!(is_meant(&Press { moved_at_ms: 0.0, ..press(500.0) }));
    }

    #[test]
    fn the_second_of_two_clicks_does_not_meet_what_has_moved_under_it() {
        for now_ms in [60.0, 180.0, 450.0, 499.0] {
            assert!(!is_meant(&Press { moved_at_ms: 0.0, pointed_at_ms: -1_000.0, ..press(now_ms) }), "{now_ms}");
        }
    }

    #[test]
    fn a_pointer_that_rests_while_something_moves_under_it_means_nothing_and_one_that_has_aimed_since_does() {
        assert!(!is_meant(&Press { moved_at_ms: 100.0, pointed_at_ms: 90.0, ..press(400.0) }));
        assert!(is_meant(&Press { moved_at_ms: 100.0, pointed_at_ms: 150.0, ..press(400.0) }));
        assert!(!is_meant(&Press { moved_at_ms: 100.0, pointed_at_ms: 150.0, by_touch: true, ..press(400.0) }));
    }

    #[test]
    fn a_pointer_that_has_rested_since_something_else_came_under_it_means_nothing_however_long_ago_that_was() {
        let shifted = |now_ms| Press { moved_at_ms: 0.0, shifted_at_ms: 0.0, pointed_at_ms: -1.0, ..press(now_ms) };
        for now_ms in [80.0, 300.0, 900.0, 60_000.0] {
            assert!(!is_meant(&shifted(now_ms)), "{now_ms}");
        }
        assert!(is_meant(&Press { pointed_at_ms: 10.0, ..shifted(20.0) }));
        assert!(is_meant(&Press { by_touch: true, ..shifted(900.0) }));
        assert!(!is_meant(&Press { ignored_at_ms: 900.0, ..shifted(1_000.0) }), "the second of two clicks");
        assert!(is_meant(&Press { ignored_at_ms: 900.0, ..shifted(1_500.0) }));
    }

    #[test]
    fn the_keyboard_means_what_has_the_focus_unless_a_held_key_has_just_brought_it_there() {
        assert!(is_meant(&Press { by_keyboard: true, moved_at_ms: 0.0, ..press(1.0) }));
        assert!(!is_meant(&Press { by_keyboard: true, handed_on_at_ms: 0.0, ..press(30.0) }));
        assert!(is_meant(&Press { by_keyboard: true, handed_on_at_ms: 0.0, ..press(500.0) }));
    }
}
