//! When the client refreshes the token by itself, and what late answers do.

use super::world::World;
use crate::Failure;
use crate::double::{BEGINNING, Refresh, ended_by, problem};
use crate::notice::{Change, Notice};
use crate::ports::SignInHint;
use crate::status::AuthStatus;
use types::api::paths;
use types::words::{EndReason, ProblemCode};

#[test]
fn the_server_is_asked_once_whether_there_is_a_session_and_refuses_nothing_to_anonymous_users() {
    let world = World::new();
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::SignedOut(None));
    world.advance_secs(600);
    assert_eq!(world.server.state.borrow().asked_without_cookie, 1);
    assert!(world.server.state.borrow().seen.is_empty());
}

#[test]
fn a_session_is_found_again_although_storage_was_cleared() {
    let world = World::new();
    world.was_signed_in();
    world.hint.set(SignInHint::Nobody);
    let tab = world.open_tab();
    assert!(tab.signed_in());
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(world.hint.get(), SignInHint::SignedIn);
}

#[test]
fn a_reload_finds_the_session_again() {
    let world = World::new();
    world.was_signed_in();
    let tab = world.open_tab();
    assert!(tab.signed_in());
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert!(world.server.last(paths::REFRESH).unwrap().cookies);
    assert!(tab.notices().is_empty(), "nobody is greeted for a reload");
}

#[test]
fn a_reload_whose_cookie_is_gone_is_anonymous_and_shows_no_note() {
    let world = World::new();
    world.was_signed_in();
    world.server.end_session(problem(401, ProblemCode::MissingToken));
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::SignedOut(None));
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_reload_after_the_session_was_ended_says_why() {
    let world = World::new();
    world.was_signed_in();
    world.server.end_session(ended_by("Firefox on Windows", EndReason::RevokedFromOtherDevice));
    let tab = world.open_tab();
    let note = tab.note().unwrap();
    assert_eq!((note.reason, note.at), (EndReason::RevokedFromOtherDevice.into(), Some(BEGINNING)));
}

#[test]
fn a_reload_without_a_connection_goes_on_trying_and_lets_pages_say_so() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.reachable = false);
    let tab = world.open_tab();
    assert_eq!(tab.status(), AuthStatus::Unknown);
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Err(Failure::Unreachable)));
    world.advance_secs(600);
    assert_eq!(tab.trouble(), Some(Failure::Unreachable), "the page says it");
    assert_eq!(tab.notices(), [], "in place of what it cannot show");
    world.server.set(|server| server.reachable = true);
    world.advance_secs(31);
    assert!(tab.signed_in());
    assert_eq!(tab.trouble(), None);
}

#[test]
fn a_server_that_does_not_answer_at_load_is_mentioned_before_it_is_given_up() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let tab = world.open_tab();
    world.advance_secs(9);
    assert_eq!(tab.trouble(), Some(Failure::Unreachable));
    world.server.release();
    world.run_until_idle();
    assert!(tab.signed_in() && tab.trouble().is_none());
}

#[test]
fn whoever_presses_try_again_or_comes_back_does_not_wait_for_the_next_attempt() {
    for pressed in [true, false] {
        let world = World::new();
        world.was_signed_in();
        world.server.set(|server| server.refresh = Refresh::Fails(503));
        let tab = world.open_tab();
        world.advance_secs(120);
        assert_eq!(tab.trouble().unwrap().code(), Some(ProblemCode::TemporarilyUnavailable));
        world.server.set(|server| server.refresh = Refresh::Works);
        if pressed {
            let client = tab.client.clone();
            assert_eq!(world.finish(async move { client.try_again().await }), Ok(()));
        } else {
            tab.client.looked_at();
            world.run_until_idle();
        }
        assert!(tab.signed_in());
    }
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_left_alone_and_says_for_how_long() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| {
        server.refresh = Refresh::Fails(429);
        server.retry_after = Some("40");
    });
    let tab = world.open_tab();
    assert_eq!(tab.trouble().unwrap().message(), "Too many attempts. Try again in 40 seconds.");
    world.advance_secs(39);
    assert_eq!(world.server.count(paths::REFRESH), 1);
    world.server.set(|server| server.refresh = Refresh::Works);
    world.advance_secs(2);
    assert!(tab.signed_in());
}

