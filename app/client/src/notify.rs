//! Wakes tasks of one thread.

use std::cell::RefCell;

use futures::channel::oneshot;

/// Wakes all waiting tasks on each notification.
#[derive(Default)]
pub struct Notify {
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Notify {
    /// Ready at the next notification. Waiting begins with this call, not with the first poll: nothing is missed where
    /// the state is read afterwards, without an await in between.
    pub fn notified(&self) -> impl Future<Output = ()> + Unpin + use<> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.borrow_mut();
        // Tasks that gave up would pile up between two notifications.
        waiting.retain(|sender| !sender.is_canceled());
        waiting.push(sender);
        futures::FutureExt::map(receiver, |_| ())
    }

    /// Wakes all waiting tasks.
    pub fn notify_all(&self) {
        for sender in self.waiting.take() {
            // It fails only for a task that gave up.
            let _ = sender.send(());
        }
    }
}
