//! The server's live events.

use std::sync::Arc;

use leptos::prelude::*;

use types::api::ServerEvent;

type Listener = Arc<dyn Fn(&ServerEvent) + Send + Sync>;

/// The server's live events. A context.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    listeners: StoredValue<Vec<(u64, Listener)>>,
    last_id: StoredValue<u64>,
}

impl Events {
    pub(super) fn provide() -> Self {
        let events = Self { listeners: StoredValue::new(Vec::new()), last_id: StoredValue::new(0) };
        provide_context(events);
        events
    }

    /// Calls `listener` with every event until the component that subscribed is gone.
    ///
    /// `Hello` comes each time the stream opens: events may have been missed, so fetch again what you show.
    pub fn subscribe(self, listener: impl Fn(&ServerEvent) + Send + Sync + 'static) {
        self.last_id.update_value(|id| *id += 1);
        let id = self.last_id.get_value();
        self.listeners.update_value(|listeners| listeners.push((id, Arc::new(listener))));
        on_cleanup(move || {
            self.listeners.try_update_value(|listeners| listeners.retain(|(listener, _)| *listener != id));
        });
    }

    pub(super) fn tell(self, event: &ServerEvent) {
        // A listener may subscribe or go away while it is called: call from a copy.
        let listeners = self.listeners.get_value();
        for (_, listener) in listeners {
            listener(event);
        }
    }
}
