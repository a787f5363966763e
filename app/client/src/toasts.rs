//! The queue of short messages: at most three at once, the others wait for their turn.

use std::collections::VecDeque;

use types::domain::{AlertId, SessionId};

/// The most messages on screen at once.
pub const MAX_SHOWN: usize = 3;
/// How long an info stays, in milliseconds. Warnings and errors stay until they are dismissed.
pub const INFO_STAYS_MS: f64 = 5_000.0;

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    /// Something went as it should: leaves by itself.
    Info,
    /// Something happened that is neither good nor bad by itself: leaves by itself.
    Neutral,
    /// Something the user should know: stays.
    Warning,
    /// Something did not work: stays.
    Error,
}

impl ToastKind {
    /// Whether it goes after a while, dismissed or not.
    pub const fn leaves_by_itself(self) -> bool {
        matches!(self, Self::Info | Self::Neutral)
    }
}

/// What a message is about, where a later one about the same makes it pointless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastTopic {
    /// Whether the server can be reached.
    Connection,
    /// Whether somebody is signed in here.
    Session,
    /// Whether the server knows of a sign-out.
    SignOut,
}

/// What a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastSubject {
    /// A device.
    Device(SessionId),
    /// A question about a device, which can be answered.
    Alert {
        /// The question.
        alert: AlertId,
        /// The device.
        session: SessionId,
    },
}

/// Names one message for as long as the page lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ToastId(u64);

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Its name.
    pub id: ToastId,
    /// How serious it is.
    pub kind: ToastKind,
    /// What it is about, if that matters.
    pub topic: Option<ToastTopic>,
    /// What it leads to, if it does.
    pub subject: Option<ToastSubject>,
    /// One sentence or two.
    pub text: String,
}

struct Shown {
    toast: Toast,
    /// Milliseconds it may still stay; counted down only while nobody points at the messages.
    remaining_ms: Option<f64>,
}

/// The messages on screen and those that wait. Times are milliseconds of the monotonic clock.
#[derive(Default)]
pub struct ToastQueue {
    shown: Vec<Shown>,
    waiting: VecDeque<Toast>,
    last_id: u64,
    updated_at_ms: f64,
    held: bool,
}

impl ToastQueue {
    /// Adds a message; one that is on screen or waiting already is not added twice. An earlier one on the same topic
    /// goes.
    pub fn push(&mut self, now_ms: f64, kind: ToastKind, topic: Option<ToastTopic>, text: String) -> ToastId {
        self.push_about(now_ms, kind, topic, None, text)
    }

    /// Adds a message that leads somewhere. Two that lead to different places are two, whatever they say.
    pub fn push_about(
        &mut self,
        now_ms: f64,
        kind: ToastKind,
        topic: Option<ToastTopic>,
        subject: Option<ToastSubject>,
        text: String,
    ) -> ToastId {
        self.pass_time(now_ms);
        let mut known = self.shown.iter().map(|shown| &shown.toast).chain(&self.waiting);
        if let Some(same) = known.find(|toast| toast.kind == kind && toast.text == text && toast.subject == subject) {
            return same.id;
        }
        if let Some(topic) = topic {
            self.remove(|toast| toast.topic == Some(topic));
        }
        self.last_id += 1;
        let id = ToastId(self.last_id);
        self.waiting.push_back(Toast { id, kind, topic, subject, text });
        self.fill();
        id
    }

    /// Takes a message away, wherever it is.
    pub fn dismiss(&mut self, now_ms: f64, id: ToastId) {
        self.pass_time(now_ms);
        self.remove(|toast| toast.id == id);
    }

    /// Takes away warnings and errors that no longer hold. An info leaves by itself.
    pub fn withdraw(&mut self, now_ms: f64, topic: ToastTopic) {
        self.pass_time(now_ms);
        self.remove(|toast| toast.topic == Some(topic) && !toast.kind.leaves_by_itself());
    }

