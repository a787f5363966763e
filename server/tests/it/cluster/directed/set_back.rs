//! D15: the database is set back under running servers, as by a failover to a standby that had come no further.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::calls::Device;
use super::super::checker::{BOUND, SLACK};
use super::super::installation::Installation;
use super::{refused_by_the_others, refused_in_time};

/// How long servers may take to notice what is lost and to write it again, and the others to read that.
const WRITTEN_AGAIN_WITHIN: Duration = Duration::from_secs(2);
/// How long whoever has signed out is observed after that.
const OBSERVED: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_database_has_lost_is_signed_out_everywhere_by_each_of_its_tokens() {
    let mut installation = Installation::of_three().await;
    let witness = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    installation.postgres.is_copied().await;
    installation.is_well().await;
    let by_access = installation.signs_in(0, "ada@example.com").await;
    let by_refresh = installation.signs_in(1, "ada@example.com").await;
    installation.postgres.is_set_back().await;
    installation.is_well().await;
    for device in [&by_access, &by_refresh] {
        assert_eq!(installation.asks(2, device).await, 200, "nobody has ended it");
    }
    assert_eq!(installation.signs_out(1, &by_access).await.status, 200);
    let refresh = json!({"refreshToken": by_refresh.refresh});
    assert_eq!(installation.net.post(1, "/api/auth/logout", None, &refresh).await.status(), 200);
    let ended = Instant::now();
    for device in [&by_access, &by_refresh] {
        assert_eq!(installation.asks(1, device).await, 401, "the server that ended it refuses it at once");
        refused_by_the_others(&installation, 1, device, ended).await;
        installation.is_out_everywhere(device, &witness).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_everywhere_ends_what_was_made_under_an_epoch_that_the_database_has_lost() {
    let mut installation = Installation::of_three().await;
    let before = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    installation.postgres.is_copied().await;
    installation.is_well().await;
    let everywhere = json!({});
    let out = installation.net.post(0, "/api/auth/logout-all", Some(&before.access), &everywhere).await;
    assert_eq!(out.status(), 200);
    let mut lost = Vec::new();
    for server in 0..3 {
        lost.push(installation.signs_in(server, "ada@example.com").await);
    }
    installation.postgres.is_set_back().await;
    // In the first moment at which it is possible.
    let out = installation.net.post(2, "/api/auth/logout-all", Some(&lost[2].access), &everywhere).await.answer();
    assert!(matches!(out.status, 200 | 202), "{}", out.body);
    let ended = Instant::now();
    for device in lost.iter().chain([&before]) {
        for server in 0..3 {
            if out.status == 200 {
                refused_in_time(&installation, server, device, ended).await;
            }
        }
    }
    installation.is_well().await;
    let witness = installation.signs_in(1, "ada@example.com").await;
    for device in lost.iter().chain([&before]) {
        installation.is_out_everywhere(device, &witness).await;
    }
    assert_eq!(installation.asks(0, &witness).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_the_others_ends_those_too_that_the_database_has_lost() {
    let mut installation = Installation::of_three().await;
    let mut keeper = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    installation.postgres.is_copied().await;
    installation.is_well().await;
    let mut lost = Vec::new();
    for server in 0..3 {
        lost.push(installation.signs_in(server, "ada@example.com").await);
    }
    installation.postgres.is_set_back().await;
    installation.is_well().await;
    // Not only in the first moment: servers that start later know of it as well.
    tokio::time::sleep(WRITTEN_AGAIN_WITHIN).await;
    let keep = json!({"keepCurrent": true});
    let out = installation.net.post(1, "/api/auth/logout-all", Some(&keeper.access), &keep).await.answer();
    assert_eq!(out.status, 200, "{}", out.body);
    let ended = Instant::now();
    for device in &lost {
        for server in 0..3 {
            refused_in_time(&installation, server, device, ended).await;
        }
    }
    takes_a_new_token(&installation, &mut keeper).await;
    for server in 0..3 {
        assert_eq!(installation.asks(server, &keeper).await, 200);
    }
    for device in &lost {
        installation.is_out_everywhere(device, &keeper).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_had_signed_out_in_what_was_lost_is_not_let_in_again() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let mut others = installation.user_with_devices("bob@example.com", 2).await;
    let (witness, mut bystander) = (&devices[2], others.remove(1));
    installation.postgres.is_copied().await;
    installation.is_well().await;
    assert_eq!(installation.signs_out(0, &devices[0]).await.status, 200);
    assert_eq!(installation.signs_out(1, &devices[1]).await.status, 200);
    let keep = json!({"keepCurrent": true});
    let out = installation.net.post(2, "/api/auth/logout-all", Some(&bystander.access), &keep).await;
    assert_eq!(out.status(), 200);
    let gone = [&devices[0], &devices[1], &others[0]];
    let ended = Instant::now();
    for device in gone {
        for server in 0..3 {
            refused_in_time(&installation, server, device, ended).await;
        }
    }
    installation.postgres.is_set_back().await;
    let back = Instant::now();
    while back.elapsed() < WRITTEN_AGAIN_WITHIN + OBSERVED {
        for device in gone {
            for server in 0..3 {
                // Every server has read of the end: none forgets it, whatever the database says.
                assert_ne!(installation.asks(server, device).await, 200, "server {server} lets it in again");
                let refreshed = installation.net.refreshes(server, &device.refresh).await.status();
                assert_ne!(refreshed, 200, "server {server} refreshes it {:?} after", back.elapsed());
            }
        }
    }
    installation.is_well().await;
    installation.is_out_everywhere(&devices[0], witness).await;
    installation.is_out_everywhere(&devices[1], witness).await;
    takes_a_new_token(&installation, &mut bystander).await;
    installation.is_out_everywhere(&others[0], &bystander).await;
    assert!(BOUND + SLACK < OBSERVED, "it was observed for longer than the bound");
}

/// Where a database has started anew, signing out the others has the one that stays refresh its tokens.
async fn takes_a_new_token(installation: &Installation, device: &mut Device) {
    let renewed = installation.net.refreshes(2, &device.refresh).await.answer();
    assert_eq!(renewed.status, 200, "the one that stays is signed in: {}", renewed.body);
    renewed.body["accessToken"].as_str().expect("a token").clone_into(&mut device.access);
}
