//! What Prometheus is shown of who listens here, and of the bus between servers.

use std::sync::Arc;

use super::{BusState, BusStatus, Events};
use crate::metrics::{Counter, Counters, Gauge, Label, Metrics, StateGauge, labels, metrics};

metrics! {
    /// Event streams, and the bus.
    pub struct EventMetrics {
        /// Event streams and sockets that are open here.
        streams_open: Gauge = "latchkey_streams_open",
        /// Event streams and sockets that were closed because their clients did not keep up.
        streams_closed_slow: Counter = "latchkey_streams_closed_slow_total",
        /// Event streams and sockets that were closed because nothing could confirm in time that their sessions live.
        streams_closed_unconfirmed: Counter = "latchkey_streams_closed_unconfirmed_total",
        /// How the bus between servers is: 1 for the present state, 0 for the others.
        bus_state: StateGauge<BusState> = "latchkey_bus_state",
        /// Messages on the bus between servers, by what became of them.
        bus_messages: Counters<BusMessage> = "latchkey_bus_messages_total",
    }
}

labels! {
    /// What became of a message on the bus.
    BusMessage = "outcome" {
        /// Handed over to the bus.
        Sent = "sent",
        /// Taken from the bus.
        Received = "received",
        /// Dropped: the bus was away or this server could not keep up.
        Lost = "lost",
        /// Refused: it does not prove that it is from this installation, or was sent before.
        Refused = "refused",
    }
}

/// The words of `/health`.
impl Label for BusState {
    const NAME: &'static str = "state";
    const VALUES: &'static [&'static str] =
        &[Self::Ok.as_str(), Self::Degraded.as_str(), Self::Connecting.as_str(), Self::Unavailable.as_str()];

    fn index(self) -> usize {
        self as usize
    }
}

/// Has these set whenever Prometheus asks.
pub fn show_metrics(metrics: &Metrics, events: &Arc<Events>, bus: &Arc<BusStatus>) {
    let (topics, bus, shown) = (Arc::clone(events.topics()), Arc::clone(bus), metrics.group::<EventMetrics>());
    metrics.on_scrape(move || {
        shown.streams_open.set(topics.of_users());
        shown.streams_closed_slow.set(topics.closed_slow());
        shown.bus_state.set(bus.state());
        let [sent, received, lost, refused] = bus.counts();
        shown.bus_messages.set(BusMessage::Sent, sent);
        shown.bus_messages.set(BusMessage::Received, received);
        shown.bus_messages.set(BusMessage::Lost, lost);
        shown.bus_messages.set(BusMessage::Refused, refused);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Exposition, Group as _};

    #[test]
    fn every_state_is_shown_under_its_own_name() {
        for state in [BusState::Ok, BusState::Degraded, BusState::Connecting, BusState::Unavailable] {
            assert_eq!(Label::as_str(state), state.as_str());
        }
    }

    #[test]
    fn the_present_state_of_the_bus_is_one_and_the_others_are_none() {
        let metrics = EventMetrics::default();
        metrics.bus_state.set(BusState::Connecting);
        metrics.bus_messages.set(BusMessage::Received, 12);
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        for line in [
            "latchkey_bus_state{state=\"ok\"} 0",
            "latchkey_bus_state{state=\"connecting\"} 1",
            "latchkey_bus_messages_total{outcome=\"received\"} 12",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }
}
