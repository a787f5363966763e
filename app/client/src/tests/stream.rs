//! The event stream.

use uuid::Uuid;

use super::world::World;
use crate::double::{BEGINNING, Refresh, problem};
use crate::notice::Notice;
use crate::status::StreamState;
use types::api::{
    DeviceDescription, Ended, Hello, SecurityAlert, ServerEvent, Session, SessionCreated, SessionUpdated, UserUpdated,
    paths,
};
use types::domain::{AlertId, SessionId, UserId};
use types::words::{AlertAnswer, AlertKind, DeviceKind, EndReason, ProblemCode, SignInMethod};

fn hello(world: &World) -> ServerEvent {
    ServerEvent::Hello(Hello { session_id: world.server.session_id(), server_time: world.server.now() })
}

fn ended(session: u128, by: u128, reason: EndReason) -> ServerEvent {
    ServerEvent::SessionEnded(Ended {
        session_id: SessionId(Uuid::from_u128(session)),
        reason: reason.into(),
        ended_by: Some(SessionId(Uuid::from_u128(by))),
        ended_by_device: Some("Safari on iPhone".into()),
        at: BEGINNING,
    })
}

fn created(session: u128) -> ServerEvent {
    ServerEvent::SessionCreated(SessionCreated {
        session: Session {
            session_id: SessionId(Uuid::from_u128(session)),
            current: false,
            device_info: firefox(),
            ip_address: String::new(),
            place: None,
            created_at: BEGINNING,
            last_active: BEGINNING,
            active_now: true,
            expires_at: BEGINNING,
            signed_in_with: SignInMethod::Password.into(),
            user_agent: String::new(),
            acting: None,
        },
        alert_id: None,
    })
}

fn firefox() -> DeviceDescription {
    DeviceDescription {
        device_name: "Firefox on Windows".into(),
        platform: "web".into(),
        browser: None,
        os: None,
        kind: DeviceKind::Laptop,
        app_version: None,
    }
}

#[test]
fn one_tab_holds_the_stream_and_all_tabs_hear() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.server.tell(&hello(&world));
    world.server.tell(&created(5));
    world.run_until_idle();
    assert_eq!(world.server.open_streams(), 1);
    for tab in [&tab, &other] {
        assert_eq!(tab.stream(), StreamState::Open);
        assert_eq!(tab.events(), ["hello", "session.created"]);
    }
    assert!(other.notices().contains(&Notice::DeviceSignedIn {
        device: "Firefox on Windows".into(),
        session: SessionId(Uuid::from_u128(5)),
    }));
}

#[test]
fn the_stream_is_opened_with_the_bearer_and_closed_at_the_sign_out() {
    let world = World::new();
    let tab = world.signed_in_tab();
    assert_eq!(world.server.last(paths::EVENTS).unwrap().bearer.as_deref(), Some("secret-token-1"));
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    assert_eq!(world.server.open_streams(), 0);
    assert_eq!(tab.stream(), StreamState::Connecting);
}

#[test]
fn a_tab_opened_later_learns_how_the_stream_is() {
    let world = World::new();
    let _tab = world.signed_in_tab();
    world.server.tell(&hello(&world));
    world.run_until_idle();
    let late = world.open_tab();
    assert_eq!(late.stream(), StreamState::Open);
    assert_eq!(world.server.count(paths::EVENTS), 1);
}

#[test]
fn the_end_of_this_session_signs_out_at_once_and_is_confirmed() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.server.tell(&ended(1, 2, EndReason::LogoutAll));
    world.run_until_idle();
    for tab in [&tab, &other] {
        let note = tab.note().unwrap();
        assert_eq!(
            note.sentence(),
            "You were signed out because someone signed out all devices from Safari on iPhone."
        );
        assert!(tab.notices().contains(&Notice::SignedOut(note)));
    }
    let confirmation = world.server.last(paths::SESSION_ENDED).unwrap();
    assert_eq!(confirmation.bearer.as_deref(), Some("secret-token-1"));
    assert!(!confirmation.cookies);
    assert_eq!(world.server.count(paths::SESSION_ENDED), 1, "one browser, one confirmation");
    assert_eq!(world.server.count(paths::REFRESH), 0);
    assert_eq!(world.server.open_streams(), 0);
}

