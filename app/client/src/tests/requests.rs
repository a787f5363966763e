//! One call: bearer, refusal, replay.

use std::cell::RefCell;
use std::rc::Rc;

use super::world::{Doing, World};
use crate::Failure;
use crate::double::{EXPORT, PASSWORD, Refresh, WRONG_PASSWORD, asks_for_cookie, ended_by, problem};
use crate::ports::{Method, SignInHint, Unreachable};
use types::api::paths;
use types::words::{EndReason, ProblemCode};

#[test]
fn every_call_carries_the_bearer() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
    assert_eq!(world.server.last(paths::SESSIONS).unwrap().bearer.as_deref(), Some("secret-token-1"));
}

#[test]
fn a_browser_asks_for_its_refresh_token_in_a_cookie() {
    let world = World::new();
    world.signed_in_tab();
    let seen = world.server.last(paths::LOGIN).unwrap();
    assert!(asks_for_cookie(&seen));
    assert!(seen.cookies);
}

#[test]
fn a_refused_token_is_refreshed_once_and_the_call_made_again() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(world.server.count(paths::SESSIONS), 2);
    assert_eq!(world.server.last(paths::SESSIONS).unwrap().bearer.as_deref(), Some("secret-token-2"));
}

#[test]
fn many_refused_calls_share_one_refresh_and_are_all_made_again() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let loads: Vec<_> = (0..8).map(|_| world.load(&tab)).collect();
    world.run_until_idle();
    assert!(loads.iter().all(|load| load.done() == Some(Ok(vec![]))));
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(world.server.count(paths::SESSIONS), 16);
}

#[test]
fn a_call_refused_with_an_old_token_uses_the_new_one_without_another_refresh() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::SESSIONS));
    let slow = world.load(&tab);
    world.run_until_idle();
    let client = tab.client.clone();
    world.finish(async move { client.stay_signed_in().await }).unwrap();
    world.server.set(|server| {
        server.accepted.remove("secret-token-1");
    });
    world.server.release();
    world.run_until_idle();
    assert_eq!(slow.done(), Some(Ok(vec![])));
    assert_eq!(world.server.count(paths::REFRESH), 1);
}

#[test]
fn a_call_that_is_refused_again_after_the_refresh_is_not_made_a_third_time() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::SESSIONS));
    let load = world.load(&tab);
    for _ in 0..2 {
        world.run_until_idle();
        world.server.set(|server| server.accepted.clear());
        world.server.release();
        world.server.set(|server| server.held_path = Some(paths::SESSIONS));
    }
    world.run_until_idle();
    assert_eq!(load.done().unwrap().unwrap_err().code(), Some(ProblemCode::InvalidToken));
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(world.server.count(paths::SESSIONS), 2);
}

#[test]
fn a_refused_refresh_signs_everybody_out_with_the_reason_and_does_not_loop() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.end_session(ended_by("Safari on iPhone", EndReason::LogoutAll));
    let loads: Vec<_> = (0..4).map(|_| world.load(&tab)).collect();
    world.advance_secs(3600);
    assert!(loads.iter().all(|load| load.done() == Some(Err(Failure::SignedOut))));
    assert_eq!(world.server.count(paths::REFRESH), 1);
    let note = tab.note().unwrap();
    assert_eq!(note.reason, EndReason::LogoutAll);
    assert_eq!(note.device.as_deref(), Some("Safari on iPhone"));
    assert_eq!(world.hint.get(), SignInHint::Nobody);

    let later = world.load(&tab);
    world.run_until_idle();
    assert_eq!(later.done(), Some(Err(Failure::SignedOut)));
    assert_eq!(world.server.count(paths::SESSIONS), 4);
}

