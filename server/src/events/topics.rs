//! Subscriptions by topic, each with a small queue.
//!
//! It knows neither who may subscribe nor what is done with events. A subscription that cannot keep up is closed, and
//! its client reloads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use types::api::{RoomId, ServerEvent};
use types::domain::UserId;
use uuid::Uuid;

/// How many events may wait for a slow subscriber before the subscription is closed.
const QUEUE: usize = 64;

/// What one can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What happens to a user.
    User(UserId),
    /// What happens in a room.
    Room(RoomId),
}

/// The subscriber. An event can leave out the subscriber that caused it, with all its subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubscriberId(pub Uuid);

/// The id of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionKey {
    topic: Topic,
    number: u64,
}

/// Why a subscription was closed, where nothing else says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyClosed {
    /// It did not keep up, and has missed something.
    Slow,
    /// An operator disconnected its subscriber.
    Disconnected,
}

/// The subscriptions of this server.
#[derive(Default)]
pub struct Topics {
    listeners: Mutex<HashMap<Topic, Vec<Listener>>>,
    next: AtomicU64,
    closed_slow: AtomicU64,
    is_closed: AtomicBool,
}

struct Listener {
    number: u64,
    subscriber: SubscriberId,
    /// An event is shared by all it is for. A queue sets aside room for half of its entries at once, so they had better
    /// be small.
    queue: mpsc::Sender<Arc<ServerEvent>>,
    why_closed: Arc<OnceLock<WhyClosed>>,
    /// Dropped with this listener, which tells the subscription that it is closed.
    _open: DropGuard,
}

impl Topics {
    pub fn subscribe(self: &Arc<Self>, topic: Topic, subscriber: SubscriberId) -> Subscription {
        let (sender, queue) = mpsc::channel(QUEUE);
        let closed = CancellationToken::new();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let why_closed = Arc::<OnceLock<WhyClosed>>::default();
        let listener = Listener {
            number,
            subscriber,
            queue: sender,
            why_closed: Arc::clone(&why_closed),
            _open: closed.clone().drop_guard(),
        };
        self.listeners().entry(topic).or_default().push(listener);
        Subscription { topics: Arc::clone(self), key: SubscriptionKey { topic, number }, queue, closed, why_closed }
    }

    /// Delivers an event to all subscribers of a topic, except `except`. A full queue is a subscriber that cannot keep
    /// up: it is closed.
    pub fn deliver(&self, topic: Topic, event: &ServerEvent, except: Option<SubscriberId>) {
        let mut listeners = self.listeners();
        let Some(of_topic) = listeners.get_mut(&topic) else { return };
        let event = Arc::new(event.clone());
        of_topic.retain(|listener| Some(listener.subscriber) == except || self.enqueue(listener, Arc::clone(&event)));
        if of_topic.is_empty() {
            listeners.remove(&topic);
        }
    }

    /// Delivers to every subscription an event of its own.
    pub fn deliver_to_each(&self, event_for: impl Fn(SubscriberId) -> ServerEvent) {
        self.listeners().retain(|_, of_topic| {
            of_topic.retain(|listener| self.enqueue(listener, Arc::new(event_for(listener.subscriber))));
            !of_topic.is_empty()
        });
    }

    /// Closes a subscription, after a last event. Returns whether the event fitted in. Where the queue is full, the
    /// subscription is closed without it, and its client reloads.
    pub fn close(&self, key: SubscriptionKey, last: Option<ServerEvent>) -> bool {
        let Some(listener) = self.remove(key) else { return false };
        last.is_some_and(|event| listener.queue.try_send(Arc::new(event)).is_ok())
    }

    /// Closes every subscription of a subscriber. Returns how many.
    pub fn disconnect(&self, subscriber: SubscriberId) -> usize {
        let mut count = 0;
        self.listeners().retain(|_, of_topic| {
            for listener in of_topic.extract_if(.., |listener| listener.subscriber == subscriber) {
                // The first reason stays.
                let _ = listener.why_closed.set(WhyClosed::Disconnected);
                count += 1;
            }
            !of_topic.is_empty()
        });
        count
    }

    /// Closes every subscription, because the server stops.
    pub fn close_all(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.listeners().clear();
    }

    /// Whether the server stops.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Whether somebody listens to a topic here.
    pub fn has(&self, topic: Topic, subscriber: SubscriberId) -> bool {
        let listeners = self.listeners();
        listeners.get(&topic).into_iter().flatten().any(|listener| listener.subscriber == subscriber)
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.listeners().values().map(Vec::len).sum()
    }

