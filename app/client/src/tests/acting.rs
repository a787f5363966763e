//! Acting as another user, and being oneself again.

use super::world::{Tab, World};
use crate::double::{ACTING_TOKEN, PASSWORD, user_summary};
use crate::notice::Change;
use crate::ports::Method;
use crate::{ActingEnd, ActingFor, ActingStatus, AuthStatus, Failure};
use types::api::impersonation::{ACTING, impersonate};
use types::api::roles::HELD_PERMISSIONS;
use types::api::{Ended, ServerEvent, paths};
use types::domain::{SessionId, UserId};
use types::words::EndReason;
use uuid::Uuid;

const BOB: UserId = UserId(Uuid::from_u128(8));
const OWN_TOKEN: &str = "secret-token-1";

fn acting_tab(world: &World) -> Tab {
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    world.finish(async move { client.act_as(BOB, "Ticket 4711".into(), None).await }).unwrap();
    let client = tab.client.clone();
    drop(world.start(async move { client.run_acting().await }));
    tab
}

fn acting(tab: &Tab) -> ActingStatus {
    let changes = tab.changes.borrow();
    let last = changes.iter().rev().find_map(|change| match change {
        Change::Acting(acting) => Some(acting.clone()),
        _ => None,
    });
    last.unwrap_or_default()
}

fn acting_for(tab: &Tab) -> Option<ActingFor> {
    if let ActingStatus::For(about) = acting(tab) { Some(about) } else { None }
}

fn end_of_acting(tab: &Tab) -> Option<ActingEnd> {
    if let ActingStatus::Over(end) = acting(tab) { Some(end) } else { None }
}

fn shown(tab: &Tab) -> Option<UserId> {
    tab.status().user().map(|user| user.id)
}

fn loads_with(world: &World, tab: &Tab) -> Option<String> {
    let load = world.load(tab);
    world.run_until_idle();
    let _ = load.done();
    world.server.last(paths::SESSIONS).unwrap().bearer
}

fn stops(world: &World, tab: &Tab) -> Result<(), Failure> {
    let client = tab.client.clone();
    world.finish(async move { client.stop_acting().await })
}

#[test]
fn pages_show_the_other_user_and_every_call_is_for_them_without_cookies() {
    let world = World::new();
    let tab = acting_tab(&world);
    assert_eq!(world.server.last(&impersonate(BOB)).unwrap().bearer.as_deref(), Some(OWN_TOKEN));
    let acting = acting_for(&tab).unwrap();
    assert_eq!((acting.user, acting.reason.as_str()), (user_summary(8), "Ticket 4711"));
    assert_eq!(shown(&tab), Some(BOB));
    assert_eq!(loads_with(&world, &tab).as_deref(), Some(ACTING_TOKEN));
    assert!(!world.server.last(paths::SESSIONS).unwrap().cookies);
}

#[test]
fn whoever_stops_is_signed_in_as_before() {
    let world = World::new();
    let tab = acting_tab(&world);
    let fetches = tab.fetches();
    assert_eq!(stops(&world, &tab), Ok(()));
    let seen = world.server.last(ACTING).unwrap();
    assert_eq!((seen.bearer.as_deref(), seen.cookies), (Some(ACTING_TOKEN), false));
    assert_eq!((acting_for(&tab), shown(&tab)), (None, Some(user_summary(7).id)));
    assert_eq!(end_of_acting(&tab), Some(ActingEnd::Stopped));
    assert!(tab.fetches() > fetches, "pages fetch what is their own");
    assert_eq!(loads_with(&world, &tab).as_deref(), Some(OWN_TOKEN));
    assert_eq!(stops(&world, &tab), Ok(()), "there is nothing to stop");
    assert_eq!(world.server.count(ACTING), 1);
}

#[test]
fn where_the_server_cannot_be_reached_it_goes_on_and_can_be_stopped_later() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| server.reachable = false);
    assert_eq!(stops(&world, &tab), Err(Failure::Unreachable));
    assert_eq!(shown(&tab), Some(BOB));
    world.server.set(|server| server.reachable = true);
    assert_eq!(stops(&world, &tab), Ok(()));
    assert_eq!(shown(&tab), Some(user_summary(7).id));
}

#[test]
fn nothing_is_asked_beside_the_call_that_stops_it() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| server.held_path = Some(HELD_PERMISSIONS));
    world.advance_secs(3);
    assert_eq!((world.server.count(HELD_PERMISSIONS), world.server.held_back()), (1, 1), "the tab asks by itself");
    world.server.set(|server| server.held_path = Some(ACTING));
    let client = tab.client.clone();
    let stop = world.start(async move { client.stop_acting().await });
    world.run_until_idle();
    assert_eq!(world.server.held_back(), 1, "a question under way is given up, the call that stops it is waited for");
    world.advance_secs(10);
    assert_eq!(world.server.count(HELD_PERMISSIONS), 1);
    world.server.release();
    world.run_until_idle();
    assert_eq!((stop.done(), end_of_acting(&tab)), (Some(Ok(())), Some(ActingEnd::Stopped)));
}

#[test]
fn whoever_could_not_stop_is_asked_about_again() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| server.failing_path = Some(ACTING.to_owned()));
    assert!(stops(&world, &tab).is_err());
    let asked = world.server.count(HELD_PERMISSIONS);
    world.advance_secs(10);
    assert!(world.server.count(HELD_PERMISSIONS) > asked + 2);
}