#[test]
fn a_tab_that_stands_still_in_the_middle_of_a_refresh_does_not_block_the_others() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let sleeper = world.open_tab();
    sleeper.stops();
    world.server.release();
    let tab = world.open_tab();
    assert!(!tab.signed_in(), "it waits for its turn");
    world.advance_secs(4);
    assert!(tab.signed_in(), "but not for ever");
    sleeper.goes_on();
    world.run_until_idle();
    assert!(sleeper.signed_in() && tab.signed_in());
}

#[test]
fn relative_times_are_written_anew_as_soon_as_the_servers_time_is_known() {
    let world = World::new();
    world.was_signed_in();
    world.wall.set(BEGINNING.as_millis() + 3_600_000);
    let tab = world.open_tab();
    let set = tab.changes.borrow().iter().position(|change| matches!(change, Change::ClockSet));
    let shown =
        tab.changes.borrow().iter().position(|change| matches!(change, Change::Status(AuthStatus::SignedIn { .. })));
    assert!(set.is_some() && set < shown, "before anything is shown");
    assert_eq!(tab.client.server_now(), world.server.now());
}

#[test]
fn the_token_is_refreshed_early_at_a_random_moment_while_the_user_is_there() {
    for (random, at_secs) in [(0.0, 630), (0.5, 720), (0.999, 809)] {
        let world = World::new();
        world.random.set(random);
        let tab = world.signed_in_tab();
        tab.client.user_active();
        world.advance_secs(at_secs - 1);
        assert_eq!(world.server.count(paths::REFRESH), 0, "random {random}");
        world.advance_secs(2);
        assert_eq!(world.server.count(paths::REFRESH), 1, "random {random}");
    }
}

#[test]
fn nothing_is_refreshed_while_nobody_is_there() {
    let world = World::new();
    let tab = world.signed_in_tab();
    tab.client.user_active();
    world.advance_secs(3600);
    assert_eq!(world.server.count(paths::REFRESH), 1, "what was done before a refresh does not count for the next one");
    tab.client.user_active();
    world.advance_secs(2);
    assert_eq!(world.server.count(paths::REFRESH), 2, "who comes back is there again");
}

#[test]
fn a_refresh_that_failed_is_tried_again_after_a_while_and_at_once_when_online_again() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.refresh = Refresh::Fails(503));
    tab.client.user_active();
    world.advance_secs(722);
    let tried = world.server.count(paths::REFRESH);
    assert!((1..=4).contains(&tried), "{tried}");
    world.advance_secs(600);
    let tried = world.server.count(paths::REFRESH);
    assert!((20..50).contains(&tried), "{tried}");
    assert_eq!(tab.notices().iter().filter(|notice| **notice == Notice::CannotRefresh).count(), 1);

    tab.client.set_online(false);
    world.server.set(|server| server.refresh = Refresh::Works);
    tab.client.set_online(true);
    world.run_until_idle();
    assert_eq!(world.server.count(paths::REFRESH), tried + 1);
    assert!(tab.signed_in());
}

#[test]
fn a_refresh_answered_after_the_sign_out_is_dropped() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let client = tab.client.clone();
    let stay = world.start(async move { client.stay_signed_in().await });
    world.run_until_idle();
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
    world.run_until_idle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.set(|server| server.session = 2);
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    world.server.set(|server| server.refresh = Refresh::Refused(Box::new(problem(401, ProblemCode::SessionEnded))));
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
    world.run_until_idle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.release();
    world.run_until_idle();
    assert_eq!(load.done(), Some(Err(Failure::SignedOut)));
}

#[test]
fn a_wrong_clock_neither_loops_nor_signs_out() {
    for wall in [0, i64::MAX / 4, BEGINNING.as_millis() - 86_400_000 * 365, BEGINNING.as_millis() + 86_400_000 * 365] {
        let world = World::new();
        world.wall.set(wall);
        let tab = world.signed_in_tab();
        assert_eq!(tab.client.server_now(), BEGINNING, "the server's clock counts");
        tab.client.user_active();
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
        tab.client.user_active();
        world.advance_secs(1);
    }
    assert!(world.server.count(paths::REFRESH) <= 61);
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
}
