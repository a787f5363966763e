//! Access tokens of sessions as a family of tokens that routes accept.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::request::Parts;

use crate::current::tell_session_end;
use crate::http::authenticate::Authenticate;
use crate::http::principal::Principal;
use crate::http::problem::ApiError;
use crate::http::proxies::ClientAddress;
use crate::sessions::{Refusal, Sessions};

pub struct AccessTokenFamily(pub Arc<Sessions>);

impl Authenticate for AccessTokenFamily {
    /// Checks the token, notes that its session is in use, and has the answer tell when the session ends soon.
    fn authenticate<'a>(
        &'a self,
        token: &'a str,
        parts: &'a Parts,
    ) -> BoxFuture<'a, Result<Option<Principal>, ApiError>> {
        Box::pin(async move {
            let Self(sessions) = self;
            let verified = match sessions.revocations().authenticate(token).await {
                Ok(verified) => verified,
                Err(Refusal::Invalid) => return Ok(None),
                Err(refusal) => return Err(refusal.into()),
            };
            let now = sessions.context.now();
            let ip = || parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()).unwrap_or_default();
            sessions.devices().note_request(&verified, now, ip);
            let left = verified.session_expires_at.since(now);
            if left < sessions.lifetimes.warning {
                tell_session_end(left.as_secs());
            }
            Ok(Some(Principal::Session(verified)))
        })
    }
}