#[test]
fn what_the_user_ends_is_noticed_by_the_next_call_and_is_no_end_of_the_own_session() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| {
        server.accepted.remove(ACTING_TOKEN);
    });
    let load = world.load(&tab);
    world.run_until_idle();
    assert!(load.done().unwrap().is_err());
    assert_eq!((acting_for(&tab), shown(&tab)), (None, Some(user_summary(7).id)));
    assert_eq!(end_of_acting(&tab), Some(ActingEnd::Refused));
    assert_eq!(world.server.count(paths::REFRESH), 0, "no refresh helps");
    assert_eq!(loads_with(&world, &tab).as_deref(), Some(OWN_TOKEN));
}

#[test]
fn what_the_user_ends_is_noticed_by_itself_within_seconds() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| {
        server.accepted.remove(ACTING_TOKEN);
    });
    world.advance_secs(3);
    assert_eq!((acting_for(&tab), end_of_acting(&tab)), (None, Some(ActingEnd::Refused)));
    assert!(tab.signed_in());
    let asked = world.server.count(HELD_PERMISSIONS);
    world.advance_secs(60);
    assert_eq!(world.server.count(HELD_PERMISSIONS), asked, "nobody asks once it is over");
}

#[test]
fn whatever_else_the_server_answers_it_goes_on() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.server.set(|server| server.reachable = false);
    world.advance_secs(60);
    world.server.set(|server| server.reachable = true);
    world.advance_secs(60);
    assert_eq!((shown(&tab), end_of_acting(&tab)), (Some(BOB), None));
}

#[test]
fn after_its_time_it_is_over() {
    let world = World::new();
    let tab = acting_tab(&world);
    world.advance_secs(1790);
    assert_eq!(shown(&tab), Some(BOB));
    world.advance_secs(11);
    assert_eq!((acting_for(&tab), shown(&tab)), (None, Some(user_summary(7).id)));
    assert_eq!(end_of_acting(&tab), Some(ActingEnd::TimeOver));
}

#[test]
fn the_end_of_the_own_session_is_the_end_of_it() {
    let world = World::new();
    let tab = acting_tab(&world);
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    assert_eq!(acting(&tab), ActingStatus::Nobody, "the end of the own session is what is said");
    assert!(matches!(tab.status(), AuthStatus::SignedOut(_)));
    assert_eq!(world.server.last(paths::LOGOUT).unwrap().bearer.as_deref(), Some(OWN_TOKEN));
}

#[test]
fn nothing_of_the_own_session_is_shown_meanwhile() {
    let world = World::new();
    let tab = acting_tab(&world);
    let events = tab.events().len();
    world.server.tell(&ServerEvent::SessionEnded(Ended {
        session_id: SessionId(Uuid::from_u128(50)),
        reason: EndReason::RevokedFromOtherDevice.into(),
        ended_by: None,
        ended_by_device: None,
        at: world.server.now(),
    }));
    world.run_until_idle();
    assert_eq!(tab.events().len(), events, "it is about a device of the operator's");
}

/// The server refuses these to whoever acts; their own token would end what is theirs.
#[test]
fn what_looks_as_if_it_were_about_the_user_is_not_about_whoever_acts() {
    for path in [paths::LOGOUT_ALL, paths::ACCOUNT] {
        let world = World::new();
        let client = acting_tab(&world).client;
        world.finish(async move {
            let _ = if path == paths::ACCOUNT {
                client.delete_account(PASSWORD.into()).await
            } else {
                client.sign_out_all(false).await
            };
        });
        assert_eq!(world.server.last(path).unwrap().bearer.as_deref(), Some(ACTING_TOKEN));
    }
}

#[test]
fn the_row_of_the_session_in_the_list_stops_it() {
    let world = World::new();
    let tab = acting_tab(&world);
    let session = tab.status().session_id().unwrap();
    let client = tab.client.clone();
    let ended = world.finish(async move { client.end_session(session).await });
    assert_eq!(ended.map(|answer| answer.sessions_ended), Ok(1));
    assert_eq!(world.server.count(ACTING), 1);
    assert!(tab.signed_in());
    assert_eq!(end_of_acting(&tab), Some(ActingEnd::Stopped));
}

#[test]
fn a_page_that_is_left_ends_it() {
    let world = World::new();
    let tab = acting_tab(&world);
    tab.client.page_is_left();
    let seen = world.server.last(ACTING).unwrap();
    assert_eq!((seen.method, seen.bearer.as_deref(), seen.cookies), (Method::Delete, Some(ACTING_TOKEN), false));
    tab.client.page_is_left();
    assert_eq!(world.server.count(ACTING), 1, "there is nothing left to end");
}

#[test]
fn a_page_that_is_left_by_whoever_does_not_act_ends_nothing() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let before = world.server.count(paths::LOGOUT);
    tab.client.page_is_left();
    assert_eq!((world.server.count(ACTING), world.server.count(paths::LOGOUT)), (0, before));
}

#[test]
fn after_a_reload_it_is_forgotten() {
    let world = World::new();
    acting_tab(&world);
    let reloaded = world.open_tab();
    assert_eq!((acting_for(&reloaded), shown(&reloaded)), (None, Some(user_summary(7).id)));
}
