//! How much a socket may say and leave unread, and how many there may be.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::{ADA, id_of, makes_room, messages, says, two_in_a_room};
use crate::support::app::TestApp;
use crate::support::socket::{Socket, attend};
use crate::support::store::Backend;

/// The most bytes of a message.
const LONGEST_MESSAGE: usize = 4096;

#[tokio::test]
async fn streams_and_sockets_of_a_user_count_together() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let _stream = ada.listens().await;
    let mut open = Vec::new();
    for _ in 1..50 {
        open.push(Socket::of(&ada).await);
    }
    let mut one_more = Socket::open(&app, "", &[]).await.expect("a socket");
    one_more.says(&json!({"type": "authenticate", "accessToken": ada.access_token()})).await;
    assert_eq!(one_more.is_closed().await.0, 4429);
    let bearer = format!("Bearer {}", ada.access_token());
    let refused = Socket::open(&app, "", &[("authorization", &bearer)]).await;
    assert_eq!(refused.err(), Some(StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn whoever_says_too_much_is_closed() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    let mut socket = Socket::attending(&ada, &attic).await;
    for number in 0..100 {
        socket.types(&attic, number % 2 == 0).await;
    }
    assert_eq!(socket.is_closed().await.0, 4429);
    let mut socket = Socket::of(&ada).await;
    let rooms: Vec<(&str, bool)> = vec![(attic.as_str(), true); 21];
    socket.attends(&rooms).await;
    assert_eq!(socket.is_closed().await.0, 4400, "more rooms than a session can be in");
}

/// As after a restart of the server: more events than a queue takes, while each of them waits for the database.
#[rstest]
#[tokio::test]
async fn a_whole_room_comes_back_at_once_and_nobody_is_dropped(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const SOCKETS: usize = 48;
    let app = TestApp::start_on(backend, &[("RATE_LIMITS", "off")]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let mut sockets = Vec::new();
    for device in [&ada, &bob] {
        for _ in 0..SOCKETS {
            sockets.push(Socket::of(device).await);
        }
    }
    let attends = sockets.iter_mut().map(async |socket| socket.attends(&[(attic.as_str(), true)]).await);
    futures::future::join_all(attends).await;
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.is_in(if number < SOCKETS { &ada } else { &bob }, &attic).await;
    }
    assert_eq!(says(&ada, &attic, "Everybody here?").await.status, StatusCode::CREATED);
    for socket in &mut sockets {
        assert_eq!(socket.next_named("room.message").await["message"]["text"], "Everybody here?");
    }
}

#[tokio::test]
async fn a_message_is_text_of_4096_bytes_at_the_most() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let attic = makes_room(&ada, "Attic").await;
    let attends = attend(&[(attic.as_str(), true)]).to_string();
    let padded = |length: usize| format!("{attends:<length$}");
    let mut socket = Socket::of(&ada).await;
    socket.says_text(&padded(LONGEST_MESSAGE)).await;
    assert_eq!(socket.next_named("room.presence").await["userId"], id_of(&ada));
    socket.says_text(&padded(LONGEST_MESSAGE + 1)).await;
    assert_eq!(socket.is_closed().await.0, 4400);

    let mut socket = Socket::of(&ada).await;
    socket.says_bytes(b"{}").await;
    assert_eq!(socket.is_closed().await.0, 4400);
}

#[tokio::test]
async fn whoever_does_not_read_is_dropped_and_keeps_nobody_waiting() {
    const TOKEN: &str = "a-token-of-tests-0123456789-abcdefghijkl";
    let app = TestApp::start_with(&[("RATE_LIMITS", "off"), ("METRICS_TOKEN", TOKEN)]).await;
    let is_dropped = async || {
        let scrape = app.request(reqwest::Method::GET, "/metrics").bearer_auth(TOKEN).send().await.expect("an answer");
        scrape.text().await.expect("a text").contains("latchkey_sockets_closed_total{why=\"slow\"} 1")
    };
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let mut hers = Socket::attending(&ada, &attic).await;
    let mut his = Socket::with_small_buffer(&bob).await;
    his.is_in(&bob, &attic).await;
    let long = "€".repeat(1500);
    let mut last = 0;
    // Until the buffers of the machine are full, whose size the machine decides.
    for message in 0..3000 {
        let said = says(&ada, &attic, &long).await;
        assert_eq!(said.status, StatusCode::CREATED);
        last = said.body["number"].as_u64().expect("a number");
        hers.next_named("room.message").await;
        if message % 50 == 49 && is_dropped().await {
            break;
        }
    }
    // He may take ten seconds to read what is being sent to him.
    let dropped = async {
        while !is_dropped().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), dropped).await.expect("he is dropped");
    his.goes_away();

    // He comes back and has missed nothing.
    let mut his = Socket::attending(&bob, &attic).await;
    assert_eq!(says(&ada, &attic, "There you are").await.status, StatusCode::CREATED);
    assert_eq!(his.next_named("room.message").await["message"]["number"], last + 1);
    let all = messages(&bob, &attic).await;
    let numbers: Vec<u64> = all.iter().map(|message| message["number"].as_u64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert_eq!(numbers.last(), Some(&(last + 1)));
}
