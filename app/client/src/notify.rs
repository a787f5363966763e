//! Wakes tasks of one thread.

use std::cell::RefCell;

use futures::channel::oneshot;

/// Wakes everybody who waits when somebody notifies.
#[derive(Default)]
pub struct Notify {
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Notify {
    /// Ready at the next notification. Whoever looks at the state first and waits without an await in between misses
    /// nothing: waiting begins with this call, not with the first poll.
    pub fn notified(&self) -> impl Future<Output = ()> + Unpin + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.borrow_mut();
        // Those who gave up would pile up between two notifications.
        waiting.retain(|sender| !sender.is_canceled());
        waiting.push(sender);
        futures::FutureExt::map(receiver, |_| ())
    }

    /// Wakes everybody who waits.
    pub fn notify_all(&self) {
        for sender in self.waiting.take() {
            // Whoever gave up waiting does not mind.
            let _ = sender.send(());
        }
    }
}
