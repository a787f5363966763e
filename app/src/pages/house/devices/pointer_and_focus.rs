//! Who is at the list: with the pointer or with the focus. Rows stay where they are under somebody's eyes.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

use crate::ui::{
    after, contains_focus, focus_heading_if_lost, focus_in_next_row, monotonic_ms, window_pressed_outside,
};
use types::domain::SessionId;

/// A pointer that rests for so long is not in use, in milliseconds.
const RESTS_MS: f64 = 2_000.0;
/// How long to wait for the pointer or the focus to show where they are, in milliseconds.
const WAIT_MS: f64 = 600.0;

/// Who is at the list.
#[derive(Clone, Copy)]
pub(super) struct PointerAndFocus {
    /// The list.
    pub list: NodeRef<html::Div>,
    pointer: StoredValue<bool>,
    pointed_at_ms: StoredValue<f64>,
    leave: StoredValue<Option<Callback<()>>>,
}

impl PointerAndFocus {
    pub(super) fn new() -> Self {
        Self {
            list: NodeRef::new(),
            pointer: StoredValue::new(false),
            pointed_at_ms: StoredValue::new(f64::NEG_INFINITY),
            leave: StoredValue::new(None),
        }
    }

    /// Calls back each time nobody is at the list any more.
    pub(super) fn on_leave(self, act: impl Fn() + Send + Sync + 'static) {
        self.leave.set_value(Some(Callback::new(move |()| act())));
        // A finger is gone after each press: it has left the list once it presses somewhere else.
        window_pressed_outside(self.list, move || self.pointer_left());
    }

    /// The pointer is at the list.
    pub(super) fn pointed(self) {
        self.pointer.set_value(true);
        self.pointed_at_ms.set_value(monotonic_ms());
    }

    /// The pointer has left.
    pub(super) fn pointer_leaves(self, event: &ev::PointerEvent) {
        if event.pointer_type() != "touch" {
            self.pointer_left();
        }
    }

    fn pointer_left(self) {
        self.pointer.try_set_value(false);
        self.fold_if_nobody_is_there();
    }

    /// The focus may have left.
    pub(super) fn focus_leaves(self) {
        // One turn later: by then the focus is where it goes.
        after(0.0, move || self.fold_if_nobody_is_there());
    }

    /// Whether somebody is at the list and does something there.
    pub(super) fn is_busy(self) -> bool {
        let points = self.pointer.get_value() && monotonic_ms() - self.pointed_at_ms.get_value() < RESTS_MS;
        points || contains_focus(self.list)
    }

    /// Calls back once nobody does anything at the list.
    pub(super) fn when_idle(self, act: impl Fn() + Copy + 'static) {
        after(RESTS_MS, move || {
            if self.pointer.try_get_value().is_none() {
                return;
            }
            if self.is_busy() { self.when_idle(act) } else { act() }
        });
    }

    /// Calls back if nobody is at the list, as soon as that is sure.
    pub(super) fn fold_if_nobody_is_there(self) {
        after(WAIT_MS, move || {
            let Some(pointer) = self.pointer.try_get_value() else { return };
            if !pointer
                && !contains_focus(self.list)
                && let Some(Some(leave)) = self.leave.try_get_value()
            {
                leave.run(());
            }
        });
    }

    /// Gives the focus to what the next row can do, after that of `id` cannot do anything any more.
    pub(super) fn focus_next(self, id: SessionId) {
        let found = self.list.try_get_untracked().flatten().is_some_and(|list| focus_in_next_row(&list, &row_id(id)));
        if !found {
            focus_heading_if_lost();
        }
    }
}

/// The id of the element that shows a device.
pub(super) fn row_id(id: SessionId) -> String {
    format!("device-{id}")
}
