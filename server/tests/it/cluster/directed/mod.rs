//! One test a distributed case of the security plan (D1 to D16): one thing breaks, and what must hold is observed.

mod clocks;
mod commits;
mod database;
mod ending;
mod explaining;
mod processes;
mod redis;
mod requesters;
mod rooms;
mod set_back;
mod streams;

use std::time::{Duration, Instant};

use super::calls::{Device, Reply};
use super::checker::{BOUND, SLACK};
use super::installation::Installation;

/// How long a server may take to say that it cannot answer now.
pub const SAYS_NO_WITHIN: Duration = Duration::from_millis(2500);
/// How long a revocation may be waited for before it counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(15);
/// How often a server is asked while something is waited for.
const AGAIN: Duration = Duration::from_millis(5);

/// Asks until the server refuses the device, whose end was confirmed at `ended`. Gives how much later than that the
/// last accepted request began, which must be within the bound.
pub async fn refused_in_time(of: &Installation, server: usize, device: &Device, ended: Instant) -> Duration {
    let mut last = Duration::ZERO;
    loop {
        let began = ended.elapsed();
        match of.asks(server, device).await {
            200 => last = began,
            401 => break,
            // It cannot say, and therefore does not let it pass.
            _ => {}
        }
        assert!(began < LOST_AFTER, "server {server} does not refuse it");
        tokio::time::sleep(AGAIN).await;
    }
    assert!(last <= BOUND + SLACK, "server {server} accepted a request that began {last:?} after the end");
    last
}

/// The same for all servers but one.
pub async fn refused_by_the_others(of: &Installation, but: usize, device: &Device, ended: Instant) -> Duration {
    let others = (0..of.net.servers()).filter(|server| *server != but);
    let delays = others.map(|server| refused_in_time(of, server, device, ended));
    futures::future::join_all(delays).await.into_iter().max().expect("there are others")
}

/// Waits for a reply that says *not now*, and says when to come back, in time.
pub async fn says_not_now(what: &str, reply: impl Future<Output = Reply>) {
    let begun = Instant::now();
    let reply = reply.await;
    let took = begun.elapsed();
    assert_eq!(reply.status(), 503, "{what} after {took:?}: {reply:?}");
    let answer = reply.answer();
    assert!(answer.headers.contains_key("retry-after"), "{what}: it does not say when to come back");
    assert!(took <= SAYS_NO_WITHIN, "{what}: it took {took:?} to say so");
}
