//! A new password by mail, and the end of the account: this session ends with it, and one message says so.

use super::world::{Doing, Tab, World};
use crate::double::{GOOD_TOKEN, PASSWORD, Refresh};
use crate::notice::Notice;
use crate::ports::{Method, SignInHint};
use crate::{Failure, ResetToken};
use types::api::{Ended, LogoutAnswer, ServerEvent, paths};
use types::words::EndReason;

const CHANGED: &str = "Your new password is set, and you’re signed out everywhere. Sign in with it.";
const DELETED: &str = "Your account was deleted.";

type Answer = Result<LogoutAnswer, Failure>;

fn reset(world: &World, tab: &Tab, token: &str) -> Doing<Answer> {
    let (client, token) = (tab.client.clone(), ResetToken::from_fragment(&format!("#token={token}")).unwrap());
    world.start(async move { client.reset_password(token, "eight lanterns".into()).await })
}

fn delete(world: &World, tab: &Tab, password: &str) -> Doing<Answer> {
    let (client, password) = (tab.client.clone(), password.to_owned());
    world.start(async move { client.delete_account(password).await })
}

/// The session here ends, and the server names nobody who ended it.
fn tell_end(world: &World, reason: EndReason) {
    world.server.tell(&ServerEvent::SessionEnded(Ended {
        session_id: world.server.session_id(),
        reason: reason.into(),
        ended_by: None,
        ended_by_device: None,
        at: world.server.now(),
    }));
}

fn sentence(tab: &Tab) -> String {
    tab.note().unwrap().sentence()
}

/// The messages of the tab that its session ended.
fn sign_out_notices(tab: &Tab) -> Vec<String> {
    let ends = tab.notices().into_iter().filter_map(|notice| match notice {
        Notice::SignedOut(note) => Some(note.sentence()),
        _ => None,
    });
    ends.collect()
}

#[test]
fn asking_for_a_link_needs_nobody_to_be_signed_in() {
    let world = World::new();
    let tab = world.open_tab();
    let client = tab.client.clone();
    assert!(world.finish(async move { client.forgot_password("ada@example.com".into()).await }).is_ok());
    let seen = world.server.last(paths::FORGOT_PASSWORD).unwrap();
    assert_eq!((seen.method, seen.bearer), (Method::Post, None));
    assert_eq!(seen.body.as_deref(), Some("{\"email\":\"ada@example.com\"}"));
}

#[test]
fn a_new_password_is_announced_on_the_sign_in_page_of_somebody_who_was_not_signed_in() {
    let world = World::new();
    let tab = world.open_tab();
    let answer = reset(&world, &tab, GOOD_TOKEN);
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(sentence(&tab), CHANGED);
    assert_eq!(tab.note().unwrap().receipt, None, "nobody was signed in anywhere");
    assert!(tab.notices().is_empty(), "the page says it");
    assert_eq!(world.server.count(paths::LOGOUT), 0);
}

#[test]
fn a_new_password_ends_the_session_that_is_here_whosever_it_is() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let answer = reset(&world, &tab, GOOD_TOKEN);
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    for tab in [&tab, &other] {
        assert_eq!(sentence(tab), CHANGED);
        assert_eq!(sign_out_notices(tab), [CHANGED]);
    }
    let seen = world.server.last(paths::LOGOUT).unwrap();
    assert_eq!((seen.bearer.as_deref(), seen.cookies), (Some("secret-token-1"), true));
    let confirmation = world.server.last(paths::SESSION_ENDED).unwrap();
    assert_eq!(confirmation.bearer.as_deref(), Some("secret-token-1"));
    assert_eq!(world.server.count(paths::REFRESH), 0);
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_reset_whose_end_came_over_the_stream_first_is_reported_once() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::RESET_PASSWORD));
    let answer = reset(&world, &tab, GOOD_TOKEN);
    world.run_until_idle();
    tell_end(&world, EndReason::PasswordReset);
    world.run_until_idle();
    assert_eq!(sentence(&tab), CHANGED);
    world.server.release();
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(sign_out_notices(&tab), [CHANGED]);
    assert_eq!(world.server.count(paths::LOGOUT), 0, "the server knows");
}

#[test]
fn a_reset_in_another_browser_says_why_this_one_is_signed_out() {
    let world = World::new();
    let tab = world.signed_in_tab();
    tell_end(&world, EndReason::PasswordReset);
    world.run_until_idle();
    assert_eq!(
        sentence(&tab),
        "You were signed out because your password was reset by e-mail. Sign in with the new one."
    );
}

#[test]
fn a_link_that_is_no_good_ends_nothing() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let answer = reset(&world, &tab, "used-token");
    world.run_until_idle();
    let failure = answer.done().unwrap().unwrap_err();
    assert_eq!(failure.field("token").as_deref(), Some("Not this one."));
    assert!(tab.signed_in());
    tell_end(&world, EndReason::PasswordReset);
    world.run_until_idle();
    assert_ne!(sentence(&tab), CHANGED, "that was somebody else");
}

#[test]
fn a_session_that_is_still_being_looked_for_is_found_before_it_is_ended() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.held_path = Some(paths::REFRESH));
    let tab = world.open_tab();
    let answer = reset(&world, &tab, GOOD_TOKEN);
    world.run_until_idle();
    assert_eq!(world.server.count(paths::RESET_PASSWORD), 0);
    world.server.release();
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(sentence(&tab), CHANGED);
    assert_eq!(world.server.count(paths::LOGOUT), 1);
}

#[test]
fn a_password_is_reset_even_where_the_session_cannot_be_looked_for() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.refresh = Refresh::Fails(503));
    let tab = world.open_tab();
    let answer = reset(&world, &tab, GOOD_TOKEN);
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(sentence(&tab), CHANGED);
}

#[test]
fn deleting_the_account_signs_out_every_tab_in_the_same_words() {
    let world = World::new();
    let other = world.open_tab();
    let tab = world.signed_in_tab();
    let answer = delete(&world, &tab, PASSWORD);
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    for tab in [&tab, &other] {
        assert_eq!(sentence(tab), DELETED);
        assert_eq!(sign_out_notices(tab), [DELETED]);
    }
    assert_eq!(world.server.last(paths::ACCOUNT).unwrap().method, Method::Delete);
    assert_eq!(world.server.count(paths::LOGOUT), 0, "there is nothing left to sign out of");
    assert_eq!(world.hint.get(), SignInHint::Nobody);
}

#[test]
fn a_wrong_password_deletes_nothing_and_is_shown_at_its_field() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let answer = delete(&world, &tab, "wrong");
    world.run_until_idle();
    assert_eq!(answer.done().unwrap().unwrap_err().field("password").as_deref(), Some("Not this one."));
    assert!(tab.signed_in());
    assert_eq!(world.server.count(paths::REFRESH), 0);
}

#[test]
fn a_deletion_whose_end_came_over_the_stream_first_is_reported_once_in_every_tab() {
    let world = World::new();
    let leader = world.signed_in_tab();
    let tab = world.open_tab();
    world.server.set(|server| server.held_path = Some(paths::ACCOUNT));
    assert!(tab.signed_in());
    let answer = delete(&world, &tab, PASSWORD);
    world.run_until_idle();
    tell_end(&world, EndReason::AccountDeleted);
    world.run_until_idle();
    assert_eq!(sign_out_notices(&tab), [DELETED]);
    world.server.release();
    world.run_until_idle();
    assert!(answer.done().unwrap().is_ok());
    assert_eq!(sign_out_notices(&tab), [DELETED]);
    assert_eq!(sign_out_notices(&leader), ["You were signed out because your account was deleted."]);
}
