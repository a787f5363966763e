//! Refresh cookies that are worth nothing any more, removed by the answers that follow sign-in, refresh and sign-out.
//!
//! Whoever makes such an answer marks it, and the middleware has [`StaleCookies`] look at what the request carried. A
//! cookie whose session lives stays, whoever asked: the answer to somebody who left late must not sign out who has
//! signed in meanwhile.

use std::sync::Arc;

use axum::response::Response;
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::SET_COOKIE;

use crate::http::cookies::{PresentedCookies, set_cookie};
use crate::http::response_changes::{ChangeResponse, ResponseChange};
use crate::http::state::ApiState;

/// Removes the refresh cookies of sessions that have ended.
pub struct StaleCookies(ApiState);

impl StaleCookies {
    /// Marks an answer that removes the refresh cookies of sessions that have ended.
    pub fn clear_ended(state: &ApiState, response: &mut Response) {
        response.extensions_mut().insert(ResponseChange(Arc::new(Self(state.clone()))));
    }

    /// Removes all refresh cookies of a request but the one that the answer sets: for answers after which the others
    /// are worthless.
    pub fn clear_all(state: &ApiState, presented: &PresentedCookies, response: &mut Response) {
        response.extensions_mut().remove::<ResponseChange>();
        for (name, _) in presented.iter() {
            clear(state, name, response);
        }
    }
}

impl ChangeResponse for StaleCookies {
    /// While the database is away a session counts as ended: the user then signs in again with the password.
    fn change<'a>(&'a self, cookies: &'a HeaderMap, response: &'a mut Response) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Self(state) = self;
            for (name, token) in state.cookie.presented(cookies).iter() {
                let session_id = token.and_then(|token| state.sessions().refreshes().session_of(token));
                let has_ended = match session_id {
                    Some(session_id) => state.sessions().refreshes().has_ended(session_id).await.unwrap_or(true),
                    None => true,
                };
                if has_ended {
                    clear(state, name, response);
                }
            }
        })
    }
}

/// Removes a cookie, unless the answer sets it or removes it already.
fn clear(state: &ApiState, name: &str, response: &mut Response) {
    let names_it = |value: &[u8]| value.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
    if !response.headers().get_all(SET_COOKIE).iter().any(|value| names_it(value.as_bytes())) {
        set_cookie(response, &state.cookie.clear(name));
    }
}