#[test]
fn a_confirmation_that_was_lost_is_sent_once_more() {
    let world = World::new();
    let _tab = world.signed_in_tab();
    world.server.set(|server| server.reachable = false);
    world.server.tell(&ended(1, 2, EndReason::AdminRevoked));
    world.advance_secs(60);
    assert_eq!(world.server.count(paths::SESSION_ENDED), 2);
}

#[test]
fn the_end_of_another_session_is_reported_unless_it_was_ended_from_here() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.tell(&ended(2, 1, EndReason::RevokedFromOtherDevice));
    world.run_until_idle();
    assert!(!tab.notices().contains(&Notice::DeviceSignedOut));
    world.server.tell(&ended(3, 4, EndReason::RevokedFromOtherDevice));
    world.run_until_idle();
    assert!(tab.notices().contains(&Notice::DeviceSignedOut));
    assert!(tab.signed_in());
    assert_eq!(tab.events(), ["session.ended", "session.ended"]);
}

#[test]
fn alerts_are_shown() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let alert = SecurityAlert {
        alert_id: AlertId(Uuid::from_u128(9)),
        kind: AlertKind::NewSignIn.into(),
        session_id: SessionId(Uuid::from_u128(3)),
        message: "Firefox on Windows signed in. Was this you?".to_owned(),
        at: BEGINNING,
        device_info: firefox(),
        ip_address: "192.0.2.1".to_owned(),
        place: None,
        signed_in: true,
        answer: None,
    };
    let answered = SecurityAlert { answer: Some(AlertAnswer::Me.into()), ..alert.clone() };
    world.server.tell(&ServerEvent::SecurityAlert(alert.clone()));
    world.run_until_idle();
    let expected = Notice::Alert(Box::new(alert));
    assert_eq!(tab.notices().last(), Some(&expected));
    world.server.tell(&ServerEvent::SecurityAlert(answered));
    world.run_until_idle();
    assert_eq!(tab.notices().iter().filter(|notice| matches!(notice, Notice::Alert(_))).count(), 1);
}

#[test]
fn a_change_of_the_user_refreshes_the_token_which_carries_what_may_be_done() {
    let world = World::new();
    let other = world.open_tab();
    let _tab = world.signed_in_tab();
    world.server.tell(&ServerEvent::UserUpdated(UserUpdated { user_id: UserId(Uuid::from_u128(7)) }));
    world.run_until_idle();
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(other.events(), ["user.updated"]);
}

#[test]
fn a_stream_that_breaks_is_opened_again_with_growing_backoff() {
    let world = World::new();
    world.random.set(0.0);
    let tab = world.signed_in_tab();
    world.server.tell(&hello(&world));
    world.run_until_idle();
    world.server.set(|server| {
        server.reachable = false;
        server.streams.clear();
    });
    world.run_until_idle();
    assert_eq!(tab.stream(), StreamState::Reconnecting);
    world.advance_secs(7);
    assert_eq!(world.server.count(paths::EVENTS), 4, "after one, three and seven seconds");
    world.advance_secs(600);
    let tried = world.server.count(paths::EVENTS);
    assert!((20..30).contains(&tried), "{tried}");
    assert!(tab.signed_in());

    world.server.set(|server| server.reachable = true);
    world.advance_secs(30);
    world.server.tell(&hello(&world));
    world.run_until_idle();
    assert_eq!(tab.stream(), StreamState::Open);
    assert_eq!(tab.events(), ["hello", "hello"], "which tells pages to load again");

    world.server.set(|server| server.streams.clear());
    world.advance_secs(1);
    assert_eq!(world.server.open_streams(), 1, "the backoff begins anew");
}

#[test]
fn being_online_again_or_looked_at_opens_the_stream_at_once() {
    for looked_at in [false, true] {
        let world = World::new();
        world.random.set(0.0);
        let tab = world.signed_in_tab();
        world.server.set(|server| {
            server.reachable = false;
            server.streams.clear();
        });
        world.advance_secs(120);
        tab.client.set_online(false);
        world.server.set(|server| server.reachable = true);
        world.run_until_idle();
        assert_eq!(world.server.open_streams(), 0);
        if looked_at {
            tab.client.looked_at();
        } else {
            tab.client.set_online(true);
        }
        world.run_until_idle();
        assert_eq!(world.server.open_streams(), 1);
    }
}

