//! Publishing events: to the subscribers here, and over the bus to those on other servers.

use std::sync::Arc;

use tokio::sync::Notify;
use types::api::{Hello, ServerEvent, SessionUpdated};
use types::domain::{SessionId, Timestamp};

use super::active_sessions::ActiveSessions;
use super::bus::{BusSender, Message};
use super::topics::{SubscriberId, Topic, Topics};

impl From<SessionId> for SubscriberId {
    fn from(SessionId(id): SessionId) -> Self {
        Self(id)
    }
}

/// Publishes events, and knows the subscribers of this server.
pub struct Events {
    topics: Arc<Topics>,
    active_sessions: ActiveSessions,
    /// To the other servers.
    bus: Option<BusSender>,
    log_hint: Arc<Notify>,
}

impl Default for Events {
    /// On a server that is alone.
    fn default() -> Self {
        Self::with(None)
    }
}

impl Events {
    /// Without subscribers yet, publishing over this bus as well.
    pub fn new(bus: BusSender) -> Self {
        Self::with(Some(bus))
    }

    fn with(bus: Option<BusSender>) -> Self {
        let topics = Arc::<Topics>::default();
        Self { active_sessions: ActiveSessions::new(Arc::clone(&topics)), topics, bus, log_hint: Arc::default() }
    }

    pub const fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    /// Which sessions count as active.
    pub const fn active_sessions(&self) -> &ActiveSessions {
        &self.active_sessions
    }

    /// Publishes an event to all subscribers of a topic, on every server, except `except`.
    pub fn publish(&self, topic: Topic, event: &ServerEvent, except: Option<SubscriberId>) {
        self.topics.deliver(topic, event, except);
        self.send(|| Message::Event { topic, except, event: Box::new(event.clone()) });
    }

    /// Hints the other servers to poll the revocation log at once. Without the hint they poll it a little later.
    /// Whether it is on its way, where there are others.
    pub fn hint(&self) -> bool {
        self.send(|| Message::Revoked)
    }

    /// Closes every stream and socket of a subscriber, on every server. Returns how many there were here.
    pub fn disconnect(&self, subscriber: SubscriberId) -> usize {
        self.send(|| Message::Disconnect(subscriber));
        self.topics.disconnect(subscriber)
    }

    /// Notified whenever another server hints at something new in the revocation log, or such a hint may have been
    /// missed.
    pub const fn log_hint(&self) -> &Arc<Notify> {
        &self.log_hint
    }

    /// Delivers what another server has published.
    pub fn receive(&self, message: Message, now: Timestamp) {
        match message {
            Message::Revoked => self.log_hint.notify_one(),
            Message::Disconnect(subscriber) => {
                self.topics.disconnect(subscriber);
            }
            Message::Event { topic, except, event } => match &*event {
                ServerEvent::SessionUpdated(SessionUpdated { session_id, active_now: Some(false), .. }) => {
                    if self.active_sessions.became_inactive_elsewhere(topic, (*session_id).into(), now) {
                        self.topics.deliver(topic, &event, except);
                    } else {
                        // It became inactive there because it has moved here.
                        self.publish(topic, &is_active(*session_id, now), Some((*session_id).into()));
                    }
                }
                ServerEvent::SessionCreated(_)
                | ServerEvent::SessionUpdated(_)
                | ServerEvent::UserUpdated(_)
                | ServerEvent::SecurityAlert(_)
                | ServerEvent::Room(_) => self.topics.deliver(topic, &event, except),
                // The other events are made by the server of the stream. That a session ended is taken from the log
                // only.
                ServerEvent::Hello(_) | ServerEvent::SessionEnded(_) | ServerEvent::SessionExpiring(_) => {}
            },
        }
    }

    /// Tells every client to reload what it shows, because events of other servers may have been missed.
    pub fn resync(&self, now: Timestamp) {
        self.topics.deliver_to_each(|SubscriberId(id)| {
            ServerEvent::Hello(Hello { session_id: SessionId(id), server_time: now })
        });
    }

    /// False where it could not be queued.
    fn send(&self, message: impl FnOnce() -> Message) -> bool {
        self.bus.as_ref().is_none_or(|bus| bus.publish(message()))
    }
}

fn is_active(session_id: SessionId, now: Timestamp) -> ServerEvent {
    ServerEvent::SessionUpdated(SessionUpdated {
        session_id,
        device_name: None,
        last_active: Some(now),
        active_now: Some(true),
        expires_at: None,
    })
}

#[cfg(test)]
mod tests {
    use types::api::{Ended, UserUpdated};
    use types::domain::UserId;
    use types::words::EndReason;
    use uuid::Uuid;

    use super::*;
    use crate::events::WhyClosed;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn from_elsewhere(event: ServerEvent) -> Message {
        Message::Event { topic: Topic::User(ADA), except: None, event: Box::new(event) }
    }

    #[tokio::test]
    async fn that_a_session_ended_is_not_believed_from_the_bus() {
        let events = Events::default();
        let mut laptop = events.topics().subscribe(Topic::User(ADA), LAPTOP.into());
        let reason = EndReason::LogoutAll.into();
        let ended = Ended { session_id: LAPTOP, reason, ended_by: None, ended_by_device: None, at: NOW };
        let updated = ServerEvent::UserUpdated(UserUpdated { user_id: ADA });
        for event in [ServerEvent::SessionEnded(ended), updated.clone()] {
            events.receive(from_elsewhere(event), NOW);
        }
        assert_eq!(laptop.next().await.as_deref(), Some(&updated));
        assert!(events.topics().has(Topic::User(ADA), LAPTOP.into()));
    }

    #[tokio::test]
    async fn whoever_is_disconnected_on_another_server_is_so_here() {
        let events = Events::default();
        let mut laptop = events.topics().subscribe(Topic::User(ADA), LAPTOP.into());
        events.receive(Message::Disconnect(LAPTOP.into()), NOW);
        assert_eq!((laptop.next().await, laptop.why_closed()), (None, Some(WhyClosed::Disconnected)));
    }

    #[tokio::test]
    async fn a_session_that_moved_here_is_not_shown_as_inactive() {
        let events = Events::default();
        let mut phone = events.topics().subscribe(Topic::User(ADA), SubscriberId(Uuid::from_u128(11)));
        let is_inactive = ServerEvent::SessionUpdated(SessionUpdated {
            session_id: LAPTOP,
            device_name: None,
            last_active: Some(NOW),
            active_now: Some(false),
            expires_at: None,
        });
        let laptop = events.topics().subscribe(Topic::User(ADA), LAPTOP.into());
        events.receive(from_elsewhere(is_inactive.clone()), NOW);
        assert_eq!(phone.next().await.as_deref(), Some(&is_active(LAPTOP, NOW)));
        drop(laptop);
        events.receive(from_elsewhere(is_inactive.clone()), NOW);
        assert_eq!(phone.next().await.as_deref(), Some(&is_inactive));
    }

    #[tokio::test]
    async fn everybody_is_greeted_anew_by_their_own_name() {
        let events = Events::default();
        let mut laptop = events.topics().subscribe(Topic::User(ADA), LAPTOP.into());
        events.resync(NOW);
        let hello = ServerEvent::Hello(Hello { session_id: LAPTOP, server_time: NOW });
        assert_eq!(laptop.next().await.as_deref(), Some(&hello));
    }
}
