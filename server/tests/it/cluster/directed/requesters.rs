//! D14: what has itself ended asks for others to be ended while the database is away; and what is neither committed nor
//! written down.

use serde_json::json;

use super::super::calls::{Answer, Device};
use super::super::installation::{HEALS_WITHIN, Installation, Wanted};
use super::super::processes::until;
use super::super::proxy::Condition;

/// Signing out everywhere, with or without the device that asks, and in the words of the devices page.
async fn asks_in_every_way(of: &Installation, server: usize, device: &Device) -> Vec<Answer> {
    let mut answers = Vec::new();
    for keep_current in [false, true] {
        let body = json!({"keepCurrent": keep_current});
        answers.push(of.net.post(server, "/api/auth/logout-all", Some(&device.access), &body).await.answer());
    }
    answers.push(of.net.delete(server, "/api/auth/sessions", &device.access).await.answer());
    answers
}

/// Its tokens pass on every server, and can be refreshed.
async fn is_in_everywhere(of: &Installation, device: &Device) {
    for server in 0..of.net.servers() {
        assert_eq!(of.asks(server, device).await, 200, "server {server}");
    }
    assert_eq!(of.refreshes(1, &device.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_this_server_knows_to_have_ended_ends_nobody_else_while_the_database_is_away() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 2).await;
    let (owner, stolen) = (&devices[0], &devices[1]);
    assert_eq!(installation.signs_out(0, stolen).await.status, 200);
    for way in [Condition::Refused, Condition::BlackHole] {
        installation.to_postgres[0].becomes(way);
        for out in asks_in_every_way(&installation, 0, stolen).await {
            assert_eq!((out.status, &out.body["sessionsEnded"]), (200, &json!(0)), "{way:?}: {}", out.body);
        }
        assert_eq!(installation.asks(0, owner).await, 200, "the owner is in: {way:?}");
        installation.heals().await;
    }
    is_in_everywhere(&installation, owner).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_session_asked_for_after_its_end_elsewhere_is_not_carried_out_when_the_database_is_back() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let [owner, at_once, later] = &devices[..] else { panic!("there are three") };
    installation.to_postgres[0].becomes(Condition::Refused);
    for stolen in [at_once, later] {
        assert_eq!(installation.signs_out(1, stolen).await.status, 200);
        for out in asks_in_every_way(&installation, 0, stolen).await {
            assert_eq!(out.status, 202, "this server cannot know: {}", out.body);
        }
        assert_eq!(installation.asks(0, stolen).await, 401, "whoever asks for all is out");
        let seen = installation.asks(0, owner).await;
        assert!(matches!(seen, 200 | 503), "nobody is told that they are out on this word alone: {seen}");
        let cannot_say = async || installation.asks(0, owner).await == 503;
        until("the list is too old", HEALS_WITHIN, cannot_say).await;
    }
    installation.heals().await;
    is_in_everywhere(&installation, owner).await;
    installation.is_out_everywhere(at_once, owner).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_living_session_asked_for_is_carried_out_when_the_database_is_back() {
    let mut installation = Installation::of_three().await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let [requester, other, late] = &devices[..] else { panic!("there are three") };
    installation.to_postgres[0].becomes(Condition::BlackHole);
    let cannot_say = async || installation.asks(0, late).await == 503;
    until("the list is too old", HEALS_WITHIN, cannot_say).await;
    let body = json!({"keepCurrent": true});
    let out = installation.net.post(0, "/api/auth/logout-all", Some(&requester.access), &body).await.answer();
    assert_eq!(out.status, 202, "{}", out.body);
    // It ends after it has asked: that was its right.
    assert_eq!(installation.signs_out(1, requester).await.status, 200);
    installation.heals().await;
    let witness = installation.signs_in(2, "ada@example.com").await;
    for device in [requester, other, late] {
        installation.is_out_everywhere(device, &witness).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_acknowledged_only_once_written_and_then_outlives_the_process() {
    let mut installation = Installation::start(Wanted { servers: 2, ..Wanted::default() }).await;
    let devices = installation.user_with_devices("ada@example.com", 3).await;
    let [leaves, alone, witness] = &devices[..] else { panic!("there are three") };
    let folder = installation.folder.path().join("data/promises");
    std::fs::remove_dir_all(&folder).expect("the folder of the pending log");
    std::fs::write(&folder, "in the way").expect("a file");
    installation.to_postgres[0].becomes(Condition::Refused);
    let refresh = json!({"refreshToken": alone.refresh});
    for out in [
        installation.signs_out(0, leaves).await,
        installation.net.post(0, "/api/auth/logout", None, &refresh).await.answer(),
    ] {
        assert_eq!(out.status, 503, "{}", out.body);
        assert!(out.headers.contains_key("retry-after") && out.body["detail"].is_string(), "{}", out.body);
    }
    let health = installation.health(0).await;
    assert_eq!(health["pendingLog"], "unavailable", "{health}");
    for device in [leaves, alone] {
        assert_eq!(installation.asks(0, device).await, 401, "refused here as long as this process lives");
    }
    std::fs::remove_file(&folder).expect("the file");
    assert_eq!(installation.signs_out(0, leaves).await.status, 202, "it can be written now");
    installation.servers[0].is_killed();
    installation.heals().await;
    installation.is_out_everywhere(leaves, witness).await;
    assert_eq!(installation.health(0).await["pendingLog"], "ok");
}
