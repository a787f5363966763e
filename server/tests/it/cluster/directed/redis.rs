//! D6: Redis is a fast lane and nothing more. Whatever becomes of it, nothing is lost and nothing hangs.

use std::time::Instant;

use super::super::installation::Installation;
use super::super::processes::Redis;
use super::super::proxy::{Condition, Proxy};
use super::{SAYS_NO_WITHIN, refused_by_the_others};

/// What becomes of Redis.
#[derive(Clone, Copy, Debug)]
enum Fate {
    IsCut,
    IsRefused,
    Vanishes,
    Forgets,
    IsPaused,
    IsKilled,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_cut_or_stopped_or_forget_everything_and_no_sign_out_is_lost() {
    let mut installation = Installation::of_three().await;
    let fates = [Fate::IsCut, Fate::IsRefused, Fate::Vanishes, Fate::Forgets, Fate::IsPaused, Fate::IsKilled];
    let devices = installation.user_with_devices("ada@example.com", fates.len() + 1).await;
    let (witness, ending) = devices.split_last().expect("devices");
    for (turn, (fate, device)) in fates.into_iter().zip(ending).enumerate() {
        befalls(&installation.to_redis, &mut installation.redis, fate).await;
        let server = turn % 3;
        let began = Instant::now();
        let out = installation.signs_out(server, device).await;
        let ended = Instant::now();
        assert_eq!(out.status, 200, "{fate:?}: {}", out.body);
        assert!(ended - began <= SAYS_NO_WITHIN, "{fate:?}: signing out took {:?}", ended - began);
        let worst = refused_by_the_others(&installation, server, device, ended).await;
        println!("{fate:?}: the last accepted request began {worst:.3?} after the end");
        assert_eq!(installation.asks(server, witness).await, 200);
        is_over(&installation.to_redis, &mut installation.redis, fate).await;
    }
    installation.heals().await;
    for device in ending {
        installation.is_out_everywhere(device, witness).await;
    }
}

async fn befalls(proxies: &[Proxy], redis: &mut Redis, fate: Fate) {
    match fate {
        Fate::IsCut => proxies.iter().for_each(Proxy::cuts),
        Fate::IsRefused => proxies.iter().for_each(|proxy| proxy.becomes(Condition::Refused)),
        Fate::Vanishes => proxies.iter().for_each(|proxy| proxy.becomes(Condition::BlackHole)),
        Fate::Forgets => redis.forgets_everything().await,
        Fate::IsPaused => redis.pause(),
        Fate::IsKilled => redis.kill(),
    }
}

async fn is_over(proxies: &[Proxy], redis: &mut Redis, fate: Fate) {
    match fate {
        Fate::IsRefused | Fate::Vanishes => proxies.iter().for_each(|proxy| proxy.becomes(Condition::Sound)),
        Fate::IsPaused => redis.resume(),
        Fate::IsKilled => redis.start_again().await,
        Fate::IsCut | Fate::Forgets => {}
    }
}
