//! What `latchkey explain` says afterwards of each call is what the server answered then, whatever it knew.

use super::super::calls::Device;
use super::super::checker::BOUND;
use super::super::explained::compare;
use super::super::history::Scope;
use super::super::installation::Installation;
use super::super::proxy::Condition;
use super::super::world::{UserOnServer, World};

const WHO: &str = "ada@example.com";
/// How often each server is asked for each device at a time.
const TIMES: usize = 10;
/// Calls this long before an end are decided, and this long after one once everything works.
const DECIDED: std::time::Duration = std::time::Duration::from_millis(3500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_check_is_answered_as_it_is_explained_afterwards() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices(WHO, 5).await;
    let world = World::new(installation.net.clone());
    asks_everywhere(&world, &devices).await;
    tokio::time::sleep(DECIDED).await;
    for (server, asks, scope) in
        [(0, 0, Scope::This), (1, 1, Scope::Other(devices[2].session.clone())), (2, 3, Scope::This)]
    {
        let out = world.ends(UserOnServer { who: WHO, server }, &devices[asks], &scope).await;
        assert_eq!(out.status(), 200, "{out:?}");
    }
    // Within the bound either answer is right, and on a server that is cut off there is none.
    asks_everywhere(&world, &devices).await;
    installation.to_postgres[2].becomes(Condition::Refused);
    tokio::time::sleep(BOUND).await;
    asks_everywhere(&world, &devices).await;
    installation.heals().await;
    world.recorder.heals();
    tokio::time::sleep(DECIDED).await;
    asks_everywhere(&world, &devices).await;

    let explained = Box::pin(compare(&installation, &world, &world.recorder.history())).await;
    println!("{explained}");
    let asked_each_time = TIMES * devices.len() * installation.net.servers();
    assert!(explained.disagreements.is_empty(), "{explained}: {:?}", explained.disagreements);
    assert!(explained.compared() >= 2 * asked_each_time, "{explained}");
    assert!(explained.refused >= TIMES * 3 * installation.net.servers(), "{explained}");
}

async fn asks_everywhere(world: &World, devices: &[Device]) {
    for _ in 0..TIMES {
        for server in 0..world.net.servers() {
            let checks = devices.iter().map(|device| world.checks(UserOnServer { who: WHO, server }, device));
            futures::future::join_all(checks).await;
        }
    }
}