    /// How many of them are to what happens to a user: event streams and sockets.
    pub fn of_users(&self) -> usize {
        let listeners = self.listeners();
        listeners.iter().filter(|(topic, _)| matches!(topic, Topic::User(_))).map(|(_, of_topic)| of_topic.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.listeners().is_empty()
    }

    /// How many subscriptions were closed because they did not keep up.
    pub fn closed_slow(&self) -> u64 {
        self.closed_slow.load(Ordering::Relaxed)
    }

    /// Whether there was room.
    fn enqueue(&self, listener: &Listener, event: Arc<ServerEvent>) -> bool {
        self.enqueue_in(&listener.queue, &listener.why_closed, event)
    }

    fn enqueue_in(
        &self,
        queue: &mpsc::Sender<Arc<ServerEvent>>,
        why_closed: &OnceLock<WhyClosed>,
        event: Arc<ServerEvent>,
    ) -> bool {
        let sent = queue.try_send(event);
        if matches!(sent, Err(mpsc::error::TrySendError::Full(_))) {
            self.closed_slow.fetch_add(1, Ordering::Relaxed);
            // The first reason stays.
            let _ = why_closed.set(WhyClosed::Slow);
        }
        sent.is_ok()
    }

    fn remove(&self, key: SubscriptionKey) -> Option<Listener> {
        let mut listeners = self.listeners();
        let of_topic = listeners.get_mut(&key.topic)?;
        let place = of_topic.iter().position(|listener| listener.number == key.number)?;
        let removed = of_topic.swap_remove(place);
        if of_topic.is_empty() {
            listeners.remove(&key.topic);
        }
        Some(removed)
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One subscription. Dropping it ends it.
pub struct Subscription {
    topics: Arc<Topics>,
    key: SubscriptionKey,
    queue: mpsc::Receiver<Arc<ServerEvent>>,
    closed: CancellationToken,
    why_closed: Arc<OnceLock<WhyClosed>>,
}

/// Puts further events into the queue of a subscription, for whoever knows whom they are for.
#[derive(Clone)]
pub struct EventSender {
    topics: Arc<Topics>,
    key: SubscriptionKey,
    queue: mpsc::Sender<Arc<ServerEvent>>,
    closed: CancellationToken,
    why_closed: Arc<OnceLock<WhyClosed>>,
}

impl EventSender {
    /// Delivers an event, unless the subscription is closed. One that cannot keep up is closed. Returns whether it is
    /// open.
    pub fn send(&self, event: Arc<ServerEvent>) -> bool {
        if self.closed.is_cancelled() {
            return false;
        }
        let sent = self.topics.enqueue_in(&self.queue, &self.why_closed, event);
        if !sent {
            drop(self.topics.remove(self.key));
        }
        sent
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.topics.remove(self.key));
    }
}

impl Subscription {
    pub const fn key(&self) -> SubscriptionKey {
        self.key
    }

    /// The next event. `None` once it is closed and everything has been taken.
    pub async fn next(&mut self) -> Option<Arc<ServerEvent>> {
        tokio::select! {
            biased;
            event = self.queue.recv() => event,
            // Senders may outlive the listener.
            () = self.closed.cancelled() => self.queue.try_recv().ok(),
        }
    }

    /// Puts further events into its queue. `None` where it is closed.
    pub fn sender(&self) -> Option<EventSender> {
        let listeners = self.topics.listeners();
        let mut of_topic = listeners.get(&self.key.topic)?.iter();
        let queue = of_topic.find(|listener| listener.number == self.key.number)?.queue.clone();
        drop(listeners);
        Some(EventSender {
            topics: Arc::clone(&self.topics),
            key: self.key,
            queue,
            closed: self.closed.clone(),
            why_closed: Arc::clone(&self.why_closed),
        })
    }

    /// Why it was closed, where nothing else says so.
    pub fn why_closed(&self) -> Option<WhyClosed> {
        self.why_closed.get().copied()
    }

    /// The next event, if one waits.
    #[cfg(test)]
    pub fn try_next(&mut self) -> Option<Arc<ServerEvent>> {
        self.queue.try_recv().ok()
    }

    /// Resolves once it is closed: only queued events are left.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// The output of `answer`, unless the subscription is closed before.
    pub async fn unless_closed<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = self.closed() => None,
        }
    }
}

#[cfg(test)]
mod tests;
