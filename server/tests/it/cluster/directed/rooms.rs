//! Rooms: who is in one on several servers, and that nobody stays in it who is gone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::calls::Device;
use super::super::checker::BOUND;
use super::super::installation::{Installation, Wanted};
use super::super::processes::until;
use crate::support::socket::{Heard, Socket};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
/// How often two devices are ended at once.
const ROUNDS: usize = 20;
/// `PRESENCE_TIMEOUT` where a server is killed: longer than somebody counts as connected.
const PRESENCE_TIMEOUT: Duration = Duration::from_secs(15);
/// Whose last heartbeat is so old has lost the connection.
const GREY_AFTER: Duration = Duration::from_secs(10);
/// How old the last heartbeat may be when a connection is lost.
const BEAT: Duration = Duration::from_secs(3);
/// How much longer a busy machine may take.
const LATE: Duration = Duration::from_secs(3);
/// How long the servers may be without a subscription.
const DEAF_WITHIN: Duration = Duration::from_secs(20);

/// Somebody makes a room on server 0. Gives its path.
async fn makes_room(of: &Installation, device: &Device) -> String {
    let made = of.net.post(0, "/api/rooms", Some(&device.access), &json!({"name": "Attic"})).await.answer();
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/api/rooms/{}", made.text("roomId"))
}

/// Somebody joins a room on a server, and attends it there.
async fn attends(of: &Installation, server: usize, device: &Device, room: &str) -> Socket {
    let joined = of.net.post(server, &format!("{room}/join"), Some(&device.access), &json!({})).await.answer();
    assert_eq!(joined.status, 200, "{}", joined.body);
    let mut socket = of.net.opens_socket(server, &device.access).await.expect("a socket");
    socket.attends(&[(room, true)]).await;
    let user = user_of(of, device).await;
    while socket.next_named("room.presence").await["userId"] != user.as_str() {}
    socket
}

/// The id of the user of a device.
async fn user_of(of: &Installation, device: &Device) -> String {
    let answer = of.net.get(0, "/api/auth/session", &device.access).await.answer();
    answer.body["user"]["id"].as_str().expect("an id").to_owned()
}

/// Who is in a room, with how they are there, as a server shows it to somebody in it.
async fn participants(of: &Installation, server: usize, device: &Device, room: &str) -> Vec<(String, String)> {
    let answer = of.net.get(server, room, &device.access).await.answer();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let listed = answer.body["participants"].as_array().expect("a list").iter();
    listed.map(|participant| (text(&participant["userId"]), text(&participant["presence"]))).collect()
}

