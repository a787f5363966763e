//! D1 and D5: what one server has confirmed, the others refuse in time, whatever becomes of the one.

use std::time::{Duration, Instant};

use futures::StreamExt as _;

use super::super::calls::Device;
use super::super::checker::{BOUND, SLACK};
use super::super::installation::Installation;
use super::super::processes::{Server, until};
use super::super::proxy::Condition;
use super::refused_by_the_others;
use crate::support::app::Events;

const USERS: usize = 4;
const DEVICES_EACH: usize = 9;
const AT_ONCE: usize = 6;
/// Longer than a server goes on trying a pending end.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ended_on_one_server_is_refused_and_notified_on_the_others_within_the_bound() {
    let installation = Installation::of_three().await;
    let of = &installation;
    let users = (0..USERS)
        .map(|user| async move { of.user_with_devices(&format!("user-{user}@example.com"), DEVICES_EACH).await });
    let devices: Vec<Device> = futures::future::join_all(users).await.into_iter().flatten().collect();
    let rounds = devices.iter().enumerate().map(|(round, device)| one_round(of, round % 3, device));
    let delays: Vec<[Duration; 2]> = futures::stream::iter(rounds).buffer_unordered(AT_ONCE).collect().await;
    for (what, delays) in
        ["last accepted", "notified in an open stream"].iter().zip([0, 1].map(|of| column(&delays, of)))
    {
        let (median, worst) = (delays[delays.len() / 2], delays[delays.len() - 1]);
        println!("{what} after the end, in {} rounds: median {median:.3?}, worst {worst:.3?}", delays.len());
        assert!(worst <= BOUND + SLACK, "{what}: {worst:?}");
    }
}

fn column(delays: &[[Duration; 2]], index: usize) -> Vec<Duration> {
    let mut delays: Vec<Duration> = delays.iter().map(|pair| pair[index]).collect();
    delays.sort();
    delays
}

/// Ends a device on one server while it listens on another. Gives when the last request was accepted by any other
/// server, and when the stream was notified.
async fn one_round(of: &Installation, on: usize, device: &Device) -> [Duration; 2] {
    let elsewhere = (on + 1) % of.net.servers();
    let mut events = Events::of(of.net.opens_stream(elsewhere, &device.access).await.expect("a stream"));
    let out = of.signs_out(on, device).await;
    let ended = Instant::now();
    assert_eq!((out.status, &out.body["sessionsEnded"]), (200, &1.into()));
    assert_eq!(of.asks(on, device).await, 401, "the server that ended it refuses it at once");
    let notified = async {
        while events.next_named("session.ended").await["sessionId"] != device.session.as_str() {}
        ended.elapsed()
    };
    let (accepted, notified) = tokio::join!(refused_by_the_others(of, on, device, ended), notified);
    [accepted, notified]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_right_after_its_answer_takes_nothing_with_it() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 4).await;
    for (victim, device) in devices[..3].iter().enumerate() {
        let out = installation.signs_out(victim, device).await;
        installation.servers[victim].is_killed();
        let ended = Instant::now();
        assert_eq!(out.status, 200, "{}", out.body);
        refused_by_the_others(&installation, victim, device, ended).await;
        installation.servers[victim].runs().await;
        assert_eq!(installation.asks(victim, device).await, 401, "it knows from its first moment");
    }
    for device in &devices[..3] {
        installation.is_out_everywhere(device, &devices[3]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pending_end_outlives_the_server_that_acknowledged_it() {
    for dies in [Server::is_killed as fn(&mut Server), |server| server.is_asked_to_stop()] {
        let mut installation = Installation::of_three().await;
        let devices = installation.user_with_devices("ada@example.com", 4).await;
        let [by_access_token, by_refresh_token, other, witness] = &devices[..] else { panic!("there are four") };
        installation.to_postgres[0].becomes(Condition::Refused);
        let of = &installation;
        let refresh = serde_json::json!({"refreshToken": by_refresh_token.refresh});
        let named = format!("/api/auth/sessions/{}", other.session);
        let answers = tokio::join!(
            of.signs_out(0, by_access_token),
            async { of.net.post(0, "/api/auth/logout", None, &refresh).await.answer() },
            async { of.net.delete(0, &named, &witness.access).await.answer() },
        );
        let answers = [answers.0, answers.1, answers.2];
        assert!(answers.iter().all(|out| out.status == 202), "{answers:?}");
        dies(&mut installation.servers[0]);
        until("the server is gone", STOPS_WITHIN, async || !installation.servers[0].is_running()).await;
        let left = installation.folder.path().join("data/promises");
        assert_eq!(std::fs::read_dir(&left).expect("the folder of the pending log").count(), 3, "one of each server");
        installation.heals().await;
        for device in [by_access_token, by_refresh_token, other] {
            installation.is_out_everywhere(device, witness).await;
        }
        assert_eq!(installation.asks(0, witness).await, 200, "nobody ended this one");
        assert_eq!(
            std::fs::read_dir(&left).expect("the folder of the pending log").count(),
            3,
            "the dead one's is gone"
        );
    }
}
