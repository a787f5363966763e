//! A socket and its session: by what it is opened, and that it lasts as long as the session does.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use super::{ADA, id_of, is, says, signs_out, system_messages_of, two_in_a_room};
use crate::support::app::{Device, TestApp};
use crate::support::pair::{Bus, Pair, moved};
use crate::support::socket::Socket;

const GRACE: &str = "grace@example.com";

async fn ticket(device: &Device<'_>) -> String {
    let answer = device.post("/api/auth/events/ticket", &json!({})).await;
    answer.body["ticket"].as_str().expect("a ticket").to_owned()
}

/// Somebody acts for a user. The answer is a client like any other.
async fn acts<'a>(operator: &Device<'a>, user: &Device<'_>) -> Device<'a> {
    let path = format!("/api/admin/users/{}/impersonate", id_of(user));
    let answer = operator.post(&path, &json!({"reason": "Ticket 4711"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    Device { app: operator.app, tokens: answer.body }
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_what_is_no_handshake_spends_none() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let query = format!("?ticket={}", ticket(&ada).await);
    let plain = app.request(Method::GET, &format!("/api/ws{query}")).send().await.expect("an answer");
    assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
    let mut socket = Socket::open(&app, &query, &[]).await.expect("a socket");
    assert_eq!(socket.next_named("hello").await["sessionId"], ada.session_id());
    assert_eq!(Socket::open(&app, &query, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_ticket_is_of_one_session_for_half_a_minute_and_a_foreign_page_spends_none() {
    let app = TestApp::start().await;
    let (laptop, phone) = (app.new_user(ADA).await, app.signs_in(ADA).await);
    let query = format!("?ticket={}", ticket(&phone).await);
    for foreign in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(Socket::open(&app, &query, &[foreign]).await.err(), Some(StatusCode::FORBIDDEN), "{foreign:?}");
    }
    let own = app.origin();
    let headers = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    let mut socket = Socket::open(&app, &query, &headers).await.expect("a socket");
    assert_eq!(socket.next_named("hello").await["sessionId"], phone.session_id());

    let of_phone = format!("?ticket={}", ticket(&phone).await);
    signs_out(&phone).await;
    assert_eq!(Socket::open(&app, &of_phone, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
    let late = format!("?ticket={}", ticket(&laptop).await);
    app.advance(Duration::from_secs(30));
    assert_eq!(Socket::open(&app, &late, &[]).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_server_that_stops_says_so_also_to_those_who_have_not_said_who_they_are() {
    let mut app = TestApp::start().await;
    let mut socket = Socket::open(&app, "", &[]).await.expect("a socket");
    let (closed, ()) = tokio::join!(socket.is_closed(), app.shut_down());
    assert_eq!(closed.0, 4503);
}

#[tokio::test]
async fn it_outlives_the_token_that_opened_it_and_needs_no_other() {
    let app = TestApp::start().await;
    let ada = app.new_user(ADA).await;
    let mut socket = Socket::of(&ada).await;
    app.advance(Duration::from_mins(20));
    assert!(!ada.passes().await, "the token has run out");
    socket.says(&json!({"type": "authenticate", "accessToken": "a.b.c"})).await;
    let phone = app.signs_in(ADA).await;
    assert_eq!(socket.next_named("session.created").await["session"]["sessionId"], phone.session_id());
}

#[tokio::test]
async fn a_refresh_prolongs_it() {
    let app = TestApp::start_with(&[("REFRESH_EXPIRE", "10m"), ("SESSION_WARNING", "1m")]).await;
    let mut ada = app.new_user(ADA).await;
    let mut socket = Socket::of(&ada).await;
    app.advance(Duration::from_secs(10 * 60 - 1));
    ada.refreshes().await;
    while socket.next_named("session.updated").await["expiresAt"].is_null() {}
    app.advance(Duration::from_mins(5));
    let phone = app.signs_in(ADA).await;
    assert_eq!(socket.next_named("session.created").await["session"]["sessionId"], phone.session_id());
}

#[tokio::test]
async fn a_change_of_roles_leaves_it_open_and_the_end_of_the_session_closes_it_all_the_same() {
    let app = TestApp::start().await;
    let owner = app.new_user_with("owner", "owner@example.com").await;
    let (ada, mut bob, attic) = two_in_a_room(&app).await;
    let mut his = Socket::of(&bob).await;
    let path = format!("/api/users/{}/roles", id_of(&bob));
    let set = owner.put(&path, &json!({"roles": ["moderator"]})).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    assert!(!bob.passes().await, "the token is of before");
    assert_eq!(his.next_named("user.updated").await["userId"], id_of(&bob));
    his.is_in(&bob, &attic).await;
    says(&ada, &attic, "Congratulations").await;
    assert_eq!(his.next_named("room.message").await["message"]["text"], "Congratulations");
    bob.refreshes().await;
    signs_out(&bob).await;
    assert_eq!(his.is_closed().await, (4001, "user_initiated_logout".to_owned()));
}

#[rstest]
#[case::unused("SESSION_IDLE_TIMEOUT", "idle_timeout")]
#[case::not_refreshed("REFRESH_EXPIRE", "session_expired")]
#[case::at_its_absolute_end("SESSION_MAX_AGE", "session_expired")]
#[tokio::test]
async fn a_session_that_runs_out_closes_it_and_says_how(#[case] lifetime: &str, #[case] reason: &str) {
    let app = TestApp::start_with(&[(lifetime, "10m"), ("SESSION_WARNING", "1m")]).await;
    let ada = app.new_user(ADA).await;
    app.advance(Duration::from_secs(10 * 60 - 1));
    let mut socket = Socket::of(&ada).await;
    assert_eq!(socket.next_named("session.expiring").await["expiresIn"], 1);
    app.advance(Duration::from_secs(1));
    assert_eq!(socket.next_named("session.ended").await["reason"], reason);
    assert_eq!(socket.is_closed().await, (4001, reason.to_owned()));
}

#[tokio::test]
async fn sockets_on_two_servers_hear_the_same_reason_when_their_session_runs_out() {
    let lifetimes = [("SESSION_IDLE_TIMEOUT", "10m"), ("SESSION_WARNING", "1m")];
    let pair = Pair::start_with(Bus::Postgres, &lifetimes).await;
    let ada = pair.here.new_user(ADA).await;
    let there = moved(&ada, &pair.there);
    pair.here.advance(Duration::from_secs(10 * 60 - 1));
    // Both find it over at the same time: one ends it, and the other finds it ended.
    let (mut one, mut other) = tokio::join!(Socket::of(&ada), Socket::of(&there));
    pair.here.advance(Duration::from_secs(1));
    let closed = tokio::join!(one.is_closed(), other.is_closed());
    let expected = (4001, "idle_timeout".to_owned());
    assert_eq!(closed, (expected.clone(), expected));
}

#[tokio::test]
async fn whoever_acts_for_somebody_gets_none_and_that_of_the_user_goes_on() {
    let app = TestApp::start_with(&[("IMPERSONATION", "on")]).await;
    let grace = app.new_user_with("admin", GRACE).await;
    let (ada, bob, attic) = two_in_a_room(&app).await;
    let mut hers = Socket::attending(&ada, &attic).await;
    let acting = acts(&grace, &ada).await;
    let created = hers.next_named("session.created").await;
    assert_eq!(created["session"]["acting"]["reason"], "Ticket 4711");

    let bearer = format!("Bearer {}", acting.access_token());
    let refused = Socket::open(&app, "", &[("authorization", &bearer)]).await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
    let mut socket = Socket::open(&app, "", &[]).await.expect("a socket");
    socket.says(&json!({"type": "authenticate", "accessToken": acting.access_token()})).await;
    assert_eq!(socket.is_closed().await.0, 4401);
    let asked = acting.post("/api/auth/events/ticket", &json!({})).await;
    is(&asked, StatusCode::FORBIDDEN, "not-while-acting");

    // It ends from either side, and the room is told nothing of it.
    let ended = ada.delete(&format!("/api/auth/sessions/{}", acting.session_id())).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    assert_eq!(hers.next_named("session.ended").await["sessionId"], acting.session_id());
    let again = acts(&grace, &ada).await;
    assert_eq!(again.delete("/api/user/acting").await.status, StatusCode::NO_CONTENT);
    assert_eq!(hers.next_named("session.ended").await["sessionId"], again.session_id());
    says(&bob, &attic, "Are you there?").await;
    assert_eq!(hers.next_named("room.message").await["message"]["text"], "Are you there?");
    assert_eq!(system_messages_of(&bob, &attic, &id_of(&ada)).await, ["joined"]);
}