#[test]
fn an_unreachable_refresh_keeps_the_session_and_shows_the_error() {
    for fail in [true, false] {
        let world = World::new();
        let tab = world.signed_in_tab();
        world.server.set(|server| {
            server.accepted.clear();
            server.refresh = Refresh::Fails(503);
        });
        let load = world.load(&tab);
        if fail {
            world.server.set(|server| server.held_path = Some(paths::REFRESH));
        }
        world.advance_secs(30);
        let failure = load.done().unwrap().unwrap_err();
        assert!(matches!(failure, Failure::Unreachable) || failure.code() == Some(ProblemCode::TemporarilyUnavailable));
        assert!(tab.signed_in());

        world.server.release();
        world.server.set(|server| server.refresh = Refresh::Works);
        world.advance_secs(60);
        let load = world.load(&tab);
        world.run_until_idle();
        assert_eq!(load.done(), Some(Ok(vec![])));
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.held_path = Some(paths::SESSIONS));
    let load = world.load(&tab);
    world.advance_secs(9);
    assert_eq!(load.done(), None);
    world.advance_secs(2);
    assert_eq!(load.done(), Some(Err(Failure::Unreachable)));
}

#[test]
fn a_wrong_current_password_is_reported_and_not_taken_for_a_refused_token() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    let answer = world.finish(async move { client.change_password(WRONG_PASSWORD.into(), "new".into()).await });
    let failure = answer.unwrap_err();
    assert_eq!(failure.code(), Some(ProblemCode::InvalidFields));
    assert!(failure.field("currentPassword").is_some());
    assert_eq!(world.server.count(paths::REFRESH), 0);
}

#[test]
fn a_call_that_wants_a_more_recent_sign_in_is_reported_and_not_taken_for_a_refused_token() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.step_up_path = Some(paths::SESSIONS));
    let load = world.load(&tab);
    world.run_until_idle();
    let client = tab.client.clone();
    world.server.set(|server| server.step_up_path = Some(paths::ACCOUNT));
    let deletion = world.finish(async move { client.delete_account(PASSWORD.into()).await });
    for failure in [load.done().unwrap().unwrap_err(), deletion.unwrap_err()] {
        assert_eq!(failure.code(), Some(ProblemCode::InsufficientUserAuthentication));
    }
    for (path, times) in [(paths::SESSIONS, 1), (paths::ACCOUNT, 1), (paths::REFRESH, 0)] {
        assert_eq!(world.server.count(path), times, "{path}");
    }
    assert!(tab.signed_in());
    assert_eq!(world.hint.get(), SignInHint::SignedIn);
}

#[test]
fn a_refused_token_is_refreshed_before_the_account_is_deleted_with_it() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let client = tab.client.clone();
    assert!(world.finish(async move { client.delete_account(PASSWORD.into()).await }).is_ok());
    assert_eq!(world.server.count(paths::REFRESH), 1);
    assert_eq!(world.server.last(paths::ACCOUNT).unwrap().bearer.as_deref(), Some("secret-token-2"));
}

#[test]
fn the_export_is_handed_over_as_the_server_wrote_it() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    let exported = world.finish(async move {
        let mut bytes = Vec::new();
        let mut take = |piece: Vec<u8>| {
            bytes.extend(piece);
            Ok(())
        };
        client.download(paths::EXPORT, &mut take).await.map(|()| bytes)
    });
    assert_eq!(exported.as_deref(), Ok(EXPORT.as_bytes()));
}

/// A download that has begun, and what has come of it.
fn downloading(world: &World) -> (Doing<Result<(), Failure>>, Rc<RefCell<String>>) {
    let tab = world.signed_in_tab();
    world.server.set(|server| server.sends_pieces = true);
    let (taken, client) = (Rc::new(RefCell::new(String::new())), tab.client.clone());
    let text = Rc::clone(&taken);
    let download = world.start(async move {
        client
            .download(paths::EXPORT, &mut |piece| {
                text.borrow_mut().push_str(&String::from_utf8(piece).unwrap());
                Ok(())
            })
            .await
    });
    world.run_until_idle();
    (download, taken)
}

