//! Heartbeats in Redis: who is connected, and that nobody goes grey or leaves whatever becomes of Redis.

use std::time::Duration;

use latchkey::clock::Clock as _;
use serde_json::Value;

use super::{eventually, id_of, is_in, participants, says, signs_out, system_messages_of, two_in_a_room};
use crate::support::app::{Device, TestApp};
use crate::support::postgres::PostgresDatabase;
use crate::support::redis::RedisServer;
use crate::support::socket::{Heard, Socket, id_of_room};

/// Longer than it takes to go grey, and than Redis must have remembered to be believed.
const LONG: Duration = Duration::from_secs(11);
/// Shorter.
const SHORT: Duration = Duration::from_secs(6);

/// A server, beside others or not, whose Redis is believed.
async fn start(redis: &RedisServer, settings: &[(&str, &str)]) -> TestApp {
    let url = redis.url();
    let mut all = vec![("REDIS_URL", url.as_str())];
    all.extend_from_slice(settings);
    let app = TestApp::start_with(&all).await;
    eventually(async || !redis.keys().await.is_empty()).await;
    app.advance(LONG);
    app
}

/// The key of a room.
async fn key_of(redis: &RedisServer, room: &str) -> String {
    let keys = redis.keys().await;
    let prefix = keys.iter().find_map(|(key, _)| key.strip_suffix(":rooms:since")).expect("a key that is always there");
    format!("{prefix}:room:{}", id_of_room(room))
}

/// How many sessions are present whose heartbeats the database leaves to Redis.
async fn left_to_redis(app: &TestApp) -> i64 {
    let statement = "SELECT COUNT(*) FROM room_presence WHERE heartbeat_at = until";
    let count: (i64,) = if app.database_url().starts_with("postgres") {
        sqlx::query_as(statement).fetch_one(&mut app.postgres().await).await.expect("a count")
    } else {
        sqlx::query_as(statement).fetch_one(&mut app.database().await).await.expect("a count")
    };
    count.0
}

/// How many sessions have a heartbeat of this moment in the database, which is SQLite.
async fn beating_in_database(app: &TestApp) -> i64 {
    let statement = "SELECT COUNT(*) FROM room_presence WHERE heartbeat_at = $1 AND until > heartbeat_at";
    let now = app.clock.now().as_millis();
    let count: (i64,) =
        sqlx::query_as(statement).bind(now).fetch_one(&mut app.database().await).await.expect("a count");
    count.0
}

/// Whether both are shown as here.
async fn are_here(reader: &Device<'_>, room: &str, users: [&Device<'_>; 2]) -> bool {
    let shown = participants(reader, room).await;
    users.iter().all(|user| shown.contains(&(id_of(user), "here".to_owned())))
}

/// Says something in the room, and hears it. Nobody has gone grey or left before.
async fn has_seen_nobody_go(socket: &mut Socket, speaker: &Device<'_>, room: &str) {
    says(speaker, room, "Still there?").await;
    loop {
        match socket.next().await {
            Heard::Event(name, _) if name == "room.message" => return,
            Heard::Event(name, data) => {
                assert!(name != "room.left" && data["presence"] != "grey", "{name} {data}");
            }
            closed @ Heard::Closed(_) => panic!("{closed:?}"),
        }
    }
}

async fn next_presence_of(socket: &mut Socket, user: &str) -> Value {
    loop {
        let data = socket.next_named("room.presence").await;
        if data["userId"] == user {
            return data["presence"].clone();
        }
    }
}