    /// Removes messages about questions that are not open any more: `is_open` says which are.
    pub fn retain_questions(&mut self, now_ms: f64, is_open: impl Fn(AlertId) -> bool) {
        self.pass_time(now_ms);
        self.remove(|toast| matches!(toast.subject, Some(ToastSubject::Alert { alert, .. }) if !is_open(alert)));
    }

    /// Removes the messages of the session that has just ended, shown or waiting: another user may sit here now.
    /// Messages about the connection and about the sign-out itself stay.
    pub fn end_session(&mut self, now_ms: f64) {
        self.pass_time(now_ms);
        self.remove(|toast| !matches!(toast.topic, Some(ToastTopic::Connection | ToastTopic::SignOut)));
    }

    /// Stops or resumes the time of the messages: stopped while somebody points at them or has focus there.
    pub fn hold(&mut self, now_ms: f64, held: bool) {
        self.pass_time(now_ms);
        self.held = held;
    }

    /// Takes away what has been shown for long enough.
    pub fn tick(&mut self, now_ms: f64) {
        self.pass_time(now_ms);
        self.shown.retain(|shown| shown.remaining_ms.is_none_or(|remaining| remaining > 0.0));
        self.fill();
    }

    /// Milliseconds after which [`Self::tick`] has something to do, if time alone brings that about.
    pub fn next_tick_ms(&self) -> Option<f64> {
        if self.held {
            return None;
        }
        self.shown.iter().filter_map(|shown| shown.remaining_ms).reduce(f64::min)
    }

    /// What is on screen, newest first.
    pub fn shown(&self) -> Vec<Toast> {
        self.shown.iter().rev().map(|shown| shown.toast.clone()).collect()
    }

    fn remove(&mut self, goes: impl Fn(&Toast) -> bool) {
        self.shown.retain(|shown| !goes(&shown.toast));
        self.waiting.retain(|toast| !goes(toast));
        self.fill();
    }

    fn pass_time(&mut self, now_ms: f64) {
        let passed = (now_ms - self.updated_at_ms).max(0.0);
        self.updated_at_ms = now_ms;
        if !self.held {
            for remaining in self.shown.iter_mut().filter_map(|shown| shown.remaining_ms.as_mut()) {
                *remaining -= passed;
            }
        }
    }

