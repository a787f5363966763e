//! Access tokens of sessions as a family of tokens that routes accept.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::request::Parts;

use crate::clock::Clock;
use crate::current_request::set_session_expires_in;
use crate::http::authenticate::Authenticate;
use crate::http::principal::Principal;
use crate::http::problem::ApiError;
use crate::http::proxies::ClientAddress;
use crate::sessions::{FromMemory, Refusal, Sessions};

pub struct AccessTokenFamily {
    pub clock: Arc<dyn Clock>,
    pub sessions: Arc<Sessions>,
}

impl Authenticate for AccessTokenFamily {
    fn authenticate_at_once(&self, token: &str) -> Option<Result<Option<Principal>, ApiError>> {
        match self.sessions.revocations().authenticate_from_memory(token) {
            Ok(FromMemory::Passes(verified)) => Some(Ok(Some(Principal::Session(verified)))),
            Ok(FromMemory::Stale(_)) => None,
            Err(Refusal::Invalid) => Some(Ok(None)),
            Err(refusal) => Some(Err(refusal.into())),
        }
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Principal>, ApiError>> {
        Box::pin(async move {
            match self.sessions.revocations().authenticate(token).await {
                Ok(verified) => Ok(Some(Principal::Session(verified))),
                Err(Refusal::Invalid) => Ok(None),
                Err(refusal) => Err(refusal.into()),
            }
        })
    }

    /// Notes that the session is in use, and has the answer tell when it ends soon.
    fn note_request(&self, principal: &Principal, parts: &Parts) {
        let Principal::Session(verified) = principal else { return };
        let Self { clock, sessions } = self;
        let now = clock.now();
        // From where somebody acts for the user is not for the user to see.
        let seen = parts.extensions.get::<ClientAddress>().filter(|_| verified.act.is_none());
        let ip = || seen.map(|client| client.0.to_string()).unwrap_or_default();
        sessions.devices().note_request(verified, now, ip);
        let left = verified.session_expires_at.since(now);
        if left < sessions.lifetimes.warning {
            set_session_expires_in(left.as_secs());
        }
    }
}
