//! Several tabs of one browser.

use super::world::World;
use crate::double::{Refresh, problem, user_summary};
use crate::messages::{SharedTokens, TabMessage};
use crate::ports::SignInHint;
use crate::refresh::LOCK;
use crate::signed_out_note::SignedOutNote;
use crate::status::{AuthStatus, StreamState};
use types::api::paths;
use types::domain::SessionId;
use types::words::{EndReason, ProblemCode};

fn text(message: &TabMessage) -> String {
    serde_json::to_string(message).unwrap()
}

#[test]
fn a_sign_in_reaches_the_other_tabs() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    assert_eq!(other.status(), tab.status());
    assert_eq!(world.server.count(paths::LOGIN), 1);
    assert_eq!(world.server.count(paths::REFRESH), 0);
}

#[test]
fn a_refresh_serves_all_tabs() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    world.finish(async move { client.stay_signed_in().await }).unwrap();
    let load = world.load(&other);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
    assert_eq!(world.server.last(paths::SESSIONS).unwrap().bearer.as_deref(), Some("secret-token-2"));
    assert_eq!(world.server.count(paths::REFRESH), 1);
}

#[test]
fn a_sign_out_reaches_the_other_tabs() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    assert_eq!(other.note().unwrap().reason, EndReason::UserInitiatedLogout);
    assert_eq!(world.server.count(paths::LOGOUT), 1);
    assert_eq!(world.server.count(paths::REFRESH), 0, "the other tab has nothing to ask");
}

#[test]
fn a_tab_that_waited_for_its_turn_takes_the_token_of_the_tab_before_it() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let turn = world.locks.take(LOCK);
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(world.server.count(paths::REFRESH), 0, "not its turn");
    // The tab whose turn it is refreshes, says so, and lets go.
    let tokens = world.server.issue();
    tab.client.receive_message(&text(&TabMessage::Tokens { tokens: SharedTokens::from(&tokens) }));
    drop(turn);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
    assert_eq!(world.server.count(paths::REFRESH), 0);
}

#[test]
fn a_message_a_moment_behind_the_lock_is_still_waited_for() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let loads = [world.load(&tab), world.load(&other)];
    world.run_until_idle();
    assert!(loads.iter().all(|load| load.done() == Some(Ok(vec![]))));
    assert_eq!(world.server.count(paths::REFRESH), 1, "one refresh among the tabs");
}

#[test]
fn two_tabs_restored_together_refresh_once() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let tabs = [world.open_tab(), world.open_tab()];
    world.server.release();
    world.run_until_idle();
    assert!(tabs.iter().all(super::world::Tab::signed_in));
    assert_eq!(world.server.count(paths::REFRESH), 1);
}

#[test]
fn a_tab_that_waited_while_another_signed_out_asks_nothing() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let turn = world.locks.take(LOCK);
    let client = other.client.clone();
    let stay = world.start(async move { client.stay_signed_in().await });
    world.run_until_idle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    drop(turn);
    world.run_until_idle();
    assert_eq!(stay.done(), Some(Err(crate::Failure::SignedOut)));
    assert_eq!(world.server.count(paths::REFRESH), 0);
}

#[test]
fn a_token_still_on_its_way_does_not_bring_an_ended_session_back() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let late = text(&TabMessage::Tokens { tokens: SharedTokens::from(&world.server.issue()) });
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    tab.client.receive_message(&late);
    world.run_until_idle();
    assert!(!tab.signed_in());
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_forged_token_leads_to_a_refresh_and_to_no_harm() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let mut tokens = SharedTokens::from(&world.server.issue());
    tokens.access_token = "forged".into();
    tokens.refresh_expires_in = 0;
    tokens.session_max_expires_in = 0;
    tab.client.receive_message(&text(&TabMessage::Tokens { tokens }));
    world.advance_secs(1);
    assert!(tab.signed_in(), "the session's end has not come nearer");
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
}

#[test]
fn a_forged_user_is_not_believed() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let mut tokens = SharedTokens::from(&world.server.issue());
    tokens.session_id = SessionId(uuid::Uuid::from_u128(99));
    tokens.user = user_summary(99);
    tab.client.receive_message(&text(&TabMessage::Tokens { tokens }));
    world.run_until_idle();
    assert_eq!(world.server.count(paths::REFRESH), 1, "the server says who is signed in");
    assert_eq!(tab.status().user(), Some(&user_summary(7)));
}

#[test]
fn another_user_who_signed_in_in_another_tab_is_who_the_server_says() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| {
        server.session = 2;
        server.user = 8;
    });
    let tokens = SharedTokens::from(&world.server.issue());
    tab.client.receive_message(&text(&TabMessage::Tokens { tokens }));
    world.run_until_idle();
    assert_eq!(tab.status().user(), Some(&user_summary(8)));
}

