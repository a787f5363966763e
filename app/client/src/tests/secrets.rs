//! Nothing secret shows itself.

use std::rc::Rc;

use super::world::World;
use crate::credentials::{AccessToken, Credentials};
use crate::double::FakeTime;
use crate::double::Server;
use crate::messages::{SharedTokens, TabMessage};
use crate::ports::{Method, Request, Response};

#[test]
fn nothing_secret_is_in_debug() {
    let tokens = Server::new(FakeTime::default()).issue();
    let shared = SharedTokens::from(&tokens);
    let token = AccessToken::new(&tokens.access_token);
    let request = Request {
        method: Method::Get,
        path: "/api/auth/receipts/secret-token".into(),
        body: Some("secret-token".into()),
        bearer: Some(token.clone()),
        cookies: true,
    };
    let response = Response { status: 200, body: "secret-token".into(), ..Response::default() };
    for shown in [
        format!("{tokens:?}"),
        format!("{shared:?}"),
        format!("{:?}", Credentials::new(&shared, 1, 0.0, 0.5)),
        format!("{:?}", TabMessage::Tokens { tokens: shared }),
        format!("{token:?} {request:?} {response:?}"),
    ] {
        assert!(!shown.contains("secret-token"), "{shown}");
    }
}

#[test]
fn no_change_given_to_the_listener_has_a_token_in_it() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    world.finish(async move { client.stay_signed_in().await }).unwrap();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    assert!(!format!("{:?}", tab.changes.borrow()).contains("secret-token"));
}

#[test]
fn after_the_sign_out_no_token_is_held() {
    let world = World::new();
    let tab = world.signed_in_tab();
    let client = tab.client.clone();
    world.finish(async move { client.sign_out().await });
    let state = tab.client.inner.state.borrow();
    assert!(state.credentials.is_none());
    assert!(state.pending_sign_out.is_none());
    assert!(state.unconfirmed.is_empty());
    assert!(tab.client.inner.refresh.borrow().is_none());
    drop(state);
    assert!(Rc::strong_count(&tab.client.inner) >= 1);
}
