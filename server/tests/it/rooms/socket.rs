//! The socket: who gets one, what it carries, and how it ends.

use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::{
    ADA, BOB, eventually, id_of, is_in, leaves, makes_room, messages, next_of, participants, says, signs_out,
    system_messages_of, two_in_a_room,
};
use crate::http::legacy::{ACCEPTED, on_the_older_system};
use crate::support::app::{Device, PASSWORD, TestApp};
use crate::support::postgres::PostgresDatabase;
use crate::support::socket::{Heard, Socket, id_of_room};
use crate::support::store::Backend;

#[tokio::test]
async fn a_foreign_page_and_whoever_shows_nothing_good_get_no_socket() {
    let app = TestApp::start_with(&ACCEPTED).await;
    let ada = app.new_user(ADA).await;
    let bearer = format!("Bearer {}", ada.access_token());
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = Socket::open(&app, "", &[("origin", origin), ("authorization", &bearer)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    let own = app.origin();
    assert!(Socket::open(&app, "", &[("origin", &own), ("authorization", &bearer)]).await.is_ok());
    for query in [
        format!("?access_token={}", ada.access_token()),
        format!("?token={}", ada.access_token()),
        format!("?ticket={}", ada.access_token()),
        "?ticket=nothing".to_owned(),
    ] {
        assert_eq!(Socket::open(&app, &query, &[]).await.err(), Some(StatusCode::UNAUTHORIZED), "{query}");
    }
    let older = format!("Bearer {}", on_the_older_system(&ada).access_token());
    let refused = Socket::open(&app, "", &[("authorization", &older)]).await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "there is no session");
    assert_eq!(app.get("/api/ws").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.get("/api/ws").await.status, StatusCode::BAD_REQUEST, "it switches no protocol");
}

#[tokio::test]
async fn whoever_does_not_say_first_who_they_are_is_told_so_and_closed() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let stale = ada.clone();
    signs_out(&ada).await;
    for (message, code) in [
        (r#"{"type":"attend","rooms":[]}"#.to_owned(), 4401),
        (r#"{"type":"authenticate","accessToken":"a.b.c"}"#.to_owned(), 4401),
        (format!(r#"{{"type":"authenticate","accessToken":"{}"}}"#, stale.access_token()), 4401),
        (r#"{"type":"shout"}"#.to_owned(), 4400),
        ("hello".to_owned(), 4400),
    ] {
        let mut socket = Socket::open(&app, "", &[]).await.expect("a socket");
        socket.says_text(&message).await;
        assert_eq!(socket.is_closed().await.0, code, "{message}");
    }
    let mut socket = Socket::open(&app, "", &[]).await.expect("a socket");
    socket.says_text(&" ".repeat(5000)).await;
    assert!(matches!(socket.next().await, Heard::Closed(_)), "it is too long");
}

#[tokio::test]
async fn it_carries_what_the_event_stream_does() {
    let app = TestApp::start().await;
    let laptop = app.new_user(ADA).await;
    let mut socket = Socket::of(&laptop).await;
    let phone = app.signs_in(ADA).await;
    let created = socket.next_named("session.created").await;
    assert_eq!(created["session"]["sessionId"], phone.session_id());
    signs_out(&phone).await;
    assert_eq!(socket.next_named("session.ended").await["sessionId"], phone.session_id());
    app.new_user(BOB).await;
    laptop.delete(&format!("/api/auth/sessions/{}", laptop.session_id())).await;
    assert_eq!(socket.next_named("session.ended").await["sessionId"], laptop.session_id());
    assert_eq!(socket.is_closed().await, (4001, "user_initiated_logout".to_owned()));
}

#[rstest]
#[tokio::test]
async fn what_a_room_says_reaches_all_who_attend_it_in_order(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let app = TestApp::start_on(backend, &[]).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    assert_eq!(next_of(&mut hers, "room.presence", &id_of(&bob)).await["presence"], "here");
    for number in 0..10 {
        let who = if number % 2 == 0 { &ada } else { &bob };
        assert_eq!(says(who, &attic, &number.to_string()).await.status, StatusCode::CREATED);
    }
    for socket in [&mut hers, &mut his] {
        for number in 0..10 {
            let posted = socket.next_named("room.message").await;
            assert_eq!(posted["message"]["text"], number.to_string());
            assert_eq!(posted["message"]["number"], 3 + number);
        }
    }
    his.attends(&[(attic.as_str(), false)]).await;
    assert_eq!(next_of(&mut hers, "room.presence", &id_of(&bob)).await["presence"], "away");
    assert_eq!(leaves(&bob, &attic).await.status, StatusCode::NO_CONTENT);
    let left = hers.next_named("room.left").await;
    assert_eq!((&left["userId"], &left["message"]["kind"]), (&json!(id_of(&bob)), &json!("left")));
    assert_eq!(his.next_named("room.left").await, left);
    assert_eq!(his.next_named("room.closed").await["roomId"], id_of_room(&attic));
    says(&ada, &attic, "He has gone").await;
    hers.next_named("room.message").await;
    // He hears nothing of it, and is told so where he goes on.
    his.types(&attic, true).await;
    is_told_that_it_is_closed(&mut his, &attic).await;
    his.attends(&[(attic.as_str(), true)]).await;
    is_told_that_it_is_closed(&mut his, &attic).await;
    assert!(!is_in(&ada, &attic, &id_of(&bob)).await, "attending joins nobody");
}

/// The next thing that is said about rooms.
async fn is_told_that_it_is_closed(socket: &mut Socket, room: &str) {
    let told = loop {
        match socket.next().await {
            Heard::Event(name, data) if name.starts_with("room.") => break (name, data),
            Heard::Event(..) => {}
            closed @ Heard::Closed(_) => panic!("{closed:?}"),
        }
    };
    assert_eq!(told, ("room.closed".to_owned(), json!({"roomId": id_of_room(room)})));
}

#[tokio::test]
async fn writing_ends_with_the_message_the_socket_and_the_session() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let typing = async |socket: &mut Socket| next_of(socket, "room.typing", &id_of(&bob)).await["typing"].clone();
    his.types(&attic, true).await;
    assert_eq!(typing(&mut hers).await, true);
    says(&bob, &attic, "Done").await;
    assert_eq!(typing(&mut hers).await, false);
    hers.next_named("room.message").await;

    his.types(&attic, true).await;
    assert_eq!(typing(&mut hers).await, true);
    his.goes_away();
    assert_eq!(typing(&mut hers).await, false);

    let mut his = Socket::attending(&bob, &attic).await;
    his.types(&attic, true).await;
    assert_eq!(typing(&mut hers).await, true);
    signs_out(&bob).await;
    assert_eq!(typing(&mut hers).await, false);
    assert_eq!(hers.next_named("room.left").await["message"]["kind"], "signed_out");
    assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    SignOut,
    Everywhere,
    FromAnotherDevice,
    NewPassword,
    ByAnAdministrator,
    Disabled,
}

#[rstest]
#[case(Ending::SignOut, "user_initiated_logout", "signed_out")]
#[case(Ending::Everywhere, "logout_all", "signed_out")]
#[case(Ending::FromAnotherDevice, "revoked_from_other_device", "was_signed_out")]
#[case(Ending::NewPassword, "password_changed", "was_signed_out")]
#[case(Ending::ByAnAdministrator, "admin_revoked", "was_signed_out")]
#[case(Ending::Disabled, "account_disabled", "was_signed_out")]
#[tokio::test]
async fn however_a_session_ends_its_socket_is_closed_with_the_reason_and_the_others_see_it(
    #[case] ending: Ending,
    #[case] reason: &str,
    #[case] said: &str,
) {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let phone = app.signs_in(BOB).await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let answer = match ending {
        Ending::SignOut => bob.post("/api/auth/logout", &json!({})).await,
        Ending::Everywhere => bob.post("/api/auth/logout-all", &json!({})).await,
        Ending::FromAnotherDevice => phone.delete(&format!("/api/auth/sessions/{}", bob.session_id())).await,
        Ending::NewPassword => {
            let change = json!({"currentPassword": PASSWORD, "newPassword": "wednesday badger kettle"});
            phone.post("/api/user/password", &change).await
        }
        Ending::ByAnAdministrator => {
            owner.delete_with(&format!("/api/admin/sessions/{}", bob.session_id()), &json!({})).await
        }
        Ending::Disabled => owner.post(&format!("/api/admin/users/{}/disable", id_of(&bob)), &json!({})).await,
    };
    assert!(answer.status.is_success(), "{}", answer.text);
    assert_eq!(next_of(&mut hers, "room.left", &id_of(&bob)).await["message"]["kind"], said);
    assert_eq!(his.next_named("session.ended").await["reason"], reason);
    assert_eq!(his.is_closed().await, (4001, reason.to_owned()));
}

#[rstest]
#[case::that_is_in_the_room(false)]
#[case::that_has_left_it(true)]
#[tokio::test]
async fn that_an_account_is_deleted_is_said_where_it_has_said_something(#[case] has_left: bool) {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    says(&bob, &attic, "Forget me").await;
    if has_left {
        leaves(&bob, &attic).await;
    }
    let mut hers = Socket::attending(&ada, &attic).await;
    assert_eq!(bob.delete("/api/user").await.status, StatusCode::OK);
    let deleted = hers.next_named("room.user_deleted").await;
    assert_eq!(deleted, json!({"roomId": id_of_room(&attic), "userId": id_of(&bob)}));
    assert!(messages(&ada, &attic).await.iter().all(|message| message["senderId"] != id_of(&bob)));
}

#[tokio::test]
async fn what_was_committed_beside_the_servers_is_said_in_the_room_all_the_same() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let mut hers = Socket::attending(&ada, &attic).await;
    // As a server would whose message on the bus is lost.
    let statement = "INSERT INTO room_messages (room_id, number, sender_id, sender_name, kind, text, sent_at) \
                     SELECT room_id, number + 1, sender_id, 'Bob', 'text', 'Lost', sent_at FROM room_messages \
                     ORDER BY number DESC LIMIT 1";
    app.execute(statement).await;
    app.execute("UPDATE rooms SET last_number = last_number + 1").await;
    assert_eq!(hers.next_named("room.message").await["message"]["text"], "Lost");
    says(&bob, &attic, "Next").await;
    let next = hers.next_named("room.message").await;
    assert_eq!((&next["message"]["text"], &next["message"]["number"]), (&json!("Next"), &json!(4)));
}

#[tokio::test]
async fn a_lost_connection_goes_grey_and_comes_back_without_a_word() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    his.goes_away();
    let time_passes = async {
        let mut every = tokio::time::interval(Duration::from_secs(2));
        for _ in 0..5 {
            every.tick().await;
            app.advance(Duration::from_secs(11));
        }
    };
    let he_is_grey = async { while next_of(&mut hers, "room.presence", &id_of(&bob)).await["presence"] != "grey" {} };
    tokio::select! {
        () = he_is_grey => {}
        () = time_passes => panic!("nobody went grey"),
    }
    let his = Socket::attending(&bob, &attic).await;
    assert_eq!(next_of(&mut hers, "room.presence", &id_of(&bob)).await["presence"], "here");
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined"]);
    his.goes_away();
}

#[tokio::test]
async fn whoever_comes_back_in_time_was_never_grey() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let (mut hers, his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    his.goes_away();
    app.advance(Duration::from_secs(6));
    let _his = Socket::attending(&bob, &attic).await;
    app.advance(Duration::from_secs(6));
    let shown = |presence: &str| (id_of(&bob), presence.to_owned());
    eventually(async || participants(&ada, &attic).await.contains(&shown("here"))).await;
    says(&bob, &attic, "Back").await;
    loop {
        match hers.next().await {
            Heard::Event(name, _) if name == "room.message" => break,
            Heard::Event(name, data) if name == "room.presence" && data["userId"] == id_of(&bob) => {
                assert_eq!(data["presence"], "here");
            }
            Heard::Event(..) => {}
            closed @ Heard::Closed(_) => panic!("{closed:?}"),
        }
    }
}

#[tokio::test]
async fn an_operator_disconnects_a_session_that_goes_on() {
    let app = TestApp::start().await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let (mut hers, mut his) = (Socket::attending(&ada, &attic).await, Socket::attending(&bob, &attic).await);
    let mut stream = bob.listens().await;
    let path = format!("/api/admin/sessions/{}/disconnect", bob.session_id());
    assert_eq!(ada.post(&path, &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(owner.post(&path, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(his.is_closed().await.0, 4002);
    while stream.next().await.is_some() {}
    assert!(bob.passes().await);
    let audit = owner.get("/api/admin/audit?action=session_disconnected").await;
    assert_eq!(audit.body["entries"].as_array().map(Vec::len), Some(1), "{}", audit.text);
    let _his = Socket::attending(&bob, &attic).await;
    says(&bob, &attic, "Back").await;
    assert_eq!(hers.next_named("room.message").await["message"]["text"], "Back");
    assert_eq!(system_messages_of(&ada, &attic, &id_of(&bob)).await, ["joined"]);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let mut app = TestApp::start().await;
    let mut socket = {
        let ada = app.new_user(ADA).await;
        let attic = makes_room(&ada, "Attic").await;
        Socket::attending(&ada, &attic).await
    };
    let (closed, ()) = tokio::join!(socket.is_closed(), app.shut_down());
    assert_eq!(closed.0, 4503);
}

#[tokio::test]
async fn users_on_two_servers_see_each_other_come_write_and_go() {
    let database = PostgresDatabase::create().await;
    let url = database.url();
    let settings = [("DATABASE_URL", url.as_str()), ("PUBLIC_URL", "http://localhost:3000")];
    let here = TestApp::start_with(&settings).await;
    let beside = here.another_server(&settings).await;
    for server in [&here, &beside] {
        eventually(async || server.get("/health").await.body["bus"] == "ok").await;
    }
    let (ada, bob, attic) = two_in_a_room(&here).await;
    let moved = Device { app: &beside, tokens: bob.tokens.clone() };
    let (mut of_ada, mut of_bob) = (Socket::attending(&ada, &attic).await, Socket::attending(&moved, &attic).await);
    assert_eq!(next_of(&mut of_ada, "room.presence", &id_of(&bob)).await["presence"], "here");
    says(&ada, &attic, "Hello there").await;
    assert_eq!(of_bob.next_named("room.message").await["message"]["text"], "Hello there");
    of_bob.types(&attic, true).await;
    assert_eq!(next_of(&mut of_ada, "room.typing", &id_of(&bob)).await["typing"], true);
    // On this server, not on the one that has his socket.
    signs_out(&bob).await;
    assert_eq!(next_of(&mut of_ada, "room.left", &id_of(&bob)).await["message"]["kind"], "signed_out");
    assert_eq!(of_bob.is_closed().await, (4001, "user_initiated_logout".to_owned()));
}
