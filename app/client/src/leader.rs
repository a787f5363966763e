//! Which tab of a browser leads: it holds a connection for all of them.
//!
//! The others wait for its lock, and take it from a tab that shows no sign of life.

use futures::future::{Either, select};

use super::core::Client;
use super::ports::LockGuard;

/// How often, in milliseconds, a tab that somebody looks at asks the one that leads whether it lives. Asking wakes even
/// a tab whose timers the browser has slowed down.
const PING_MS: f64 = 1_000.0;
/// How many questions in a row stay unanswered before another tab leads.
const MAX_UNANSWERED: u32 = 3;
/// How long, in milliseconds, to wait for a stolen lock. A browser that takes longer never grants it.
const STEAL_MS: f64 = 1_000.0;

/// A connection that one tab holds for all of them.
pub(super) trait SharedConnection {
    /// The lock among tabs whose holder leads.
    const LOCK: &'static str;

    /// The client of this tab.
    fn client(&self) -> &Client;

    /// Says to the other tabs that this one waits.
    fn announce_wait(&self);

    /// Asks the tab that leads whether it lives.
    fn ask_leader(&self);

    /// Counts the messages of the tab that leads.
    fn signs_of_life(&self) -> u64;
}

/// The lock under which this tab leads: once it is free, or taken from a tab that shows no sign of life.
pub(super) async fn become_leader<C: SharedConnection>(connection: &C) -> LockGuard {
    let ports = &connection.client().inner.ports;
    // Without a channel a tab needs a connection of its own.
    if !ports.channel.available() {
        return LockGuard::default();
    }
    connection.announce_wait();
    let turn = ports.lock.acquire(C::LOCK);
    if let Either::Left((guard, _)) = select(turn, Box::pin(leader_is_silent(connection))).await {
        return guard;
    }
    match select(ports.lock.steal(C::LOCK), ports.clock.sleep(STEAL_MS)).await {
        Either::Left((guard, _)) => guard,
        Either::Right(_) => LockGuard::default(),
    }
}

/// Ready once the tab that leads has left several questions in a row unanswered. Asks only while somebody looks at this
/// tab.
async fn leader_is_silent<C: SharedConnection>(connection: &C) {
    let inner = &connection.client().inner;
    let mut unanswered = 0;
    while unanswered < MAX_UNANSWERED {
        let woken = inner.woken.notified();
        if !inner.state.borrow().visible {
            woken.await;
            unanswered = 0;
            continue;
        }
        let before = connection.signs_of_life();
        connection.ask_leader();
        // At slightly random moments, so that two windows do not take over at once.
        let wait_ms = PING_MS * (1.0 + inner.ports.clock.random() / 4.0);
        inner.ports.clock.sleep(wait_ms).await;
        unanswered = if connection.signs_of_life() == before { unanswered + 1 } else { 0 };
    }
}