#[test]
fn a_stream_that_says_nothing_for_forty_seconds_is_given_up() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.advance_secs(600);
    assert_eq!(world.server.count(paths::EVENTS), 1, "comments keep it alive");
    world.server_speaks.set(false);
    world.server.send_bytes(":\n\n");
    world.advance_secs(39);
    assert_eq!(tab.stream(), StreamState::Open);
    world.advance_secs(1);
    assert_eq!(tab.stream(), StreamState::Reconnecting);
    world.advance_secs(1);
    assert_eq!(world.server.count(paths::EVENTS), 2);
}

#[test]
fn a_stream_refused_for_its_token_is_opened_with_a_new_one() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| {
        server.accepted.clear();
        server.streams.clear();
    });
    world.advance_secs(1);
    assert_eq!(world.server.last(paths::EVENTS).unwrap().bearer.as_deref(), Some("secret-token-2"));
    assert!(tab.signed_in());

    world.server.set(|server| {
        server.accepted.clear();
        server.streams.clear();
        server.refresh = Refresh::Refused(Box::new(problem(401, ProblemCode::SessionEnded)));
    });
    world.advance_secs(2);
    assert!(!tab.signed_in());
    let tried = world.server.count(paths::EVENTS);
    world.advance_secs(600);
    assert_eq!(world.server.count(paths::EVENTS), tried);
}

#[test]
fn events_of_a_newer_server_do_no_harm() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.send_bytes("event: session.teleported\ndata: {}\n\nevent: hello\ndata: nonsense\n\n");
    world.server.tell(&hello(&world));
    world.run_until_idle();
    assert_eq!(tab.events(), ["hello"]);
}

#[test]
fn a_prolongation_heard_over_the_stream_moves_the_end() {
    let world = World::new();
    world.server.set(|server| server.refresh_expires_in = 3600);
    let tab = world.signed_in_tab();
    world.advance_secs(3500);
    assert!(tab.expiry().is_some());
    world.server.tell(&ServerEvent::SessionUpdated(SessionUpdated {
        session_id: world.server.session_id(),
        device_name: None,
        last_active: None,
        active_now: None,
        expires_at: Some(world.server.now().plus(std::time::Duration::from_hours(1))),
    }));
    world.run_until_idle();
    assert_eq!(tab.expiry(), None);
    world.advance_secs(200);
    assert!(tab.signed_in());
}

#[test]
fn a_stream_that_never_opens_is_mentioned_after_the_second_failure_and_the_list_is_polled() {
    let world = World::new();
    world.random.set(0.0);
    world.server.set(|server| server.stream_refused = Some(503));
    let tab = world.signed_in_tab();
    assert_eq!(tab.stream(), StreamState::Connecting, "one failure is nothing to talk about");
    world.advance_secs(1);
    assert_eq!(tab.stream(), StreamState::Reconnecting);
    let fetched = tab.fetches();
    assert!(fetched > 0, "what is shown does not wait for the stream");
    world.advance_secs(60);
    assert_eq!(tab.fetches(), fetched + 6);
    tab.client.hidden();
    world.advance_secs(600);
    assert_eq!(tab.fetches(), fetched + 6, "nobody looks");

    world.server.set(|server| server.stream_refused = None);
    tab.client.looked_at();
    world.run_until_idle();
    world.server.tell(&hello(&world));
    world.run_until_idle();
    assert_eq!(tab.stream(), StreamState::Open);
    let fetched = tab.fetches();
    world.advance_secs(600);
    assert_eq!(tab.fetches(), fetched, "no polling beside a stream");
}

#[test]
fn a_stream_that_takes_for_ever_to_say_its_first_word_is_mentioned_too() {
    let world = World::new();
    world.server_speaks.set(false);
    let tab = world.signed_in_tab();
    world.advance_secs(7);
    assert_eq!(tab.stream(), StreamState::Connecting);
    world.advance_secs(2);
    assert_eq!(tab.stream(), StreamState::Reconnecting);
}

#[test]
fn pages_fetch_once_at_a_load_and_again_whenever_their_data_may_be_old() {
    let world = World::new();
    world.was_signed_in();
    let tab = world.open_tab();
    assert_eq!(tab.fetches(), 0, "the stream opens first");
    world.server.tell(&hello(&world));
    world.advance_secs(60);
    assert_eq!(tab.fetches(), 1);

    let late = world.open_tab();
    world.advance_secs(60);
    assert_eq!(late.fetches(), 1, "the stream is open already, in another tab");

    tab.client.set_online(false);
    tab.client.set_online(true);
    world.run_until_idle();
    assert!(tab.fetches() > 1);
}

