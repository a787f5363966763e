//! D4: the line is cut after the database has committed and before it can say so.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::calls::Device;
use super::super::checker::BOUND;
use super::super::installation::{Installation, Wanted};
use super::super::processes::until;
use super::super::proxy::Condition;
use super::{SAYS_NO_WITHIN, refused_by_the_others};

/// Waits until the commit has been cut off from its answer.
async fn is_cut(of: &Installation) {
    until("a commit is cut off from its answer", SAYS_NO_WITHIN, async || of.to_postgres[0].has_cut_after_commit())
        .await;
}

/// Whether the database knows that this device was signed out on server 0.
async fn is_committed(of: &Installation, device: &Device) -> bool {
    let began = Instant::now();
    while began.elapsed() < BOUND {
        if of.asks(1, device).await == 401 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_whose_commit_was_not_heard_of_is_done_and_can_be_repeated() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 2).await;
    let (leaves, stays) = (&devices[0], &devices[1]);
    installation.to_postgres[0].cuts_after_commit();
    let (out, ()) = tokio::join!(installation.signs_out(0, leaves), is_cut(&installation));
    assert!(matches!(out.status, 200 | 202), "{}", out.body);
    let ended = Instant::now();
    let refused_from_then_on = async {
        // Longer than the pending end is needed, and longer than the log is not looked at.
        while ended.elapsed() < Duration::from_secs(2) {
            assert_eq!(
                installation.asks(0, leaves).await,
                401,
                "this server refuses it at once, after {:?}",
                ended.elapsed()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(refused_from_then_on, refused_by_the_others(&installation, 0, leaves, ended));
    let again = installation.signs_out(0, leaves).await;
    assert_eq!(again.status, 200, "{}", again.body);
    installation.heals().await;
    installation.is_out_everywhere(leaves, stays).await;

    let path = format!("/api/auth/sessions/{}/history", leaves.session);
    let history = installation.net.get(1, &path, &stays.access).await.answer().body;
    let kinds: Vec<&str> =
        history["entries"].as_array().into_iter().flatten().filter_map(|entry| entry["kind"].as_str()).collect();
    assert_eq!(kinds, ["signed_in", "ended"], "it ended once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_commit_was_not_heard_of_is_answered_with_the_same_token_when_it_is_repeated() {
    let installation = Installation::of_three().await;
    let mut device = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    let lost = loop {
        installation.to_postgres[0].cuts_after_commit();
        let (reply, ()) = tokio::join!(installation.net.refreshes(0, &device.refresh), is_cut(&installation));
        if reply.status() != 200 {
            break reply;
        }
        // It was the commit of something else that the server does by itself.
        device = Device::of(&reply.answer());
    };
    assert_eq!(lost.status(), 503, "{lost:?}");
    let again = installation.refreshes(1, &device.refresh).await;
    let elsewhere = installation.refreshes(2, &device.refresh).await;
    assert_eq!((again.status, elsewhere.status), (200, 200), "{} {}", again.body, elsewhere.body);
    let successors = [Device::of(&again), Device::of(&elsewhere)];
    assert_eq!(successors[0].refresh, successors[1].refresh, "the chain does not fork");
    assert_eq!(installation.refreshes(0, &successors[0].refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_in_after_signing_out_everywhere_stays_signed_in_although_the_commit_was_not_heard_of() {
    let mut installation = Installation::of_three().await;
    let mut leaves = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    let nothing = json!({});
    loop {
        installation.to_postgres[0].cuts_after_commit();
        let out = installation.net.post(0, "/api/auth/logout-all", Some(&leaves.access), &nothing);
        let cut_off = async {
            is_cut(&installation).await;
            installation.to_postgres[0].becomes(Condition::Refused);
        };
        let (out, ()) = tokio::join!(out, cut_off);
        assert!(matches!(out.status(), 200 | 202), "{out:?}");
        if out.status() == 202 && is_committed(&installation, &leaves).await {
            break;
        }
        // It was the commit of something else that the server does by itself.
        installation.heals().await;
        leaves = installation.signs_in(1, "ada@example.com").await;
    }
    // The others know what was committed, and this server will try to commit it again.
    let returns = installation.signs_in(1, "ada@example.com").await;
    installation.heals().await;
    for server in 0..3 {
        assert_eq!(installation.asks(server, &returns).await, 200, "server {server} ended what came later");
    }
    assert_eq!(installation.refreshes(0, &returns.refresh).await.status, 200);
    // A server that was not notified of a commit finds it within the bound.
    refused_by_the_others(&installation, 0, &leaves, Instant::now()).await;
    installation.is_out_everywhere(&leaves, &returns).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_whose_commit_was_not_heard_of_is_no_theft_when_it_is_repeated_after_a_long_outage() {
    /// Shorter than the outage, and longer than a server takes to find out that it is over.
    const GRACE: (&str, &str) = ("REFRESH_GRACE", "3s");
    let mut installation = Installation::start(Wanted { settings: &[GRACE], ..Wanted::default() }).await;
    let mut device = installation.user_with_devices("ada@example.com", 1).await.remove(0);
    loop {
        installation.to_postgres[0].cuts_after_commit();
        let (reply, ()) = tokio::join!(installation.net.refreshes(0, &device.refresh), is_cut(&installation));
        if reply.status() != 200 {
            break;
        }
        // It was the commit of something else that the server does by itself.
        device = Device::of(&reply.answer());
    }
    installation.to_postgres[0].becomes(Condition::Refused);
    tokio::time::sleep(Duration::from_secs(5)).await;
    installation.heals().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = installation.refreshes(1, &device.refresh).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let next = installation.refreshes(0, &Device::of(&again).refresh).await;
    assert_eq!(next.status, 200, "{}", next.body);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let stolen = installation.refreshes(2, &device.refresh).await;
    assert_eq!(stolen.status, 401, "once its successor was used it is what it was: {}", stolen.body);
}
