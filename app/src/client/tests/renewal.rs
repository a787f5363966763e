//! When the token is renewed by itself, and what late answers do.

use super::server::{BEGINNING, Refresh, ended_by, problem};
use super::world::World;
use crate::api::{EndReason, paths};
use crate::client::Failure;
use crate::client::notice::Notice;
use crate::client::ports::SignInHint;
use crate::client::status::AuthStatus;

#[test]
fn a_visitor_is_not_asked_for_a_cookie_he_does_not_have() {
    let world = World::new();
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::SignedOut(None));
    assert!(world.server.state.borrow().seen.is_empty());
}

#[test]
fn a_reload_finds_the_session_again() {
    let world = World::new();
    world.hint.set(SignInHint::SignedIn);
    let tab = world.open_tab();
    assert!(tab.signed_in());
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert!(world.server.last(paths::REFRESH).unwrap().cookies);
    assert!(tab.notices().is_empty(), "nobody is greeted for a reload");
}

#[test]
fn a_reload_whose_cookie_is_gone_is_a_visitor_without_a_note() {
    let world = World::new();
    world.hint.set(SignInHint::SignedIn);
    world.server.end_session(problem(401, "missing-token"));
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::SignedOut(None));
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_reload_after_the_session_was_ended_says_why() {
    let world = World::new();
    world.hint.set(SignInHint::SignedIn);
    world.server.end_session(ended_by("Firefox on Windows", "revoked_from_other_device"));
    let tab = world.open_tab();
    let note = tab.note().unwrap();
    assert_eq!((note.reason, note.at), (EndReason::RevokedFromOtherDevice, Some(BEGINNING)));
}

#[test]
fn a_reload_without_a_connection_goes_on_trying_and_lets_pages_say_so() {
    let world = World::new();
    world.hint.set(SignInHint::SignedIn);
    world.server.set(|server| server.reachable = false);
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::Unknown);
    let load = world.load(&tab);
    world.settle();
    assert_eq!(load.done(), Some(Err(Failure::Unreachable)));
    world.advance_secs(600);
    assert_eq!(tab.notices(), [Notice::CannotRenew], "said once, not at every attempt");
    world.server.set(|server| server.reachable = true);
    world.advance_secs(31);
    assert!(tab.signed_in());
}

#[test]
fn the_token_is_renewed_early_at_a_random_moment_while_the_person_is_there() {
    for (random, at_secs) in [(0.0, 630), (0.5, 720), (0.999, 809)] {
        let world = World::new();
        world.random.set(random);
        let tab = world.signed_in_tab();
        tab.client.person_active();
        world.advance_secs(at_secs - 1);
        assert_eq!(world.server.count(paths::REFRESH), 0, "random {random}");
        world.advance_secs(2);
        assert_eq!(world.server.count(paths::REFRESH), 1, "random {random}");
    }
}

#[test]
fn nobody_there_nothing_renewed() {
    let world = World::new();
    let tab = world.signed_in_tab();
    tab.client.person_active();
    world.advance_secs(3600);
    assert_eq!(world.server.count(paths::REFRESH), 1, "what was done before a renewal does not count for the next one");
    tab.client.person_active();
    world.advance_secs(2);
    assert_eq!(world.server.count(paths::REFRESH), 2, "who comes back is there again");
}

#[test]
fn a_renewal_that_failed_is_tried_again_after_a_while_and_at_once_when_online_again() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.refresh = Refresh::Fails(503));
    tab.client.person_active();
    world.advance_secs(722);
    let tried = world.server.count(paths::REFRESH);
    assert!((1..=4).contains(&tried), "{tried}");
    world.advance_secs(600);
    let tried = world.server.count(paths::REFRESH);
    assert!((20..50).contains(&tried), "{tried}");
    assert_eq!(tab.notices().iter().filter(|notice| **notice == Notice::CannotRenew).count(), 1);

    tab.client.set_online(false);
    world.server.set(|server| server.refresh = Refresh::Works);
    tab.client.set_online(true);
    world.settle();
    assert_eq!(world.server.count(paths::REFRESH), tried + 1);
    assert!(tab.signed_in());
}

#[test]
fn a_renewal_answered_after_the_sign_out_is_dropped() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let client = tab.client.clone();
    let stay = world.start(async move { client.stay_signed_in().await });
    world.settle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.release();
    world.advance_secs(60);
    assert_eq!(stay.done(), Some(Err(Failure::SignedOut)));
    assert_eq!(tab.note().unwrap().reason, EndReason::UserInitiatedLogout);
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_refusal_answered_after_the_next_sign_in_does_not_end_the_new_session() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let client = tab.client.clone();
    let stay = world.start(async move { client.stay_signed_in().await });
    world.settle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.set(|server| server.session = 2);
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    world.server.set(|server| server.refresh = Refresh::Refused(problem(401, "session-ended")));
    world.server.release();
    world.advance_secs(1);
    assert_eq!(stay.done(), Some(Ok(BEGINNING.plus(std::time::Duration::from_hours(720)))));
    assert!(tab.signed_in());
}

#[test]
fn an_answer_to_a_call_made_before_the_sign_out_is_dropped() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::SESSIONS));
    let load = world.load(&tab);
    world.settle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.release();
    world.settle();
    assert_eq!(load.done(), Some(Err(Failure::SignedOut)));
}

#[test]
fn a_wrong_clock_neither_loops_nor_signs_out() {
    for wall in [0, i64::MAX / 4, BEGINNING.as_millis() - 86_400_000 * 365, BEGINNING.as_millis() + 86_400_000 * 365] {
        let world = World::new();
        world.wall.set(wall);
        let tab = world.signed_in_tab();
        assert_eq!(tab.client.server_now(), BEGINNING, "the server's clock counts");
        tab.client.person_active();
        world.advance_secs(600);
        // The clock is set while the tab is open.
        world.wall.set(-wall);
        world.advance_secs(3000);
        assert_eq!(world.server.count(paths::REFRESH), 1);
        assert!(tab.signed_in());
        assert_eq!(tab.client.server_now(), world.server.now());
    }
}

#[test]
fn tokens_that_live_no_time_at_all_do_not_make_the_client_loop() {
    let world = World::new();
    world.server.set(|server| server.expires_in = 0);
    let tab = world.signed_in_tab();
    for _ in 0..60 {
        tab.client.person_active();
        world.advance_secs(1);
    }
    assert!(world.server.count(paths::REFRESH) <= 61);
    let load = world.load(&tab);
    world.settle();
    assert_eq!(load.done(), Some(Ok(vec![])));
}
