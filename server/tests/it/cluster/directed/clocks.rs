//! D7: clocks of servers are off, by an hour or a day, and jump. Sessions are judged by the database's time, and how
//! old the list is by a clock that only goes forward.

use std::time::{Duration, Instant};

use super::super::calls::Device;
use super::super::installation::{HEALS_WITHIN, Installation, Wanted};
use super::super::processes::until;
use super::{refused_by_the_others, refused_in_time};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A server looks at its clock's file once a second, and learns how far off it is when it looks at the log.
const NOTICES_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_whose_clocks_are_off_or_jump_still_agree_about_every_session() {
    let mut installation = Installation::prepare(Wanted { servers: 3, clocks: true, ..Wanted::default() }).await;
    for (server, off_by) in [(1, DAY), (2, -HOUR)] {
        installation.servers[server].sets_clock(off_by);
    }
    for server in &mut installation.servers {
        server.runs().await;
    }
    let devices = installation.user_with_devices("ada@example.com", 7).await;
    let (witness, ending) = devices.split_last().expect("devices");
    agree(&installation, &devices).await;
    for (server, device) in ending[..3].iter().enumerate() {
        ends_everywhere(&installation, server, device).await;
    }
    warns_of_its_clock(&installation, [0, DAY, -HOUR]).await;

    for (server, off_by) in [(0, HOUR), (1, -DAY), (2, DAY)] {
        installation.servers[server].sets_clock(off_by);
    }
    warns_of_its_clock(&installation, [HOUR, -DAY, DAY]).await;
    agree(&installation, &devices[3..]).await;
    for (server, device) in ending[3..].iter().enumerate() {
        ends_everywhere(&installation, server, device).await;
    }
    for device in ending {
        installation.is_out_everywhere(device, witness).await;
    }
}

/// Every device passes on every server, and a token from one server can be refreshed on the next.
async fn agree(of: &Installation, devices: &[Device]) {
    for (index, device) in devices.iter().enumerate() {
        for server in 0..3 {
            assert_eq!(of.asks(server, device).await, 200, "device {index} on server {server}");
        }
    }
    let fresh = of.signs_in(1, "ada@example.com").await;
    for server in [0, 1, 2] {
        let refreshed = of.refreshes(server, &fresh.refresh).await;
        assert_eq!(refreshed.status, 200, "on server {server}: {}", refreshed.body);
        let refreshed = Device::of(&refreshed);
        for other in 0..3 {
            assert_eq!(of.asks(other, &refreshed).await, 200, "refreshed on server {server}, asking server {other}");
        }
    }
}

async fn ends_everywhere(of: &Installation, on: usize, device: &Device) {
    let out = of.signs_out(on, device).await;
    let ended = Instant::now();
    assert_eq!(out.status, 200, "{}", out.body);
    refused_in_time(of, on, device, ended).await;
    refused_by_the_others(of, on, device, ended).await;
}

/// Each server says how far its clock is from the database's, within some seconds.
async fn warns_of_its_clock(of: &Installation, off_by_seconds: [i64; 3]) {
    for (server, off_by) in off_by_seconds.into_iter().enumerate() {
        until(&format!("server {server} knows that its clock is off by {off_by} s"), NOTICES_WITHIN, async || {
            let health = of.health(server).await;
            health["clockOffsetMs"].as_i64().is_some_and(|offset| (offset.abs() / 1000 - off_by.abs()).abs() <= 3)
        })
        .await;
    }
    // The list stays current through it all.
    for server in 0..3 {
        until("the list is current", HEALS_WITHIN, async || {
            of.health(server).await["revocationListAgeMs"].as_u64().is_some_and(|age| age <= 2000)
        })
        .await;
    }
}
