//! Alerts without an answer: *Was this you?*

use std::collections::HashSet;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Auth, Events, Failure, Toasts};
use crate::reactive::{effect, memo};
use types::api::{AlertList, LogoutAnswer, SecurityAlert, ServerEvent};
use types::domain::{AlertId, SessionId};
use types::words::{AlertAnswer, ProblemCode};

/// The alerts without an answer. A context.
///
/// The server stores them, so they are there after a reload, on every device, and after a later sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Alerts {
    auth: Auth,
    toasts: Toasts,
    /// `None` until the first answer.
    open: RwSignal<Option<AlertList>>,
    generation: StoredValue<u64>,
    /// Those that this tab has asked about already.
    asked: StoredValue<HashSet<AlertId>>,
}

impl Alerts {
    /// Provides the context, fetches what there is, and follows events. Called once, by `App`.
    pub fn provide() {
        let alerts = Self {
            auth: expect_context(),
            toasts: expect_context(),
            open: RwSignal::new(None),
            generation: StoredValue::new(0),
            asked: StoredValue::default(),
        };
        provide_context(alerts);
        let (mine, fetches) = (alerts.auth.session_id(), alerts.auth.fetches());
        effect(move |_| {
            mine.get();
            // The alerts of one user are not for the next.
            alerts.open.set(None);
        });
        effect(move |_| {
            if mine.get().is_some() && fetches.get() > 0 {
                alerts.fetch();
            }
        });
        expect_context::<Events>().subscribe(move |event| match event {
            ServerEvent::SecurityAlert(_) => alerts.fetch(),
            // What is asked about it may be answered by that.
            ServerEvent::SessionEnded(ended) if alerts.asks_about(ended.session_id) => alerts.fetch(),
            _ => {}
        });
    }

    /// The open alerts, newest first. `None` until the first answer.
    pub fn open(self) -> Signal<Option<AlertList>> {
        self.open.into()
    }

    /// The open alert about one device.
    pub fn about(self, session: SessionId) -> Memo<Option<SecurityAlert>> {
        memo(move |_| {
            self.open.with(|open| {
                let alerts = &open.as_ref()?.alerts;
                alerts.iter().find(|alert| alert.session_id == session).cloned()
            })
        })
    }

    /// Answers. The question is gone once the server has the answer, here and on the other devices.
    pub async fn answer(
        self,
        id: AlertId,
        answer: AlertAnswer,
        password: Option<String>,
    ) -> Result<LogoutAnswer, Failure> {
        let answered = self.auth.answer_alert(id, answer, password).await;
        let is_gone = answered.as_ref().err().is_some_and(|failure| failure.code() == Some(ProblemCode::NotFound));
        if answered.is_ok() || is_gone {
            self.open.try_update(|open| {
                if let Some(open) = open {
                    let before = open.alerts.len();
                    open.alerts.retain(|alert| alert.alert_id != id);
                    open.total = open.total.saturating_sub((before - open.alerts.len()) as u64);
                }
            });
            self.retain_questions();
            self.fetch();
        }
        answered
    }

    fn asks_about(self, session: SessionId) -> bool {
        self.open.with_untracked(|open| {
            open.as_ref().is_some_and(|open| open.alerts.iter().any(|alert| alert.session_id == session))
        })
    }

    /// Only the newest answer counts.
    fn fetch(self) {
        let Some(generation) = self.generation.try_update_value(|generation| {
            *generation += 1;
            *generation
        }) else {
            return;
        };
        spawn_local(async move {
            let list = self.auth.list_alerts().await;
            if self.generation.try_get_value() != Some(generation) {
                return;
            }
            match list {
                Ok(list) => {
                    self.ask_about_newest(&list);
                    self.open.try_set(Some(list));
                    self.retain_questions();
                }
                // What is known stays; and where nothing is, nothing waits for it.
                Err(_) => {
                    self.open.try_update(|open| {
                        open.get_or_insert_default();
                    });
                }
            }
        });
    }

    /// Asks once about the newest alert that was there before the tab was. Later ones come over the stream.
    fn ask_about_newest(self, list: &AlertList) {
        let is_first = self.open.with_untracked(Option::is_none);
        let Some(newest) = list.alerts.first().filter(|_| is_first) else { return };
        let is_new = self.asked.try_update_value(|asked| asked.insert(newest.alert_id));
        if is_new == Some(true) {
            self.toasts.ask(newest);
        }
    }

    /// A toast asks no longer than the question is open.
    fn retain_questions(self) {
        let open: Option<Vec<AlertId>> =
            self.open.with_untracked(|open| Some(open.as_ref()?.alerts.iter().map(|alert| alert.alert_id).collect()));
        if let Some(open) = open {
            self.toasts.retain_questions(&open);
        }
    }
}
