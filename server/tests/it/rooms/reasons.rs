//! Every reason for which a session ends, in one list. Whatever it is, sockets and streams are closed with it, the user
//! leaves every room and the others are told how, and nothing of the session is left. A reason that is new does not
//! compile here before it is said how a session ends for it.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use types::words::{EndReason, RoomMessageKind};

use super::leftovers::{no_key_is_left_but_what_is_named, nothing_is_left_but_what_is_named};
use super::{ADA, BOB, eventually, id_of, is_in, joins, makes_room, next_of, system_messages_of};
use crate::support::app::{Answer, Device, PASSWORD, TestApp};
use crate::support::pair::{Bus, Pair, moved};
use crate::support::redis::RedisServer;
use crate::support::socket::{Socket, id_of_room};

/// How old a session is that is about to run out.
const ALMOST_OVER: Duration = Duration::from_secs(10 * 60 - 1);
const NEW_PASSWORD: &str = "wednesday badger kettle";

/// Where a session ends.
#[derive(Clone, Copy, Debug)]
enum Place {
    Sqlite,
    /// On two servers: one has the sockets, the other ends the session.
    TwoServers(Bus),
}

/// What has to be set for a session to end for this reason.
const fn settings(reason: EndReason) -> &'static [(&'static str, &'static str)] {
    match reason {
        EndReason::SessionExpired => {
            &[("SESSION_MAX_AGE", "10m"), ("SESSION_WARNING", "1m"), ("PRESENCE_TIMEOUT", "1h")]
        }
        EndReason::IdleTimeout => {
            &[("SESSION_IDLE_TIMEOUT", "10m"), ("SESSION_WARNING", "1m"), ("PRESENCE_TIMEOUT", "1h")]
        }
        EndReason::Replaced => &[("MAX_SESSIONS_PER_USER", "1")],
        _ => &[],
    }
}

/// What the rooms say of a user whose last session has ended for this reason.
const fn said_of(reason: EndReason) -> RoomMessageKind {
    match reason {
        EndReason::UserInitiatedLogout | EndReason::LogoutAll => RoomMessageKind::SignedOut,
        EndReason::SessionExpired | EndReason::IdleTimeout => RoomMessageKind::SessionExpired,
        EndReason::RevokedFromOtherDevice
        | EndReason::PasswordChanged
        | EndReason::PasswordReset
        | EndReason::RefreshReuse
        | EndReason::AdminRevoked
        | EndReason::AccountDisabled
        | EndReason::AccountDeleted
        | EndReason::Replaced => RoomMessageKind::WasSignedOut,
    }
}

/// Has the session of a device end for this reason.
async fn ends(device: &Device<'_>, reason: EndReason) {
    let app = device.app;
    let answer = match reason {
        EndReason::UserInitiatedLogout => device.post("/api/auth/logout", &json!({})).await,
        EndReason::LogoutAll => device.post("/api/auth/logout-all", &json!({})).await,
        EndReason::RevokedFromOtherDevice => {
            let other = app.signs_in(BOB).await;
            other.delete(&format!("/api/auth/sessions/{}", device.session_id())).await
        }
        EndReason::SessionExpired | EndReason::IdleTimeout => {
            app.advance(Duration::from_secs(1));
            return;
        }
        EndReason::PasswordChanged => {
            let change = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
            app.signs_in(BOB).await.post("/api/user/password", &change).await
        }
        EndReason::PasswordReset => resets_the_password(app).await,
        EndReason::RefreshReuse => {
            let mut owner = device.clone();
            owner.refreshes().await;
            owner.refreshes().await;
            let stolen = device.refreshes_with(device.refresh_token()).await;
            assert_eq!(stolen.status, StatusCode::UNAUTHORIZED, "{}", stolen.text);
            return;
        }
        EndReason::AdminRevoked => {
            let owner = app.new_user_with("owner", "owner@example.com").await;
            owner.delete_with(&format!("/api/admin/sessions/{}", device.session_id()), &json!({})).await
        }
        EndReason::AccountDisabled => {
            let owner = app.new_user_with("owner", "owner@example.com").await;
            owner.post(&format!("/api/admin/users/{}/disable", id_of(device)), &json!({})).await
        }
        EndReason::AccountDeleted => device.delete_with("/api/user", &json!({"password": PASSWORD})).await,
        EndReason::Replaced => {
            app.signs_in(BOB).await;
            return;
        }
    };
    assert_eq!(answer.status, StatusCode::OK, "{reason:?}: {}", answer.text);
}

