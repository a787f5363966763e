//! What a room says comes to all who attend it, whatever is lost or late: by the bus, or by the database.

use std::sync::Arc;
use std::time::Duration;

use latchkey::auth::secrets::Keys;
use latchkey::events::{self, BusParts, Events, PostgresNotify, Redis, Topic, Transport};
use latchkey::store::Store;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use types::api::{RoomEvent, RoomId, RoomPresenceChanged, RoomTyping};
use types::domain::UserId;
use types::words::RoomPresence;
use uuid::Uuid;

use super::{BOB, id_of, joins, messages, next_of, says, signs_out, two_in_a_room};
use crate::support::app::TestApp;
use crate::support::pair::{Bus, PUBLIC_URL, Pair, moved};
use crate::support::socket::{Heard, Socket, id_of_room};
use crate::support::store::Backend;

/// Both hear the next message of the room, with this number.
async fn hear(sockets: [&mut Socket; 2], number: u64, text: &str) {
    for socket in sockets {
        let message = socket.next_named("room.message").await["message"].clone();
        assert_eq!((&message["number"], &message["text"]), (&json!(number), &json!(text)));
    }
}

#[rstest]
#[tokio::test]
async fn after_the_database_was_set_back_all_load_the_room_anew_and_hear_what_is_said_then(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    for (number, text) in [(3, "Kept"), (4, "Lost"), (5, "Lost as well")] {
        says(&ada, &attic, text).await;
        hear([&mut hers, &mut his], number, text).await;
    }
    app.execute("DELETE FROM room_messages WHERE number > 3").await;
    app.execute("UPDATE rooms SET last_number = 3").await;
    for (socket, device) in [(&mut hers, &ada), (&mut his, &bob)] {
        assert_eq!(socket.next_named("hello").await["sessionId"], device.session_id());
    }
    app.advance(Duration::from_secs(1));
    for (number, text) in [(4, "Instead"), (5, "And more")] {
        assert_eq!(says(&bob, &attic, text).await.status, StatusCode::CREATED);
        hear([&mut hers, &mut his], number, text).await;
    }
    let texts: Vec<_> = messages(&ada, &attic).await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["", "", "Kept", "Instead", "And more"]);
}

#[rstest]
#[tokio::test]
async fn a_number_that_is_given_again_is_not_taken_for_a_message_that_comes_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    says(&bob, &attic, "Lost").await;
    hear([&mut hers, &mut his], 3, "Lost").await;
    // The database has as many messages as before by the time that anybody looks.
    app.advance(Duration::from_secs(1));
    app.execute("DELETE FROM room_messages WHERE number = 3").await;
    app.execute("UPDATE rooms SET last_number = 2").await;
    says(&bob, &attic, "Instead").await;
    for socket in [&mut hers, &mut his] {
        socket.next_named("hello").await;
    }
    hear([&mut hers, &mut his], 3, "Instead").await;
}

#[rstest]
#[tokio::test]
async fn that_a_message_was_removed_is_said_also_where_the_bus_has_lost_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let grace = app.new_user_with("moderator", "grace@example.com").await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    for (number, text) in [(3, "Unspeakable"), (4, "Worse"), (5, "Harmless")] {
        says(&ada, &attic, text).await;
        hear([&mut hers, &mut his], number, text).await;
    }
    assert_eq!(grace.delete(&format!("{attic}/messages/3")).await.status, StatusCode::NO_CONTENT);
    for socket in [&mut hers, &mut his] {
        assert_eq!(socket.next_named("room.message_removed").await["number"], 3);
    }
    // As another server would whose message on the bus is lost.
    app.execute(
        "UPDATE room_messages SET text = '', removed_at = sent_at, removed_by = sender_id, removal = 2 \
         WHERE number = 4",
    )
    .await;
    app.execute("UPDATE rooms SET last_removal = 2").await;
    for socket in [&mut hers, &mut his] {
        while socket.next_named("room.message_removed").await["number"] != 4 {}
    }
    says(&bob, &attic, "Thank you").await;
    hear([&mut hers, &mut his], 6, "Thank you").await;
    let texts: Vec<_> = messages(&ada, &attic).await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["", "", "", "", "Harmless", "Thank you"]);
}

