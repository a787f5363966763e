//! A session ends while something else happens: its socket opens, it joins, it writes, the database is away, or the
//! server dies that has ended it. Whatever comes first, nobody is left in a room, and nothing is said there after the
//! room has said that they left.

use std::time::Duration;

use latchkey::clock::Clock as _;
use latchkey::store::{EndCommand, Selection, Store};
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;
use types::words::EndReason;

use super::leftovers::nothing_is_left_but_what_is_named;
use super::{
    ADA, BOB, asks_to_join, id_of, is_in, joins, makes_room, messages, next_of, says, signs_out, system_messages_of,
    two_in_a_room,
};
use crate::support::app::{Device, TestApp};
use crate::support::pair::{Bus, Pair, moved};
use crate::support::socket::{Heard, Socket, attend};
use crate::support::store::{Backend, end};

const ROUNDS: usize = 10;
/// Everybody signs in again in each round.
const UNLIMITED: [(&str, &str); 1] = [("RATE_LIMITS", "off")];

/// Opens a socket by a ticket, and attends a room. With which code it is closed, or the status of a refusal.
async fn opens_until_closed(device: &Device<'_>, ticket: &str, room: &str) -> Result<u16, StatusCode> {
    let mut socket = Socket::open(device.app, &format!("?ticket={ticket}"), &[]).await?;
    // It may be closed by now.
    socket.tries_to_say(&attend(&[(room, true)])).await;
    Ok(socket.is_closed().await.0)
}

#[rstest]
#[tokio::test]
async fn a_socket_that_opens_while_its_session_ends_is_closed_and_leaves_no_ghost(
    #[values(Bus::Postgres, Bus::Redis)] bus: Bus,
) {
    let pair = Pair::start_with(bus, &UNLIMITED).await;
    let ada = pair.here.new_user(ADA).await;
    pair.here.registers(BOB).await;
    let attic = makes_room(&ada, "Attic").await;
    let mut expected = Vec::new();
    for round in 0..ROUNDS {
        let bob = pair.here.signs_in(BOB).await;
        joins(&bob, &attic).await;
        let ticket = bob.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].clone();
        let ticket = ticket.as_str().expect("a ticket");
        // On the server that ends the session, and on the other one by turns.
        let opening = moved(&bob, if round % 2 == 0 { &pair.here } else { &pair.there });
        let (closed, ()) = tokio::join!(opens_until_closed(&opening, ticket, &attic), signs_out(&bob));
        match closed {
            // Where the end is just being committed, the session can be neither confirmed nor refused.
            Ok(code) => assert!([4001, 4503].contains(&code), "round {round}: {code}"),
            Err(status) => {
                let refusals = [StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE];
                assert!(refusals.contains(&status), "round {round}: {status}");
            }
        }
        assert!(!is_in(&ada, &attic, &id_of(&bob)).await, "round {round}: a ghost");
        expected.extend(["joined", "signed_out"]);
        assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, expected, "round {round}");
        nothing_is_left_but_what_is_named(&pair.here, bob.session_id()).await;
    }
}

#[rstest]
#[tokio::test]
async fn whoever_joins_while_their_session_ends_is_in_no_room_after_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &UNLIMITED).await;
    let ada = app.new_user(ADA).await;
    app.registers(BOB).await;
    let (attic, kitchen) = (makes_room(&ada, "Attic").await, makes_room(&ada, "Kitchen").await);
    for round in 0..ROUNDS {
        let bob = app.signs_in(BOB).await;
        joins(&bob, &attic).await;
        let (asked, ()) = tokio::join!(asks_to_join(&bob, &kitchen), signs_out(&bob));
        for room in [&attic, &kitchen] {
            assert!(!is_in(&ada, room, &id_of(&bob)).await, "round {round}: a ghost, told {}", asked.status);
            let said = system_messages_of(&ada, room, &id_of(&bob)).await;
            assert_ne!(said.last().map(String::as_str), Some("joined"), "round {round}: told {}", asked.status);
        }
        nothing_is_left_but_what_is_named(&app, bob.session_id()).await;
    }
}