#[test]
fn a_download_takes_as_long_as_it_takes() {
    let world = World::new();
    let (download, taken) = downloading(&world);
    for _ in 0..10 {
        world.advance_secs(50);
        world.server.send_piece(Ok("line\n"));
        world.run_until_idle();
    }
    assert_eq!(download.done(), None);
    world.server.set(|server| server.long_answers.clear());
    world.run_until_idle();
    assert_eq!(download.done(), Some(Ok(())));
    assert_eq!(taken.borrow().lines().count(), 10);
}

#[test]
fn a_download_that_breaks_off_or_falls_silent_is_not_taken_for_whole() {
    for breaks_off in [true, false] {
        let world = World::new();
        let (download, taken) = downloading(&world);
        world.server.send_piece(Ok("half a li"));
        world.run_until_idle();
        if breaks_off {
            world.server.send_piece(Err(Unreachable));
            world.run_until_idle();
        } else {
            world.advance_secs(59);
            assert_eq!(download.done(), None);
            world.advance_secs(2);
        }
        assert_eq!(download.done(), Some(Err(Failure::Unreachable)));
        assert_eq!(*taken.borrow(), "half a li");
    }
}

#[test]
fn a_download_stops_where_a_piece_is_refused() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.server.set(|server| server.accepted.clear());
    let client = tab.client.clone();
    let download = world.finish(async move {
        let too_long = || Failure::from(problem(413, ProblemCode::BodyTooLarge));
        client.download(paths::EXPORT, &mut |_| Err(too_long())).await
    });
    assert_eq!(download.unwrap_err().problem().map(|problem| problem.status), Some(413));
    assert_eq!(world.server.count(paths::REFRESH), 1, "a refused token is refreshed as for any other call");
}

#[test]
fn an_answer_can_be_had_as_the_text_that_it_is_and_a_refusal_stays_one() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    let text = world.finish(async move { client.text(Method::Get, paths::EXPORT, None).await });
    assert_eq!(text.as_deref(), Ok(EXPORT));
    let (client, wrong) = (tab.client.clone(), Some(r#"{"password":"wrong"}"#.to_owned()));
    let refused = world.finish(async move { client.text(Method::Delete, paths::ACCOUNT, wrong).await });
    assert!(matches!(refused, Err(Failure::Problem(_))), "{refused:?}");
}

#[test]
fn a_token_that_has_run_out_is_refreshed_before_it_is_sent() {
    let world = World::new();
    let tab = world.signed_in_tab();
    world.advance_secs(899);
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Ok(vec![])));
    assert_eq!(world.server.count(paths::SESSIONS), 1, "no refused request on the console");
    assert_eq!(world.server.last(paths::SESSIONS).unwrap().bearer.as_deref(), Some("secret-token-2"));
}

#[test]
fn an_answer_that_is_no_json_did_not_come_from_the_server() {
    let world = World::new();
    world.was_signed_in();
    world.server.set(|server| server.refresh = Refresh::Fails(200));
    let tab = world.open_tab();
    assert!(!tab.signed_in());
    let load = world.load(&tab);
    world.run_until_idle();
    assert_eq!(load.done(), Some(Err(Failure::Unreachable)));
}

#[test]
fn a_failure_gives_its_message_and_those_of_its_fields() {
    let mut fields = problem(422, ProblemCode::InvalidFields);
    fields.detail = Some("Look again.".into());
    let error =
        types::api::FieldError { field: "name".into(), code: "required".into(), message: "Enter a name.".into() };
    fields.errors.push(error);
    let failure = Failure::from(fields);
    assert_eq!(failure.field("name").as_deref(), Some("Enter a name."));
    assert_eq!(failure.field("email"), None);
    assert_eq!(failure.message(), "Look again.");
    assert!(failure.sessions_to_replace().is_none());
    assert!(Failure::Unreachable.message().contains("can’t be reached"));
}