/// As where an account is deleted beside the servers: what it said is gone, and so is that it has left.
#[rstest]
#[tokio::test]
async fn where_a_message_is_gone_before_it_was_delivered_all_load_the_room_anew(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    // The last one, which the poll finds.
    app.execute("UPDATE rooms SET last_number = last_number + 1").await;
    for socket in [&mut hers, &mut his] {
        socket.next_named("hello").await;
    }
    // And one before another.
    app.execute("UPDATE rooms SET last_number = last_number + 1").await;
    assert_eq!(says(&ada, &attic, "Where is everybody?").await.status, StatusCode::CREATED);
    for socket in [&mut hers, &mut his] {
        socket.next_named("hello").await;
    }
    hear([&mut hers, &mut his], 5, "Where is everybody?").await;
    says(&bob, &attic, "Here").await;
    hear([&mut hers, &mut his], 6, "Here").await;
}

/// Another server's end of the bus: what it sends, and the task that does it.
async fn another_end_of_the_bus(pair: &Pair) -> (Arc<Events>, events::Bus) {
    let store = Store::connect(&pair.database.url(), 1).await.expect("a store");
    let keys = Keys::derive("only-for-tests-0123456789-abcdefghijkl").expect("keys");
    let notify = PostgresNotify::new(store.notifications().expect("PostgreSQL has notifications"));
    let mut transports: Vec<Box<dyn Transport>> = vec![Box::new(notify)];
    if let Some(redis) = &pair.redis {
        let channel = format!("latchkey:{}", keys.installation());
        transports.push(Box::new(Redis::new(&redis.url(), channel).expect("an address")));
    }
    let message_key = keys.bus_message_key(PUBLIC_URL);
    let parts = BusParts { transports, me: Uuid::now_v7(), message_key, clock: Arc::clone(&pair.here.clock) as _ };
    let (sender, bus) = events::bus(parts);
    (Arc::new(Events::new(sender)), bus)
}

/// Sends these events of a room as another server would.
async fn says_elsewhere(pair: &Pair, room: RoomId, room_events: &[RoomEvent], is_heard: impl Future<Output = ()>) {
    let (events, bus) = another_end_of_the_bus(pair).await;
    let stop = CancellationToken::new();
    for event in room_events {
        events.publish(Topic::Room(room), &event.write().expect("JSON"), None);
    }
    let until_heard = async {
        is_heard.await;
        stop.cancel();
    };
    tokio::join!(Box::pin(bus.run(Arc::clone(&events), stop.clone())), until_heard);
}

#[rstest]
#[tokio::test]
async fn what_another_server_says_late_of_somebody_who_has_left_is_not_shown(
    #[values(Bus::Postgres, Bus::Redis)] bus: Bus,
) {
    let pair = Pair::start(bus).await;
    let (ada, bob, attic) = two_in_a_room(&pair.here).await;
    let (her_id, his_id) = (id_of(&ada), id_of(&bob));
    let mut hers = Socket::attending(&ada, &attic).await;
    let mut his = Socket::attending(&moved(&bob, &pair.there), &attic).await;
    his.types(&attic, true).await;
    assert_eq!(next_of(&mut hers, "room.typing", &his_id).await["typing"], true);
    signs_out(&bob).await;
    assert_eq!(next_of(&mut hers, "room.left", &his_id).await["message"]["kind"], "signed_out");

    let room_id: RoomId = id_of_room(&attic).parse().expect("an id");
    let [him, her]: [UserId; 2] = [&his_id, &her_id].map(|id| id.parse().expect("an id"));
    let late = [
        RoomEvent::Typing(RoomTyping { room_id, user_id: him, typing: true }),
        RoomEvent::Presence(RoomPresenceChanged { room_id, user_id: him, presence: RoomPresence::Here.into() }),
        // By the time that she hears this she would have heard the others.
        RoomEvent::Typing(RoomTyping { room_id, user_id: her, typing: true }),
    ];
    let hears_nothing_of_him = async {
        loop {
            match hers.next().await {
                Heard::Event(_, data) if data["userId"] == his_id => panic!("{data}"),
                Heard::Event(name, data) if name == "room.typing" && data["userId"] == her_id => return,
                Heard::Event(..) => {}
                closed @ Heard::Closed(_) => panic!("{closed:?}"),
            }
        }
    };
    says_elsewhere(&pair, room_id, &late, hears_nothing_of_him).await;

    // Who comes back is seen again.
    let again = moved(&pair.here.signs_in(BOB).await, &pair.there);
    joins(&again, &attic).await;
    let mut his = Socket::attending(&again, &attic).await;
    his.types(&attic, true).await;
    assert_eq!(next_of(&mut hers, "room.typing", &his_id).await["typing"], true);
}
