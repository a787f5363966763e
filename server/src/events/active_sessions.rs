//! Which sessions are active: those with a subscription, or with a request moments ago and no closed subscription
//! since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::domain::Timestamp;

use super::topics::{SubscriberId, Topic, Topics};

/// How long a closed subscription counts as a page that is being reloaded.
const RELOADING: Duration = Duration::from_secs(5);
/// How long a request without a subscription counts as *active now*.
const RECENT: Duration = Duration::from_mins(2);

/// The active sessions of this server.
pub struct ActiveSessions {
    topics: Arc<Topics>,
    /// When the last subscription of a session closed, here or on another server, for as long as that matters.
    closed: Mutex<HashMap<SubscriberId, Timestamp>>,
}

impl ActiveSessions {
    pub(super) fn new(topics: Arc<Topics>) -> Self {
        Self { topics, closed: Mutex::default() }
    }

    /// Notes a new subscription.
    pub fn came(&self, who: SubscriberId) {
        self.closed().remove(&who);
    }

    /// Whether a session counts as active now: it has a subscription here, or made a request moments ago and no
    /// subscription of it has closed since.
    pub fn is_active(&self, topic: Topic, who: SubscriberId, last_active: Timestamp, now: Timestamp) -> bool {
        if self.topics.has(topic, who) {
            return true;
        }
        let closed_since = self.closed().get(&who).is_some_and(|closed| *closed >= last_active);
        !closed_since && now.since(last_active) < RECENT
    }

    /// Waits out a reload after a subscription closed. Returns whether its session has been inactive since.
    pub async fn became_inactive(&self, topic: Topic, who: SubscriberId, closed_at: Timestamp) -> bool {
        if !self.became_inactive_elsewhere(topic, who, closed_at) {
            return false;
        }
        tokio::time::sleep(RELOADING).await;
        !self.topics.has(topic, who)
    }

    /// Notes that a session became inactive on another server. False where it has a subscription here.
    pub fn became_inactive_elsewhere(&self, topic: Topic, who: SubscriberId, closed_at: Timestamp) -> bool {
        let is_here = self.topics.has(topic, who);
        if !is_here {
            self.closed().insert(who, closed_at);
        }
        !is_here
    }

    /// Drops entries that no longer matter.
    pub fn tidy(&self, now: Timestamp) {
        self.closed().retain(|_, closed| now.since(*closed) < RECENT * 2);
    }

    fn closed(&self) -> MutexGuard<'_, HashMap<SubscriberId, Timestamp>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use types::domain::UserId;
    use uuid::Uuid;

    use super::*;

    const TOPIC: Topic = Topic::User(UserId(Uuid::from_u128(1)));
    const LAPTOP: SubscriberId = SubscriberId(Uuid::from_u128(10));
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn active_sessions() -> (Arc<Topics>, ActiveSessions) {
        let topics = Arc::new(Topics::default());
        (Arc::clone(&topics), ActiveSessions::new(topics))
    }

    #[test]
    fn whoever_listens_is_active_and_whoever_asked_moments_ago() {
        let (topics, active_sessions) = active_sessions();
        let long_after = NOW.plus(RECENT);
        assert!(
            active_sessions.is_active(TOPIC, LAPTOP, NOW, NOW)
                && !active_sessions.is_active(TOPIC, LAPTOP, NOW, long_after)
        );
        let stream = topics.subscribe(TOPIC, LAPTOP);
        assert!(active_sessions.is_active(TOPIC, LAPTOP, NOW, long_after));
        drop(stream);
        assert!(!active_sessions.is_active(TOPIC, LAPTOP, NOW, long_after));
    }

    #[test]
    fn whoever_has_left_is_not_active_until_their_next_request() {
        let (topics, active_sessions) = active_sessions();
        assert!(active_sessions.became_inactive_elsewhere(TOPIC, LAPTOP, NOW));
        assert!(!active_sessions.is_active(TOPIC, LAPTOP, NOW, NOW));
        let later = NOW.plus(Duration::from_secs(1));
        assert!(active_sessions.is_active(TOPIC, LAPTOP, later, later));
        let _stream = topics.subscribe(TOPIC, LAPTOP);
        assert!(!active_sessions.became_inactive_elsewhere(TOPIC, LAPTOP, NOW), "it has come here");
    }

    #[tokio::test]
    async fn whoever_has_come_back_has_not_become_inactive() {
        let (topics, active_sessions) = active_sessions();
        assert_eq!(active_sessions.became_inactive(TOPIC, LAPTOP, NOW).now_or_never(), None, "a page may be reloading");
        let _stream = topics.subscribe(TOPIC, LAPTOP);
        assert_eq!(active_sessions.became_inactive(TOPIC, LAPTOP, NOW).now_or_never(), Some(false));
    }

    #[test]
    fn what_no_longer_matters_is_forgotten() {
        let (_topics, active_sessions) = active_sessions();
        active_sessions.became_inactive_elsewhere(TOPIC, LAPTOP, NOW);
        active_sessions.tidy(NOW.plus(RECENT));
        assert_eq!(active_sessions.closed().len(), 1);
        active_sessions.tidy(NOW.plus(RECENT * 2));
        assert!(active_sessions.closed().is_empty());
    }
}