#[test]
fn a_forged_sign_out_is_checked_with_the_server() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let session = world.server.session_id();
    let forged = text(&TabMessage::SignedOut { session, note: None });
    tab.client.receive_message(&forged);
    world.run_until_idle();
    assert!(tab.signed_in());
    assert_eq!(world.server.count(paths::REFRESH), 1);

    world.server.set(|server| server.refresh = Refresh::Refused(Box::new(problem(401, ProblemCode::SessionEnded))));
    tab.client.receive_message(&forged);
    world.run_until_idle();
    assert!(!tab.signed_in());
}

#[test]
fn messages_that_are_not_understood_or_meant_for_another_session_are_ignored() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let before = tab.changes.borrow().len();
    let session = SessionId(uuid::Uuid::from_u128(99));
    let note = Some(SignedOutNote::new(EndReason::AdminRevoked));
    world.hint.set(SignInHint::Nobody);
    for message in [
        String::new(),
        "null".into(),
        "{\"kind\":\"tokens\"}".into(),
        "{\"kind\":\"evil\",\"session\":1}".into(),
        text(&TabMessage::SignedOut { session, note }),
        text(&TabMessage::Event { session, name: "session.ended".into(), data: "{}".into() }),
        text(&TabMessage::Event { session: world.server.session_id(), name: "hello".into(), data: "{".into() }),
    ] {
        tab.client.receive_message(&message);
    }
    world.run_until_idle();
    assert_eq!(tab.changes.borrow().len(), before);
    assert!(matches!(tab.status(), AuthStatus::SignedIn { .. }));
}

#[test]
fn without_a_channel_and_locks_a_tab_works_by_itself() {
    let mut world = World::new();
    world.channel_available = false;
    world.locks.missing = true;
    let tab = world.signed_in_tab();
    let other = world.open_tab();
    assert!(tab.signed_in() && other.signed_in());
    assert_eq!(world.server.open_streams(), 2, "each holds a stream of its own");
    let before = world.server.count(paths::REFRESH);
    world.server.set(|server| server.accepted.clear());
    let loads: Vec<_> = (0..8).map(|_| world.load(&tab)).collect();
    world.run_until_idle();
    assert!(loads.iter().all(|load| load.done() == Some(Ok(vec![]))));
    assert_eq!(world.server.count(paths::REFRESH), before + 1);
}

#[test]
fn the_tab_that_holds_the_stream_knows_better_than_any_message() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.send_bytes(":\n\n");
    world.run_until_idle();
    let session = world.server.session_id();
    tab.client.receive_message(&text(&TabMessage::Stream { session, state: StreamState::Reconnecting }));
    assert_eq!(tab.stream(), StreamState::Open);
}

#[test]
fn whatever_of_storage_locks_and_channel_is_missing_two_tabs_sign_in_refresh_and_sign_out() {
    for missing in 0..8_u8 {
        let mut world = World::new();
        world.storage_available = missing & 1 == 0;
        world.locks.missing = missing & 2 != 0;
        world.channel_available = missing & 4 == 0;
        let tab = world.signed_in_tab();
        let other = world.open_tab();
        assert!(other.signed_in(), "missing {missing}: by the cookie");
        world.server.set(|server| server.accepted.clear());
        let loads = [world.load(&tab), world.load(&other)];
        world.advance_secs(1);
        assert!(loads.iter().all(|load| load.done() == Some(Ok(vec![]))), "missing {missing}");

        let client = tab.client.clone();
        world.finish(async move { client.sign_out().await });
        assert!(!tab.signed_in());
        world.server.end_session(problem(401, ProblemCode::SessionEnded));
        world.server.set(|server| server.streams.clear());
        world.advance_secs(2);
        assert!(!other.signed_in(), "missing {missing}: by a message of the other tab, or by the server");

        world.server.set(|server| {
            server.refresh = Refresh::Works;
            server.session = 2;
        });
        let reloaded = world.open_tab();
        assert!(!reloaded.signed_in(), "missing {missing}: the cookie is gone");
    }
}

#[test]
fn a_sign_out_is_believed_where_storage_was_cleared_before_its_message_came() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.channel_slow.set(true);
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.hint.set(SignInHint::Nobody);
    world.channel_slow.set(false);
    world.run_until_idle();
    assert_eq!(other.note().unwrap().sentence(), "You signed out.");
}

#[test]
fn tokens_of_a_session_that_has_ended_are_dropped_without_a_request() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let late = text(&TabMessage::Tokens { tokens: SharedTokens::from(&world.server.issue()) });
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.set(|server| server.session = 2);
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    let session = tab.status().session_id();
    tab.client.receive_message(&late);
    world.run_until_idle();
    assert_eq!((tab.status().session_id(), world.server.count(paths::REFRESH)), (session, 0));
}

#[test]
fn a_late_answer_to_an_old_sessions_refresh_changes_nothing_here() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let client = other.client.clone();
    let late = world.start(async move { client.stay_signed_in().await });
    world.run_until_idle();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.set(|server| server.session = 2);
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    world.server.set(|server| server.session = 1);
    world.server.release();
    world.run_until_idle();
    assert!(late.done().is_some());
    let new = Some(SessionId(uuid::Uuid::from_u128(2)));
    assert_eq!((tab.status().session_id(), other.status().session_id()), (new, new));
}
