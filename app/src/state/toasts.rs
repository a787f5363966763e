//! Short messages on top of the page.

use leptos::prelude::*;

use crate::browser;
use crate::reactive::effect;
use client::Notice;
use client::toasts::{Toast, ToastId, ToastKind, ToastQueue, ToastTopic};
use types::api::SecurityAlert;
use types::domain::AlertId;

/// Short messages on top of the page. A context.
#[derive(Clone, Copy, Debug)]
pub struct Toasts {
    queue: StoredValue<ToastQueue>,
    shown: RwSignal<Vec<Toast>>,
    timer: StoredValue<Option<browser::TimerId>>,
    /// How many pages on the screen show messages about devices themselves.
    asking: StoredValue<u32>,
    /// How many pages on the screen say themselves how the connection is.
    connecting: StoredValue<u32>,
}

impl Toasts {
    pub(super) fn provide() -> Self {
        let toasts = Self {
            queue: StoredValue::new(ToastQueue::default()),
            shown: RwSignal::new(Vec::new()),
            timer: StoredValue::new(None),
            asking: StoredValue::new(0),
            connecting: StoredValue::new(0),
        };
        provide_context(toasts);
        toasts
    }

    /// Says that something went as it should. Leaves after five seconds.
    pub fn info(self, text: impl Into<String>) {
        self.push(ToastKind::Info, text);
    }

    /// Says what the user should know. Stays until dismissed.
    pub fn warning(self, text: impl Into<String>) {
        self.push(ToastKind::Warning, text);
    }

    /// Says what did not work. Stays until dismissed.
    pub fn error(self, text: impl Into<String>) {
        self.push(ToastKind::Error, text);
    }

    /// Shows a message.
    pub fn push(self, kind: ToastKind, text: impl Into<String>) {
        let text = text.into();
        self.change(|queue, now_ms| {
            queue.push(now_ms, kind, None, text);
        });
    }

    /// The page shows messages about devices itself: as long as the component that calls this is there, no toast does.
    pub fn leave_devices_to_page(self) {
        count_while_here(self.asking);
    }

    /// The page says itself how the connection is: as long as the component that calls this is there, no toast does.
    pub fn leave_connection_to_page(self) {
        count_while_here(self.connecting);
        // What was said on the page before.
        effect(move |_| self.withdraw(ToastTopic::Connection));
    }

    /// Asks what an alert asks, unless the page does.
    pub(super) fn ask(self, alert: &SecurityAlert) {
        self.notice(&Notice::Alert(Box::new(alert.clone())));
    }

    pub(super) fn notice(self, notice: &Notice) {
        let is_left_to_page = notice.is_about_a_device() && self.asking.get_value() > 0
            || notice.topic() == Some(ToastTopic::Connection) && self.connecting.get_value() > 0;
        if notice.is_said_by_the_page() || is_left_to_page {
            return;
        }
        self.change(|queue, now_ms| {
            queue.push_about(now_ms, notice.kind(), notice.topic(), notice.subject(), notice.sentence());
        });
    }

    /// Removes the messages about alerts other than these.
    pub fn retain_questions(self, open: &[AlertId]) {
        self.change(|queue, now_ms| queue.retain_questions(now_ms, |alert| open.contains(&alert)));
    }

    pub(super) fn withdraw(self, topic: ToastTopic) {
        self.change(|queue, now_ms| queue.withdraw(now_ms, topic));
    }

    pub(super) fn end_session(self) {
        self.change(ToastQueue::end_session);
    }

    /// Takes a message away.
    pub fn dismiss(self, id: ToastId) {
        self.change(|queue, now_ms| queue.dismiss(now_ms, id));
    }

    /// Stops the time of the messages while somebody points at them or has focus there.
    pub fn hold(self, held: bool) {
        self.change(|queue, now_ms| queue.hold(now_ms, held));
    }

    /// What is on screen, newest first, three at most.
    pub fn shown(self) -> Signal<Vec<Toast>> {
        self.shown.into()
    }

    /// Not a closure inside `change`: that would be a type that contains itself.
    fn tick(self) {
        self.change(|_, _| ());
    }

    fn change(self, act: impl FnOnce(&mut ToastQueue, f64)) {
        let now_ms = browser::monotonic_ms();
        self.queue.update_value(|queue| {
            act(queue, now_ms);
            queue.tick(now_ms);
        });
        let (shown, next_tick_ms) = self.queue.with_value(|queue| (queue.shown(), queue.next_tick_ms()));
        if self.shown.with_untracked(|before| *before != shown) {
            self.shown.set(shown);
        }
        if let Some(timer) = self.timer.get_value() {
            browser::stop(timer);
        }
        let timer = next_tick_ms.map(|after_ms| browser::after(after_ms, move || self.tick()));
        self.timer.set_value(timer);
    }
}

/// Counts one more for as long as the component that calls this is there.
fn count_while_here(count: StoredValue<u32>) {
    count.update_value(|count| *count += 1);
    on_cleanup(move || {
        count.try_update_value(|count| *count = count.saturating_sub(1));
    });
}