#[rstest]
#[tokio::test]
async fn nothing_is_said_or_typed_by_somebody_of_whom_the_room_has_said_that_they_left(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &UNLIMITED).await;
    let ada = app.new_user(ADA).await;
    app.registers(BOB).await;
    let attic = makes_room(&ada, "Attic").await;
    let mut hers = Socket::attending(&ada, &attic).await;
    let mut taken = 0;
    for round in 0..ROUNDS {
        let bob = app.signs_in(BOB).await;
        let his_id = id_of(&bob);
        joins(&bob, &attic).await;
        let mut his = Socket::attending(&bob, &attic).await;
        his.types(&attic, true).await;
        let (said, ()) = tokio::join!(says(&bob, &attic, "Wait"), signs_out(&bob));
        assert_eq!(next_of(&mut hers, "room.left", &his_id).await["message"]["kind"], "signed_out");
        assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
        says(&ada, &attic, "He has gone").await;
        loop {
            match hers.next().await {
                Heard::Event(_, data) if data["userId"] == his_id => panic!("round {round}: {data}"),
                Heard::Event(name, data) if name == "room.message" => {
                    assert_eq!(data["message"]["text"], "He has gone", "round {round}");
                    break;
                }
                Heard::Event(..) => {}
                closed @ Heard::Closed(_) => panic!("{closed:?}"),
            }
        }
        taken += usize::from(said.status == StatusCode::CREATED);
        let all = messages(&ada, &attic).await;
        let of_bob: Vec<_> = all.iter().filter(|message| message["senderId"] == his_id).collect();
        assert_eq!(of_bob.iter().filter(|message| message["text"] == "Wait").count(), taken, "round {round}");
        let last = of_bob.last().expect("what the room says of him");
        assert_eq!(last["kind"], "signed_out", "round {round}: told {}", said.status);
    }
}

#[tokio::test]
async fn while_the_database_is_away_a_sign_out_closes_the_socket_at_once_and_the_room_is_left_once_it_is_back() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    his.types(&attic, true).await;
    assert_eq!(next_of(&mut hers, "room.typing", &id_of(&bob)).await["typing"], true);
    let lock = app.write_lock().await;
    let out = bob.post("/api/auth/logout", &json!({})).await;
    assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.text);
    assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
    assert_eq!(next_of(&mut hers, "room.typing", &id_of(&bob)).await["typing"], false);
    drop(lock);
    assert_eq!(next_of(&mut hers, "room.left", &id_of(&bob)).await["message"]["kind"], "signed_out");
    assert!(!is_in(&ada, &attic, &id_of(&bob)).await);
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined", "signed_out"]);
    nothing_is_left_but_what_is_named(&app, bob.session_id()).await;
}

/// As by a server that is killed when it has just committed.
#[rstest]
#[tokio::test]
async fn an_end_that_was_committed_and_told_nobody_closes_the_socket_and_the_others_see_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    his.types(&attic, true).await;
    assert_eq!(next_of(&mut hers, "room.typing", &id_of(&bob)).await["typing"], true);
    let killed = Store::connect(&app.database_url(), 1).await.expect("a store");
    let selection = Selection::One {
        user_id: id_of(&bob).parse().expect("an id"),
        session_id: bob.session_id().parse().expect("an id"),
    };
    let now = app.clock.now();
    let remember_until = now.plus(Duration::from_hours(1));
    let outcome = end(&killed, EndCommand::new(selection, EndReason::LogoutAll, now, remember_until)).await;
    assert_eq!(outcome.departures.len(), 1);
    assert_eq!(his.is_closed().await, (4001, "logout_all".to_owned()));
    // No session asked for it.
    assert_eq!(next_of(&mut hers, "room.left", &id_of(&bob)).await["message"]["kind"], "was_signed_out");
    assert!(!is_in(&ada, &attic, &id_of(&bob)).await);
    assert!(!bob.passes().await);
    nothing_is_left_but_what_is_named(&app, bob.session_id()).await;
}