#[tokio::test]
async fn redis_has_the_documented_keys_only_each_for_a_while_and_nothing_of_a_session_that_has_ended() {
    let redis = RedisServer::start().await;
    let app = start(&redis, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (hers, his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let key = key_of(&redis, &attic).await;
    let members = async || {
        let mut members = redis.members(&key).await;
        members.sort_unstable();
        members
    };
    let member = |device: &Device<'_>| format!("here:{}:{}", id_of(device), device.session_id());
    let mut expected = [member(&ada), member(&bob)];
    expected.sort_unstable();
    assert_eq!(members().await, expected);

    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operate.md"));
    let documentation = documentation.expect("docs/operate.md");
    for (key, lasts) in redis.keys().await {
        let mut parts: Vec<&str> = key.split(':').collect();
        parts[1] = "<installation>";
        if parts[2] == "room" {
            parts[3] = "<id>";
        }
        assert!(documentation.contains(&format!("| `{}` |", parts.join(":"))), "{key}");
        assert!((1..=30_000).contains(&lasts), "{key} lasts {lasts} ms");
    }

    signs_out(&bob).await;
    eventually(async || members().await == [member(&ada)]).await;
    drop(his);
    // Whose connection is lost is not there either; their session goes on.
    drop(hers);
    eventually(async || redis.keys().await.iter().all(|(key, _)| key.ends_with(":rooms:since"))).await;
    assert!(ada.passes().await);
}

#[tokio::test]
async fn whoever_was_connected_to_a_server_that_has_died_goes_grey_and_comes_back_without_a_word() {
    let redis = RedisServer::start().await;
    let app = start(&redis, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    // As a server leaves it that dies.
    app.execute("UPDATE room_presence SET heartbeat_at = until").await;
    let member = format!("here:{}:{}", id_of(&bob), bob.session_id());
    let mut hers = Socket::attending(&ada, &attic).await;
    let shown = |presence: &str| (id_of(&bob), presence.to_owned());
    assert!(participants(&ada, &attic).await.contains(&shown("grey")), "Redis knows nothing of him");
    redis.puts(&key_of(&redis, &attic).await, &member, app.clock.now().as_millis()).await;
    assert!(participants(&ada, &attic).await.contains(&shown("here")));
    let time_passes = async {
        let mut every = tokio::time::interval(Duration::from_secs(2));
        // This server has seen that he is there.
        every.tick().await;
        for _ in 0..4 {
            every.tick().await;
            app.advance(LONG);
        }
    };
    let he_is_grey = async { while next_presence_of(&mut hers, &id_of(&bob)).await != "grey" {} };
    tokio::select! {
        () = he_is_grey => {}
        () = time_passes => panic!("nobody went grey"),
    }
    let _his = Socket::attending(&bob, &attic).await;
    assert_eq!(next_presence_of(&mut hers, &id_of(&bob)).await, "here");
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined"]);
}

#[tokio::test]
async fn a_redis_that_dies_makes_nobody_grey_and_the_database_has_the_heartbeats() {
    let redis = RedisServer::start().await;
    let app = start(&redis, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, _his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    eventually(async || left_to_redis(&app).await == 2).await;
    redis.kill();
    assert!(are_here(&ada, &attic, [&ada, &bob]).await);
    for _ in 0..3 {
        eventually(async || beating_in_database(&app).await == 2).await;
        assert!(are_here(&ada, &attic, [&ada, &bob]).await);
        app.advance(SHORT);
    }
    has_seen_nobody_go(&mut hers, &bob, &attic).await;
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined"]);
}

#[tokio::test]
async fn who_is_signed_out_while_redis_does_not_answer_leaves_at_once_and_goes_from_redis_once_it_does() {
    let redis = RedisServer::start().await;
    let app = start(&redis, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let key = key_of(&redis, &attic).await;
    eventually(async || redis.members(&key).await.len() == 2).await;
    redis.pause();
    signs_out(&bob).await;
    assert_eq!(hers.next_named("room.left").await["message"]["kind"], "signed_out");
    assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
    assert!(!is_in(&ada, &attic, &id_of(&bob)).await);
    redis.resume();
    // A heartbeat that was on its way when it stopped is too old for the next one.
    app.advance(LONG);
    eventually(async || !redis.members(&key).await.iter().any(|member| member.contains(bob.session_id()))).await;
    assert!(!is_in(&ada, &attic, &id_of(&bob)).await, "whatever Redis has of him");
}

#[tokio::test]
async fn a_redis_that_was_emptied_makes_nobody_grey_and_knows_everybody_again() {
    let redis = RedisServer::start().await;
    let app = start(&redis, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, _his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let key = key_of(&redis, &attic).await;
    eventually(async || left_to_redis(&app).await == 2).await;
    redis.forgets_everything().await;
    for _ in 0..3 {
        eventually(async || {
            assert!(are_here(&ada, &attic, [&ada, &bob]).await);
            redis.members(&key).await.len() == 2
        })
        .await;
        app.advance(SHORT);
        redis.forgets_everything().await;
    }
    assert!(are_here(&ada, &attic, [&ada, &bob]).await);
    has_seen_nobody_go(&mut hers, &bob, &attic).await;
}

#[tokio::test]
async fn users_on_two_servers_see_each_other_over_redis() {
    let (redis, database) = (RedisServer::start().await, PostgresDatabase::create().await);
    let (database_url, redis_url) = (database.url(), redis.url());
    let shared = [("DATABASE_URL", database_url.as_str()), ("PUBLIC_URL", "http://localhost:3000")];
    let here = start(&redis, &shared).await;
    let beside = here.another_server(&[shared.as_slice(), &[("REDIS_URL", redis_url.as_str())]].concat()).await;
    for server in [&here, &beside] {
        eventually(async || server.get("/health").await.body["bus"] == "ok").await;
    }
    let (ada, bob, attic) = two_in_a_room(&here).await;
    let (seen_beside, moved) =
        (Device { app: &beside, tokens: ada.tokens.clone() }, Device { app: &beside, tokens: bob.tokens.clone() });
    let (mut of_ada, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&moved, &attic).await);
    eventually(async || left_to_redis(&here).await == 2).await;
    for reader in [&ada, &seen_beside] {
        assert!(are_here(reader, &attic, [&ada, &bob]).await);
    }
    his.attends(&[(attic.as_str(), false)]).await;
    while next_presence_of(&mut of_ada, &id_of(&bob)).await != "away" {}
    let away = format!("away:{}:{}", id_of(&bob), bob.session_id());
    let key = key_of(&redis, &attic).await;
    assert!(redis.members(&key).await.contains(&away));
    // On this server, not on the one that has his socket.
    signs_out(&bob).await;
    assert_eq!(of_ada.next_named("room.left").await["message"]["kind"], "signed_out");
    eventually(async || !redis.members(&key).await.iter().any(|member| member.contains(bob.session_id()))).await;
}
