//! D12, and a server that is paused: what happens to requests and streams when a process stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::calls::{Device, Reply};
use super::super::checker::BOUND;
use super::super::installation::Installation;
use super::super::proxy::Condition;
use super::{refused_by_the_others, refused_in_time};
use crate::support::app::Events;

/// Long enough that a sign-out is under way for a while, with its ten trips to the database, and so short that they fit
/// into what a server waits for a verb even on a busy machine.
const SLOW: Duration = Duration::from_millis(50);
const STOPS_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_finishes_the_sign_out_under_way_and_closes_its_streams() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 2).await;
    let (leaves, stays) = (&devices[0], &devices[1]);
    let mut events = Events::of(installation.net.opens_stream(0, &stays.access).await.expect("a stream"));
    assert_eq!(events.next().await.expect("an event").0, "hello");
    installation.to_postgres[0].becomes(Condition::Slow(SLOW));

    let stopped = AtomicBool::new(false);
    let of = &installation;
    let sign_out = async {
        let out = of.signs_out(0, leaves).await;
        (out, Instant::now())
    };
    let asked_to_stop = async {
        tokio::time::sleep(SLOW * 2).await;
        of.servers[0].is_asked_to_stop();
        while events.next().await.is_some() {}
        stopped.store(true, Ordering::SeqCst);
    };
    let ((out, ended), (), passed) = tokio::join!(sign_out, asked_to_stop, asks_on(of, stays, &stopped));
    assert_eq!((out.status, &out.body["sessionsEnded"]), (200, &1.into()), "{}", out.body);
    refused_by_the_others(of, 0, leaves, ended).await;
    println!("{passed} requests passed meanwhile");
    assert!(installation.servers[0].has_stopped(STOPS_WITHIN).await, "it stops cleanly");

    installation.servers[0].runs().await;
    installation.heals().await;
    assert_eq!(installation.asks(0, stays).await, 200);
    installation.is_out_everywhere(leaves, stays).await;
}

/// Asks the server that is being stopped, until its streams have been closed. It answers as always, or not at all.
async fn asks_on(of: &Installation, device: &Device, stopped: &AtomicBool) -> usize {
    let mut passed = 0;
    while !stopped.load(Ordering::SeqCst) {
        match of.net.get(0, "/api/auth/session", &device.access).await {
            Reply::NotSent | Reply::Lost => tokio::time::sleep(Duration::from_millis(5)).await,
            Reply::Answer(answer) => {
                assert_eq!(answer.status, 200, "{}", answer.body);
                passed += 1;
            }
        }
    }
    passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_paused_is_not_current_afterwards() {
    let installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 2).await;
    let (leaves, stays) = (&devices[0], &devices[1]);
    assert_eq!(installation.asks(2, leaves).await, 200);
    installation.servers[2].is_paused();
    let out = installation.signs_out(0, leaves).await;
    let ended = Instant::now();
    assert_eq!(out.status, 200, "{}", out.body);
    tokio::time::sleep(BOUND + Duration::from_secs(1)).await;
    // Waits in the paused server's queue, and is the first thing that it sees.
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        installation.servers[2].goes_on();
    };
    let (first, ()) = tokio::join!(installation.asks(2, leaves), waiting);
    assert_ne!(first, 200, "it let pass what had ended {:?} before", ended.elapsed());
    refused_in_time(&installation, 2, leaves, ended).await;
    let passes = async || installation.asks(2, stays).await == 200;
    super::super::processes::until("it serves again", STOPS_WITHIN, passes).await;
}
