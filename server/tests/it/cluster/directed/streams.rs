//! D13: streams of a server that is cut off from PostgreSQL while Redis goes on delivering messages.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::calls::read;
use super::super::checker::{BOUND, READ_LATE, SLACK};
use super::super::installation::{HEALS_WITHIN, Installation, Wanted};
use super::super::processes::until;
use super::super::proxy::{Condition, Direction};
use super::says_not_now;
use crate::support::app::Events;

/// How often there is a message.
const MESSAGE_EVERY: Duration = Duration::from_millis(50);
/// Long enough for any stream that goes on to show it.
const OBSERVED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_a_server_cannot_confirm_any_more_is_silent_and_closed_within_the_bound() {
    let mut installation = Installation::start(Wanted { servers: 4, ..Wanted::default() }).await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let [stays, leaves, speaks] = &devices[..] else { panic!("there are three") };
    let of = &installation;
    let ways = [Condition::Refused, Condition::BlackHole, Condition::HalfOpen(Direction::ToServer)];
    let mut streams = Vec::new();
    for (server, way) in (1..).zip(ways) {
        for device in [stays, leaves] {
            let events = Events::of(of.net.opens_stream(server, &device.access).await.expect("a stream"));
            streams.push((server, way, events));
        }
        // Tickets are drawn while they can be.
        of.to_postgres[server].becomes(way);
    }
    let cut = Instant::now();
    assert_eq!(of.signs_out(0, leaves).await.status, 200);
    let ended = Instant::now();
    let messages = async {
        let path = format!("/api/auth/sessions/{}", speaks.session);
        for round in 0.. {
            let request = of.net.request(0, reqwest::Method::PATCH, &path).bearer_auth(&speaks.access);
            assert_eq!(read(request.json(&json!({"deviceName": format!("Name {round}")}))).await.status(), 200);
            tokio::time::sleep(MESSAGE_EVERY).await;
        }
    };
    let listening = streams.into_iter().map(|(server, way, events)| async move {
        let (heard, last, closed) = listens(events).await;
        println!(
            "server {server}, {way:?}: {heard} messages, the last {:.3?} after it was cut off, closed {:.3?} after",
            last - cut,
            closed - cut
        );
        assert!(heard > 0, "messages come over Redis");
        assert!(last <= ended + BOUND + SLACK + READ_LATE, "a message {:?} after the end", last - ended);
        assert!(closed <= ended + BOUND + SLACK + READ_LATE, "closed {:?} after the end", closed - ended);
    });
    tokio::select! {
        () = messages => panic!("there is always more"),
        _ = futures::future::join_all(listening) => {}
    }
    for server in 1..4 {
        let open = of.net.get(server, "/api/auth/events", &stays.access);
        says_not_now("a stream that is opened again", open).await;
    }
    installation.heals().await;
    for server in 1..4 {
        let opens = async || installation.net.opens_stream(server, &stays.access).await.is_some();
        until("streams open again", HEALS_WITHIN, opens).await;
        assert!(installation.net.opens_stream(server, &leaves.access).await.is_none());
    }
}

/// How many messages there were, when the last came, and when it was closed.
async fn listens(mut events: Events) -> (usize, Instant, Instant) {
    let (mut heard, mut last) = (0, Instant::now());
    let until_closed = async {
        while let Some((name, _)) = events.next().await {
            if name != "hello" {
                heard += 1;
                last = Instant::now();
            }
        }
    };
    tokio::time::timeout(OBSERVED, until_closed).await.expect("it is closed");
    (heard, last, Instant::now())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_no_stream_on_a_server_that_is_cut_off() {
    let mut installation = Installation::of_three().await;
    let device = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    let drawn = installation.net.post(1, "/api/auth/events/ticket", Some(&device.access), &json!({})).await.answer();
    let path = format!("/api/auth/events?ticket={}", drawn.text("ticket"));
    installation.to_postgres[0].becomes(Condition::BlackHole);
    says_not_now("a ticket", read(installation.net.request(0, reqwest::Method::GET, &path))).await;
    installation.heals().await;
}
