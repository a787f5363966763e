//! The session's end: warned of twice, put off, and come.

use super::world::World;
use crate::messages::TabMessage;
use crate::ports::SignInHint;
use types::api::{Expiring, ServerEvent, paths};
use types::words::EndReason;

fn short_session(world: &World) -> super::world::Tab {
    world.server.set(|server| {
        server.refresh_expires_in = 7200;
        server.session_max_expires_in = 86_400;
    });
    world.signed_in_tab()
}

fn expiring(world: &World, expires_in: u64) -> ServerEvent {
    ServerEvent::SessionExpiring(Expiring { session_id: world.server.session_id(), expires_in })
}

#[test]
fn the_header_brings_the_first_warning() {
    let world = World::new();
    let tab = short_session(&world);
    assert_eq!(tab.expiry(), None);
    world.advance_secs(3700);
    world.server.set(|server| server.session_expires_in = Some(3500));
    let client = tab.client.clone();
    // Any answer will do, a refused one too.
    let _ = world.finish(async move { client.profile().await });
    // The token had run out, so the call refreshed the session, and the answers speak of the refreshed one.
    let warning = tab.expiry().unwrap();
    assert!(warning.prolongable);
    assert!(!warning.last_minutes);
    assert!((warning.deadline_ms - (3_700_000.0 + 3_500_000.0)).abs() < 1.0);
}

#[test]
fn the_event_brings_the_first_warning_to_all_tabs() {
    let world = World::new();
    let other = world.open_tab();
    let tab = short_session(&world);
    world.server.tell(&expiring(&world, 3600));
    world.run_until_idle();
    assert!((tab.expiry().unwrap().deadline_ms - 1_000_000.0 - 3_600_000.0).abs() < 1.0, "by its own clock");
    assert!(other.expiry().is_some());
}

#[test]
fn the_last_two_minutes_bring_the_second_warning_without_the_server() {
    let world = World::new();
    let tab = short_session(&world);
    world.server.set(|server| server.reachable = false);
    world.advance_secs(7200 - 121);
    assert_eq!(tab.expiry(), None);
    world.advance_secs(1);
    assert!(tab.expiry().unwrap().last_minutes);
}

#[test]
fn staying_signed_in_takes_the_warning_away_and_tells_the_new_end() {
    let world = World::new();
    let other = world.open_tab();
    let tab = short_session(&world);
    world.server.tell(&expiring(&world, 100));
    world.run_until_idle();
    assert!(tab.expiry().unwrap().last_minutes);
    let client = tab.client.clone();
    let until = world.finish(async move { client.stay_signed_in().await }).unwrap();
    assert_eq!(until, world.server.now().plus(std::time::Duration::from_hours(2)));
    assert_eq!(tab.expiry(), None);
    assert_eq!(other.expiry(), None, "in the other tabs too");
    world.advance_secs(200);
    assert!(tab.signed_in());
}

#[test]
fn the_warning_does_not_go_away_under_the_finger_that_presses_its_button() {
    let world = World::new();
    let tab = short_session(&world);
    world.advance_secs(3700);
    world.server.tell(&expiring(&world, 3500));
    tab.client.user_active();
    world.advance_secs(1);
    assert!(tab.expiry().is_some());
    world.advance_secs(1);
    assert_eq!(tab.expiry(), None, "who is there stays signed in");
}

#[test]
fn a_session_at_its_absolute_end_cannot_be_prolonged() {
    let world = World::new();
    world.server.set(|server| {
        server.refresh_expires_in = 3000;
        server.session_max_expires_in = 3000;
        server.session_expires_in = Some(3000);
    });
    let tab = world.signed_in_tab();
    let load = world.load(&tab);
    world.run_until_idle();
    assert!(load.done().is_some());
    assert!(!tab.expiry().unwrap().prolongable);
}

#[test]
fn a_header_that_was_overtaken_by_a_refresh_is_ignored() {
    let world = World::new();
    let tab = short_session(&world);
    world.server.set(|server| {
        server.held_path = Some(paths::SESSIONS);
        server.session_expires_in = Some(50);
    });
    let load = world.load(&tab);
    world.run_until_idle();
    world.server.set(|server| server.session_expires_in = None);
    let client = tab.client.clone();
    world.finish(async move { client.stay_signed_in().await }).unwrap();
    world.server.set(|server| server.session_expires_in = Some(50));
    world.server.release();
    world.run_until_idle();
    assert!(load.done().is_some());
    assert_eq!(tab.expiry(), None);
}

#[test]
fn a_session_whose_time_is_over_signs_itself_out_without_a_connection() {
    let world = World::new();
    let other = world.open_tab();
    let tab = short_session(&world);
    world.server.set(|server| server.reachable = false);
    world.advance_secs(7199);
    assert!(tab.signed_in());
    world.advance_secs(1);
    for tab in [&tab, &other] {
        let note = tab.note().unwrap();
        assert_eq!(note.reason, EndReason::SessionExpired);
        assert_eq!(note.sentence(), "Your session expired. Sign in to go on where you were.");
        assert_eq!(tab.expiry(), None);
    }
    assert_eq!(world.hint.get(), SignInHint::Nobody);
    assert_eq!(world.server.count(paths::LOGOUT), 0);
}

#[test]
fn a_forged_event_warns_at_most() {
    let world = World::new();
    short_session(&world);
    let tab = world.open_tab();
    let event = expiring(&world, 0);
    let message = TabMessage::event(world.server.session_id(), &event).unwrap();
    tab.client.receive_message(&serde_json::to_string(&message).unwrap());
    world.advance_secs(60);
    assert!(tab.signed_in());
    assert!((tab.expiry().unwrap().deadline_ms - 1_000_000.0 - 7_200_000.0).abs() < 1.0, "by its own clock");
}

#[test]
fn a_deadline_whose_move_a_tab_missed_ends_only_that_tab() {
    let world = World::new();
    let other = world.open_tab();
    let tab = short_session(&world);
    world.advance_secs(7000);
    // Nobody looks at it, so it does not mind that it hears nothing.
    other.client.hidden();
    world.channel_slow.set(true);
    let client = tab.client.clone();
    world.finish(async move { client.stay_signed_in().await }).unwrap();
    world.advance_secs(300);
    assert!(tab.signed_in());
    assert!(!other.signed_in());
    world.channel_slow.set(false);
    world.run_until_idle();
    assert!(tab.signed_in(), "the other tabs got no message to sign out");
}