/// What a room has said of a user, in order.
async fn said_of(of: &Installation, device: &Device, room: &str, user: &str) -> Vec<String> {
    let answer = of.net.get(0, &format!("{room}/messages"), &device.access).await.answer();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let messages = answer.body["messages"].as_array().expect("messages").iter().rev();
    let of_user = messages.filter(|message| message["senderId"] == user && message["kind"] != "text");
    of_user.map(|message| message["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// The next time that somebody leaves: who, and how.
async fn next_left(socket: &mut Socket) -> (String, String) {
    let left = socket.next_named("room.left").await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&left["userId"]), text(&left["message"]["kind"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_end_the_two_devices_of_a_user_at_once_leave_no_ghost() {
    let installation = Installation::of_three().await;
    let of = &installation;
    let ada = of.user_with_devices(ADA, 1).await.remove(0);
    let attic = makes_room(of, &ada).await;
    let mut hers = attends(of, 0, &ada, &attic).await;
    assert_eq!(of.net.registers(0, BOB).await.status(), 201);
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let (laptop, phone) = (of.signs_in(1, BOB).await, of.signs_in(2, BOB).await);
        let bob = user_of(of, &laptop).await;
        let mut his = [attends(of, 1, &laptop, &attic).await, attends(of, 2, &phone, &attic).await];
        // Each on the server that has its socket, and by turns each on the other.
        let servers = if round % 2 == 0 { [1, 2] } else { [2, 1] };
        let (one, other) = tokio::join!(of.signs_out(servers[0], &laptop), of.signs_out(servers[1], &phone));
        assert_eq!((one.status, other.status), (200, 200), "{} {}", one.body, other.body);
        assert_eq!(next_left(&mut hers).await, (bob.clone(), "signed_out".to_owned()), "round {round}");
        for socket in &mut his {
            assert_eq!(socket.is_closed().await.0, 4001);
        }
        expected.extend(["joined", "signed_out"]);
        assert_eq!(said_of(of, &ada, &attic, &bob).await, expected, "round {round}: once, and no more");
        for server in 0..3 {
            let there = participants(of, server, &ada, &attic).await;
            assert!(there.iter().all(|(user, _)| *user != bob), "round {round}: a ghost on server {server}");
        }
        let present = "SELECT COUNT(*) FROM room_presence p JOIN sessions s ON s.id = p.session_id \
                       WHERE s.ended_at IS NOT NULL";
        assert_eq!(of.postgres.counts(present).await, 0, "round {round}: nothing is left of them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_takes_its_participants_with_it_within_the_timeout() {
    let timeout = format!("{}s", PRESENCE_TIMEOUT.as_secs());
    let settings = [("PRESENCE_TIMEOUT", timeout.as_str())];
    let mut installation = Installation::start(Wanted { settings: &settings, ..Wanted::default() }).await;
    let ada = installation.user_with_devices(ADA, 1).await.remove(0);
    let bobs = installation.user_with_devices(BOB, 1).await.remove(0);
    let bob = user_of(&installation, &bobs).await;
    let attic = makes_room(&installation, &ada).await;
    let mut hers = attends(&installation, 0, &ada, &attic).await;
    let mut his = attends(&installation, 1, &bobs, &attic).await;
    installation.servers[1].is_killed();
    let killed = Instant::now();
    while !matches!(his.next().await, Heard::Closed(_)) {}

    let grey = async {
        loop {
            let changed = hers.next_named("room.presence").await;
            if changed["userId"] == bob.as_str() && changed["presence"] == "grey" {
                return killed.elapsed();
            }
        }
    };
    let went_grey = grey.await;
    assert!(went_grey + BEAT >= GREY_AFTER, "too early: {went_grey:?}");
    assert!(went_grey <= GREY_AFTER + LATE, "{went_grey:?}");
    let there = participants(&installation, 2, &ada, &attic).await;
    assert!(there.contains(&(bob.clone(), "grey".to_owned())), "the others see it too: {there:?}");
    assert_eq!(next_left(&mut hers).await, (bob.clone(), "left".to_owned()));
    let left = killed.elapsed();
    println!("grey {went_grey:.3?} and gone {left:.3?} after the server was killed");
    assert!(left + BEAT >= PRESENCE_TIMEOUT, "too early: {left:?}");
    assert!(left <= PRESENCE_TIMEOUT + LATE, "{left:?}");
    for server in [0, 2] {
        let there = participants(&installation, server, &ada, &attic).await;
        assert!(there.iter().all(|(user, _)| *user != bob), "a ghost on server {server}");
    }
    let present = "SELECT COUNT(*) FROM room_presence WHERE server = 'server-1'";
    assert_eq!(installation.postgres.counts(present).await, 0, "its presence is gone");

    // A lost connection is not a sign-out.
    assert_eq!(installation.asks(2, &bobs).await, 200);
    attends(&installation, 2, &bobs, &attic).await;
    assert_eq!(said_of(&installation, &ada, &attic, &bob).await, ["joined", "left", "joined"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_the_bus_that_is_lost_delays_a_leaving_to_the_next_look_at_the_log_only() {
    let mut installation = Installation::of_three().await;
    let ada = installation.user_with_devices(ADA, 1).await.remove(0);
    let devices = installation.user_with_devices(BOB, 2).await;
    let bob = user_of(&installation, &devices[0]).await;
    let attic = makes_room(&installation, &ada).await;
    let mut hers = attends(&installation, 1, &ada, &attic).await;
    let mut his =
        [attends(&installation, 2, &devices[0], &attic).await, attends(&installation, 2, &devices[1], &attic).await];
    // Redis is dead from now on.
    installation.redis.kill();
    let out = installation.signs_out(0, &devices[0]).await;
    let ended = Instant::now();
    assert_eq!(out.status, 200, "{}", out.body);
    assert_eq!(his[0].is_closed().await.0, 4001);
    assert!(ended.elapsed() <= BOUND, "closed {:?} after the end", ended.elapsed());
    let there = participants(&installation, 1, &ada, &attic).await;
    assert!(there.iter().any(|(user, _)| *user == bob), "the other device is there");

    // PostgreSQL carries nothing either.
    nobody_listens(&installation).await;
    let out = installation.signs_out(0, &devices[1]).await;
    let ended = Instant::now();
    assert_eq!(out.status, 200, "{}", out.body);
    let seen = async {
        let left = next_left(&mut hers).await;
        (left, ended.elapsed())
    };
    let closed = async {
        let code = his[1].is_closed().await.0;
        (code, ended.elapsed())
    };
    let ((left, seen), (code, closed)) = tokio::join!(seen, closed);
    println!("without a bus: seen {seen:.3?} and closed {closed:.3?} after the end");
    assert_eq!((left, code), ((bob.clone(), "signed_out".to_owned()), 4001));
    assert!(seen <= BOUND && closed <= BOUND, "seen {seen:?} and closed {closed:?} after the end");
    assert_eq!(said_of(&installation, &ada, &attic, &bob).await, ["joined", "signed_out"], "once, and no more");
    installation.redis.start_again().await;
    installation.heals().await;
}

/// Cuts off whoever subscribes to messages in PostgreSQL, again and again, until they pause for seconds before they try
/// again.
async fn nobody_listens(of: &Installation) {
    const LISTENERS: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    let mut quiet = 0;
    until("nobody listens", DEAF_WITHIN, async || {
        of.postgres.does(&[CUT]).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        quiet = if of.postgres.counts(LISTENERS).await == 0 { quiet + 1 } else { 0 };
        quiet >= 3
    })
    .await;
}
