//! Signing out, also where the server cannot be reached.

use super::world::World;
use crate::Failure;
use crate::notice::{Change, Notice};
use crate::ports::SignInHint;
use types::api::paths;
use types::words::EndReason;

#[test]
fn signing_out_is_done_here_before_the_server_has_answered() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::LOGOUT));
    let client = tab.client.clone();
    let sign_out = world.start(async move { client.sign_out().await });
    world.run_until_idle();
    assert!(sign_out.done().is_none());
    let note = tab.note().unwrap();
    assert!(note.asked_here);
    assert_eq!(note.sentence(), "You signed out.");
    assert_eq!(world.server.last(paths::LOGOUT).unwrap().bearer.as_deref(), Some("secret-token-1"));
    world.server.release();
    world.run_until_idle();
    assert!(sign_out.done().is_some());
    assert!(tab.changes.borrow().contains(&Change::StorageCleared));
}

#[test]
fn a_pending_sign_out_is_sent_when_the_connection_is_back() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.reachable = false);
    tab.client.set_online(false);
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    assert!(!tab.signed_in());
    assert!(tab.notices().contains(&Notice::SignOutPending));
    assert_eq!(world.hint.get(), SignInHint::SignOutPending);

    world.advance_secs(300);
    world.server.set(|server| server.reachable = true);
    tab.client.set_online(true);
    world.run_until_idle();
    assert!(tab.notices().contains(&Notice::SignOutDelivered));
    let late = world.server.last(paths::LOGOUT).unwrap();
    assert_eq!(late.bearer.as_deref(), Some("secret-token-1"));
    assert!(!late.cookies, "they may be somebody else's by now");
    assert_eq!(world.hint.get(), SignInHint::Nobody);
    let sent = world.server.count(paths::LOGOUT);
    world.advance_secs(600);
    assert_eq!(world.server.count(paths::LOGOUT), sent);
}

#[test]
fn a_sign_out_pending_from_before_the_reload_is_sent() {
    let world = World::new();
    world.hint.set(SignInHint::SignOutPending);
    let tab = world.open_tab();
    assert!(!tab.signed_in());
    let seen = world.server.last(paths::LOGOUT).unwrap();
    assert!(seen.cookies && seen.bearer.is_none());
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_pending_sign_out_is_not_sent_with_the_cookie_of_the_next_session() {
    let world = World::new();
    world.hint.set(SignInHint::SignOutPending);
    world.server.set(|server| server.held_path = Some(paths::LOGOUT));
    let tab = world.open_tab();
    world.server.set(|server| server.reachable = false);
    world.server.release();
    world.run_until_idle();
    let sent = world.server.count(paths::LOGOUT);
    world.server.set(|server| server.reachable = true);
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    world.advance_secs(60);
    assert_eq!(world.server.count(paths::LOGOUT), sent);
    assert!(tab.signed_in());
}

#[test]
fn a_tab_that_hears_late_does_not_forget_the_pending_sign_out() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.reachable = false);
    world.channel_slow.set(true);
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.channel_slow.set(false);
    world.run_until_idle();
    assert!(!other.signed_in());
    assert_eq!(world.hint.get(), SignInHint::SignOutPending);
}

#[test]
fn a_sign_out_sent_late_does_not_use_the_cookie_of_the_next_session() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.reachable = false);
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    world.server.set(|server| {
        server.reachable = true;
        server.session = 2;
    });
    let client = tab.client.clone();
    world.finish(async move { client.sign_in("ada@example.com".into(), "pw".into(), true, None).await }).unwrap();
    world.advance_secs(60);
    let seen = world.server.last(paths::LOGOUT).unwrap();
    assert_eq!((seen.bearer.as_deref(), seen.cookies), (Some("secret-token-1"), false));
    assert!(tab.signed_in());
    assert_eq!(world.hint.get(), SignInHint::SignedIn);
}

#[test]
fn signing_out_everywhere_returns_the_receipt_and_shows_it_on_the_sign_in_page() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    let answer = world.finish(async move { client.sign_out_all(false).await }).unwrap();
    assert_eq!(answer.receipt.unwrap().id, "receipt-1");
    let note = tab.note().unwrap();
    assert_eq!((note.reason, note.asked_here), (EndReason::LogoutAll.into(), true));
    assert_eq!(note.receipt.unwrap().id, "receipt-1");
    assert!(!other.signed_in());
}

#[test]
fn the_receipt_is_shown_even_where_the_stream_was_faster_than_the_answer() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::LOGOUT_ALL));
    let client = tab.client.clone();
    let answer = world.start(async move { client.sign_out_all(false).await });
    world.run_until_idle();
    let own = world.server.session_id();
    world.server.tell(&types::api::ServerEvent::SessionEnded(types::api::Ended {
        session_id: own,
        reason: EndReason::LogoutAll.into(),
        ended_by: Some(own),
        ended_by_device: None,
        at: world.server.now(),
    }));
    world.run_until_idle();
    assert!(tab.note().unwrap().asked_here);
    world.server.release();
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(tab.note().unwrap().receipt.unwrap().id, "receipt-1");
    assert_eq!(tab.note().unwrap().sentence(), "You signed out on all devices.");
}

#[test]
fn signing_out_everywhere_without_a_connection_changes_nothing() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.reachable = false);
    let client = tab.client.clone();
    assert_eq!(world.finish(async move { client.sign_out_all(false).await }), Err(Failure::Unreachable));
    assert!(tab.signed_in());
}

#[test]
fn signing_out_the_others_keeps_this_one() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    assert!(world.finish(async move { client.sign_out_all(true).await }).is_ok());
    assert!(tab.signed_in());
    assert_eq!(world.server.last(paths::LOGOUT_ALL).unwrap().body.as_deref(), Some("{\"keepCurrent\":true}"));
}

#[test]
fn ending_this_device_from_the_list_is_signing_out() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let (client, own) = (tab.client.clone(), world.server.session_id());
    world.finish(async move { client.end_session(own).await }).unwrap();
    assert_eq!(world.server.count(paths::LOGOUT), 1);
    assert!(tab.note().unwrap().asked_here);
}