/// Asks for a link, and sets a new password by it.
async fn resets_the_password(app: &TestApp) -> Answer {
    let asked = app.post("/api/auth/forgot-password", &json!({"email": BOB})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let mails = app.mails_to(BOB).await;
    let token = mails.iter().find_map(|(_, text)| text.split_once("#token=")?.1.split_whitespace().next());
    let reset = json!({"token": token.expect("a link"), "password": NEW_PASSWORD});
    app.post("/api/auth/reset-password", &reset).await
}

/// Opens a socket that attends these rooms, and waits until it is known to be in them.
async fn attends_all(device: &Device<'_>, rooms: &[String; 2]) -> Socket {
    let mut socket = Socket::of(device).await;
    socket.attends(&rooms.each_ref().map(|room| (room.as_str(), true))).await;
    let mut known = BTreeSet::new();
    while known.len() < rooms.len() {
        known.insert(next_of(&mut socket, "room.presence", &id_of(device)).await["roomId"].to_string());
    }
    socket
}

/// Until the user has left both rooms: in which, and what each has said of it.
async fn has_left(socket: &mut Socket, user: &str) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut left = BTreeSet::new();
    while left.len() < 2 {
        let event = next_of(socket, "room.left", user).await;
        left.insert((text(&event["roomId"]), text(&event["message"]["kind"])));
    }
    left
}

/// Somebody who is in two rooms, on a socket of the server `there`, is signed out by the server `here`.
async fn a_session_ends(reason: EndReason, here: &TestApp, there: &TestApp, redis: Option<&RedisServer>) {
    let bob = here.new_user(BOB).await;
    let (bob_there, his_id) = (moved(&bob, there), id_of(&bob));
    let rooms = [makes_room(&bob, "Attic").await, makes_room(&bob, "Kitchen").await];
    let (mut his, mut events) = (attends_all(&bob_there, &rooms).await, bob_there.listens().await);
    let ticket = bob.post("/api/auth/events/ticket", &json!({})).await.body["ticket"].clone();
    if matches!(reason, EndReason::SessionExpired | EndReason::IdleTimeout) {
        here.advance(ALMOST_OVER);
    }
    // Her session begins now, and outlasts his.
    let ada = here.new_user(ADA).await;
    for room in &rooms {
        joins(&ada, room).await;
    }
    let mut sockets = attends_all(&ada, &rooms).await;
    his.types(&rooms[0], true).await;
    assert_eq!(next_of(&mut sockets, "room.typing", &his_id).await["typing"], true);

    ends(&bob, reason).await;
    let kind = said_of(reason).as_str();
    let expected = rooms.each_ref().map(|room| (id_of_room(room).to_owned(), kind.to_owned()));
    assert_eq!(has_left(&mut sockets, &his_id).await, BTreeSet::from(expected), "{reason:?}");
    assert_eq!(his.is_closed().await, (4001, reason.as_str().to_owned()));
    while events.next().await.is_some() {}
    eventually(async || !bob.passes().await && !bob_there.passes().await).await;
    let ticket = format!("?ticket={}", ticket.as_str().expect("a ticket"));
    assert_eq!(Socket::open(there, &ticket, &[]).await.err(), Some(StatusCode::UNAUTHORIZED), "{reason:?}");
    let said = ["joined", kind];
    // What an account has said goes with it.
    let said: &[&str] = if reason == EndReason::AccountDeleted { &[] } else { &said };
    for room in &rooms {
        assert!(!is_in(&ada, room, &his_id).await, "{reason:?}: a ghost");
        assert_eq!(system_messages_of(&ada, room, &his_id).await, said, "{reason:?}");
    }
    nothing_is_left_but_what_is_named(here, bob.session_id()).await;
    if let Some(redis) = redis {
        no_key_is_left_but_what_is_named(redis, bob.session_id()).await;
    }
}

#[rstest]
#[tokio::test]
async fn for_whatever_reason_a_session_ends_nothing_of_it_stays_in_any_room(
    #[values(Place::Sqlite, Place::TwoServers(Bus::Postgres), Place::TwoServers(Bus::Redis))] place: Place,
    // A third of the reasons each, so that nobody waits for all of them.
    #[values(0, 1, 2)] third: usize,
) {
    for reason in EndReason::ALL.into_iter().skip(third).step_by(3) {
        match place {
            Place::Sqlite => {
                let mut app = TestApp::start_with(settings(reason)).await;
                Box::pin(a_session_ends(reason, &app, &app, None)).await;
                app.shut_down().await;
            }
            Place::TwoServers(bus) => {
                let mut pair = Pair::start_with(bus, settings(reason)).await;
                Box::pin(a_session_ends(reason, &pair.here, &pair.there, pair.redis.as_ref())).await;
                pair.there.shut_down().await;
                pair.here.shut_down().await;
            }
        }
    }
}