    fn fill(&mut self) {
        while self.shown.len() < MAX_SHOWN
            && let Some(toast) = self.waiting.pop_front()
        {
            let remaining_ms = toast.kind.leaves_by_itself().then_some(INFO_STAYS_MS);
            self.shown.push(Shown { toast, remaining_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(queue: &ToastQueue) -> Vec<String> {
        queue.shown().into_iter().map(|toast| toast.text).collect()
    }

    #[test]
    fn three_are_shown_newest_first_and_the_fourth_waits_for_a_place() {
        let mut queue = ToastQueue::default();
        let first = queue.push(0.0, ToastKind::Warning, None, "1".into());
        for text in ["2", "3", "4"] {
            queue.push(0.0, ToastKind::Warning, None, text.into());
        }
        assert_eq!(texts(&queue), ["3", "2", "1"]);
        queue.dismiss(1.0, first);
        assert_eq!(texts(&queue), ["4", "3", "2"]);
    }

    #[test]
    fn an_info_leaves_after_five_seconds_and_an_error_stays() {
        let mut queue = ToastQueue::default();
        queue.push(1_000.0, ToastKind::Error, None, "error".into());
        queue.push(1_000.0, ToastKind::Info, None, "info".into());
        assert_eq!(queue.next_tick_ms(), Some(5_000.0));
        queue.tick(5_999.0);
        assert_eq!(texts(&queue), ["info", "error"]);
        queue.tick(6_000.0);
        assert_eq!(texts(&queue), ["error"]);
        assert_eq!(queue.next_tick_ms(), None);
    }

    #[test]
    fn time_stands_still_while_somebody_points_at_the_messages() {
        let mut queue = ToastQueue::default();
        queue.push(0.0, ToastKind::Info, None, "info".into());
        queue.hold(3_000.0, true);
        assert_eq!(queue.next_tick_ms(), None);
        queue.tick(60_000.0);
        assert_eq!(texts(&queue), ["info"]);
        queue.hold(60_000.0, false);
        assert_eq!(queue.next_tick_ms(), Some(2_000.0));
        queue.tick(62_000.0);
        assert!(texts(&queue).is_empty());
    }

    #[test]
    fn an_info_that_waited_gets_its_full_time() {
        let mut queue = ToastQueue::default();
        let first = queue.push(0.0, ToastKind::Error, None, "1".into());
        queue.push(0.0, ToastKind::Error, None, "2".into());
        queue.push(0.0, ToastKind::Error, None, "3".into());
        queue.push(0.0, ToastKind::Info, None, "late".into());
        queue.dismiss(60_000.0, first);
        assert_eq!(queue.next_tick_ms(), Some(INFO_STAYS_MS));
    }

    #[test]
    fn a_later_message_on_a_topic_takes_the_place_of_the_earlier_one() {
        let mut queue = ToastQueue::default();
        let topic = Some(ToastTopic::Connection);
        queue.push(0.0, ToastKind::Warning, topic, "offline".into());
        queue.push(0.0, ToastKind::Warning, None, "other".into());
        queue.push(1.0, ToastKind::Info, topic, "online".into());
        assert_eq!(texts(&queue), ["online", "other"]);
        queue.withdraw(2.0, ToastTopic::Connection);
        assert_eq!(texts(&queue), ["online", "other"], "an info leaves by itself");
        queue.push(3.0, ToastKind::Error, topic, "unreachable".into());
        queue.withdraw(4.0, ToastTopic::Connection);
        assert_eq!(texts(&queue), ["other"]);
    }

    #[test]
    fn messages_of_a_session_that_has_ended_are_neither_shown_nor_wait() {
        let mut queue = ToastQueue::default();
        for text in ["New sign-in: curl.", "2", "3", "4"] {
            queue.push(0.0, ToastKind::Warning, None, text.into());
        }
        queue.push(0.0, ToastKind::Warning, Some(ToastTopic::Connection), "offline".into());
        queue.end_session(1.0);
        queue.push(1.0, ToastKind::Info, Some(ToastTopic::Session), "Your session expired.".into());
        assert_eq!(texts(&queue), ["Your session expired.", "offline"]);
    }

    #[test]
    fn a_question_stays_until_it_is_answered_anywhere_and_two_are_two_whatever_they_say() {
        let id = |number| uuid::Uuid::from_u128(number);
        let about = |number| Some(ToastSubject::Alert { alert: AlertId(id(number)), session: SessionId(id(number)) });
        let mut queue = ToastQueue::default();
        for number in [1, 2, 1] {
            queue.push_about(0.0, ToastKind::Warning, None, about(number), "New sign-in. Was this you?".into());
        }
        queue.tick(60_000.0);
        assert_eq!(texts(&queue).len(), 2);
        queue.retain_questions(60_000.0, |alert| alert == AlertId(id(2)));
        assert_eq!(queue.shown().first().and_then(|toast| toast.subject), about(2));
        assert_eq!(texts(&queue).len(), 1);
    }

    #[test]
    fn the_same_message_is_not_shown_twice_at_once() {
        let mut queue = ToastQueue::default();
        let first = queue.push(0.0, ToastKind::Error, None, "no".into());
        assert_eq!(queue.push(1.0, ToastKind::Error, None, "no".into()), first);
        assert_eq!(texts(&queue), ["no"]);
        queue.dismiss(2.0, first);
        assert_ne!(queue.push(3.0, ToastKind::Error, None, "no".into()), first);
    }
}
