//! Who is listening, here and on the other servers: the open event streams, and the bus between servers.
//!
//! Nothing here is stored and nothing is promised. That an ended session is refused never depends on a stream or a message.

mod bus;
mod hub;
mod metrics;

pub use bus::{
    Bus, BusParts, BusSender, BusState, BusStatus, InProcess, Notify, Proof, Redis, Transport, TransportError, bus,
};
pub use hub::{Hub, Subscriber, Subscription, TooManyStreams};
pub use metrics::{BusMessage, EventMetrics, show_metrics};
