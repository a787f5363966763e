//! Live events: who listens, who is active, and the bus to the other servers.
//!
//! `topics` is who listens here, by topic, `active_sessions` who counts as active, `publish` delivers events here and
//! sends them over `bus`. Nothing here is stored, and delivery is not guaranteed. Whether an ended session is refused
//! never depends on a stream or a message.

mod active_sessions;
mod bus;
mod metrics;
mod publish;
mod topics;

pub use active_sessions::ActiveSessions;
pub use bus::{
    Bus, BusParts, BusSender, BusState, BusStatus, InProcess, MessageKey, PostgresNotify, Redis, RedisConnection,
    Transport, TransportError, bus,
};
pub use metrics::{BusMessage, EventMetrics, show_metrics};
pub use publish::Events;
pub use topics::{EventSender, SubscriberId, Subscription, SubscriptionKey, Topic, Topics, WhyClosed};
