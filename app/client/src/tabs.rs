//! Messages of other tabs, and the effects of live events, which come from the server or from another tab.

use super::core::Client;
use super::credentials::millis;
use super::messages::{SharedTokens, TabMessage};
use super::notice::{Change, Notice};
use super::ports::SignInHint;
use super::signed_out_note::SignedOutNote;
use super::status::StreamState;
use types::api::{ServerEvent, SessionUpdated};
use types::domain::SessionId;
use types::json;
use types::words::EndReason;

impl Client {
    /// Applies a message of another tab. One that cannot be read is ignored.
    pub fn receive_message(&self, text: &str) {
        let Ok(message) = json::read::<TabMessage>(text) else { return };
        let own = self.inner.state.borrow().status.session_id();
        match message {
            TabMessage::Tokens { tokens } => self.receive_tokens(own, &tokens),
            TabMessage::SignedOut { session, note } if own == Some(session) => self.receive_end(note),
            TabMessage::Event { session, name, data } if own == Some(session) && self.leader_lives() => {
                self.receive_event(session, &name, &data);
            }
            TabMessage::Stream { session, state } if own == Some(session) && self.leader_lives() => {
                self.set_stream(state);
            }
            TabMessage::AskStream => self.answer_for_stream(),
            TabMessage::Part { session, text } if own == Some(session) => self.pass_to_parts(&text),
            TabMessage::SignedOut { .. }
            | TabMessage::Event { .. }
            | TabMessage::Stream { .. }
            | TabMessage::Part { .. } => {}
        }
    }

    /// Another tab has new tokens. An invalid token does no harm: the first call with it is refused, and the server is
    /// asked for another. What could do harm is not believed: a session of another user is checked with the server, and
    /// the end of the session held never comes nearer.
    fn receive_tokens(&self, own: Option<SessionId>, tokens: &SharedTokens) {
        if self.inner.state.borrow().ended.contains(&tokens.session_id) {
            return;
        }
        if own.is_some_and(|own| own != tokens.session_id) {
            self.doubt();
            return;
        }
        let ends_ms = self.inner.state.borrow().deadlines.map(|deadlines| deadlines.ends_ms());
        if self.install(tokens, self.now_ms())
            && let (Some(ends_ms), Some(deadlines)) = (ends_ms, self.inner.state.borrow_mut().deadlines.as_mut())
        {
            deadlines.prolong(ends_ms);
        }
        self.update_expiry();
    }

    /// Has the server asked whether the session goes on.
    pub(super) fn doubt(&self) {
        self.inner.state.borrow_mut().doubted = true;
        self.inner.changed.notify_all();
    }

    /// Another tab says that the session ended. A tab that ends the session clears the hint first. Where the hint is
    /// still there, the message may be forged or late, and the server decides.
    fn receive_end(&self, note: Option<SignedOutNote>) {
        if self.inner.ports.hint.read() == SignInHint::SignedIn {
            self.doubt();
        } else {
            self.end(note.map(|note| self.as_asked(note)));
        }
    }

    fn receive_event(&self, own: SessionId, name: &str, data: &str) {
        match ServerEvent::parse(name, data) {
            // The end of this session comes as `SignedOut`, which is checked.
            Some(Ok(ServerEvent::SessionEnded(ended))) if ended.session_id == own => {}
            Some(Ok(event)) => self.apply_event(&event, false),
            Some(Err(_)) | None => {}
        }
    }

    /// Notes a sign of life of the tab that holds the stream. False if this tab holds the stream: it knows better than
    /// any message.
    fn leader_lives(&self) -> bool {
        let mut state = self.inner.state.borrow_mut();
        state.signs_of_life += 1;
        !state.leads
    }

    /// Answers a visible tab that asks for the state of the stream. Browsers slow down the timers of a hidden tab, so a
    /// hidden tab that has not opened the stream yet hands it over.
    fn answer_for_stream(&self) {
        let (session, state, hands_over) = {
            let state = self.inner.state.borrow();
            if !state.leads {
                return;
            }
            (state.status.session_id(), state.stream, !state.visible && state.stream != StreamState::Open)
        };
        if let Some(session) = session {
            self.post(&TabMessage::Stream { session, state });
        }
        if hands_over {
            self.inner.state.borrow_mut().relieved = true;
            self.inner.changed.notify_all();
        }
    }

    /// Does what an event asks for, and tells the listener. Only the server itself may move the session's end.
    pub(super) fn apply_event(&self, event: &ServerEvent, from_server: bool) {
        let Some(own) = self.inner.state.borrow().status.session_id() else { return };
        match event {
            ServerEvent::Hello(hello) if from_server => {
                self.learn_time(|clock, now_ms| clock.observe(hello.server_time, now_ms));
            }
            ServerEvent::SessionExpiring(expiring) if expiring.session_id == own => {
                if from_server {
                    self.expires_in(millis(expiring.expires_in));
                } else {
                    self.expires_soon();
                }
            }
            ServerEvent::SessionUpdated(updated) if updated.session_id == own && from_server => self.prolonged(updated),
            // A sign-in with an alert is announced by the alert.
            ServerEvent::SessionCreated(created) if created.session.session_id != own && created.alert_id.is_none() => {
                let device = created.session.device_info.device_name.clone();
                self.notice(Notice::DeviceSignedIn { device, session: created.session.session_id });
            }
            ServerEvent::SessionEnded(ended)
                if ended.ended_by != Some(own) && ended.reason != EndReason::RefreshReuse =>
            {
                self.notice(Notice::DeviceSignedOut);
            }
            ServerEvent::SecurityAlert(alert) if alert.answer.is_none() && alert.session_id != own => {
                self.notice(Notice::Alert(Box::new(alert.clone())));
            }
            _ => {}
        }
        self.tell(Change::Event(Box::new(event.clone())));
        // The stream is open, or open again: something may have been missed.
        if matches!(event, ServerEvent::Hello(_)) {
            self.fetch_again();
        }
    }

    fn expires_soon(&self) {
        if let Some(deadlines) = self.inner.state.borrow_mut().deadlines.as_mut() {
            deadlines.announce();
        }
        self.update_expiry();
    }

    /// The session was prolonged by a tab whose messages do not reach this one.
    fn prolonged(&self, updated: &SessionUpdated) {
        let Some(expires_at) = updated.expires_at else { return };
        let left = expires_at.since(self.server_now());
        let ends_ms = self.now_ms() + left.as_secs_f64() * 1000.0;
        let later = self.inner.state.borrow().deadlines.is_some_and(|deadlines| ends_ms > deadlines.ends_ms());
        if later {
            if let Some(deadlines) = self.inner.state.borrow_mut().deadlines.as_mut() {
                deadlines.prolong(ends_ms);
            }
            self.update_expiry();
            self.inner.changed.notify_all();
        }
    }
}