#[test]
fn the_page_does_not_wait_for_a_slow_stream() {
    let world = World::new();
    let tab = world.signed_in_tab();
    assert_eq!(tab.fetches(), 0);
    world.advance_ms(250.0);
    assert_eq!(tab.fetches(), 1);
    world.server.tell(&hello(&world));
    world.run_until_idle();
    assert_eq!(tab.fetches(), 2, "something may have been missed meanwhile");
}

/// Two tabs, of which the first holds the stream.
fn leader_and_follower(world: &World) -> (super::world::Tab, super::world::Tab) {
    let leader = world.signed_in_tab();
    world.server.tell(&hello(world));
    world.run_until_idle();
    let follower = world.open_tab();
    assert_eq!((world.server.open_streams(), follower.stream()), (1, StreamState::Open));
    (leader, follower)
}

#[test]
fn a_tab_that_stands_still_loses_the_stream_within_five_seconds_to_the_one_that_is_looked_at() {
    let world = World::new();
    let (leader, follower) = leader_and_follower(&world);
    world.advance_secs(600);
    assert_eq!(world.server.count(paths::EVENTS), 1, "as long as it answers it keeps it");
    leader.stops();
    world.advance_secs(5);
    assert_eq!(world.server.count(paths::EVENTS), 2);
    world.server.tell(&hello(&world));
    world.server.tell(&created(5));
    world.run_until_idle();
    assert!(follower.events().contains(&"session.created"));

    leader.goes_on();
    world.run_until_idle();
    assert_eq!(world.server.open_streams(), 1, "who was asleep steps back");
    world.server.tell(&created(6));
    world.run_until_idle();
    assert!(leader.events().contains(&"session.created"), "and hears from the other");
    world.advance_secs(600);
    assert_eq!(world.server.count(paths::EVENTS), 2, "they do not fight over it");
}

#[test]
fn a_tab_that_nobody_looks_at_takes_nothing_over_until_somebody_does() {
    let world = World::new();
    let (leader, follower) = leader_and_follower(&world);
    follower.client.hidden();
    leader.stops();
    world.advance_secs(60);
    assert_eq!(world.server.count(paths::EVENTS), 1);
    follower.client.looked_at();
    world.advance_secs(5);
    assert_eq!(world.server.count(paths::EVENTS), 2);
}

#[test]
fn a_tab_that_is_about_to_be_frozen_hands_the_stream_on_at_once() {
    let world = World::new();
    let (leader, follower) = leader_and_follower(&world);
    leader.client.falls_asleep();
    world.run_until_idle();
    assert_eq!((world.server.open_streams(), world.server.count(paths::EVENTS)), (1, 2));
    world.server.tell(&created(5));
    world.run_until_idle();
    assert!(follower.events().contains(&"session.created"));
    leader.client.wakes();
    world.advance_secs(60);
    assert_eq!(world.server.count(paths::EVENTS), 2, "it is a follower now");
}

#[test]
fn a_hidden_tab_that_cannot_open_the_stream_leaves_it_to_the_one_that_is_looked_at() {
    let world = World::new();
    let (leader, follower) = leader_and_follower(&world);
    leader.client.hidden();
    world.server.set(|server| {
        server.reachable = false;
        server.streams.clear();
    });
    world.advance_secs(120);
    world.server.set(|server| server.reachable = true);
    follower.client.looked_at();
    world.advance_secs(5);
    world.server.tell(&hello(&world));
    world.run_until_idle();
    assert_eq!(follower.stream(), StreamState::Open);
    assert_eq!(leader.stream(), StreamState::Open, "which tells the other");
}

#[test]
fn locks_that_are_never_granted_prevent_neither_the_stream_nor_the_sign_in() {
    let mut world = World::new();
    world.locks.broken = true;
    world.was_signed_in();
    let tab = world.open_tab();
    world.advance_secs(4);
    assert!(tab.signed_in());
    world.advance_secs(6);
    assert_eq!(world.server.open_streams(), 1);
}
