//! Who asks: the bearer token of a request (RFC 6750), checked before the handler runs that takes a [`Caller`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use super::problem::ApiError;
use super::proxies::ClientAddress;
use super::state::ApiState;
use crate::auth::accounts::Visitor;
use crate::auth::tokens::Verified;
use crate::current::tell_session_end;
use crate::store::{Origin, SessionEnd};

/// The longest user agent that is kept.
const LONGEST_USER_AGENT: usize = 512;

/// Whoever asks, by a token that may pass. A handler that takes one is for signed-in people.
#[derive(Clone)]
pub struct Caller(pub Arc<Verified>);

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    /// Checks the token, notes that its session is in use, and has the answer tell when the session ends soon.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(ApiError::missing_token)?;
        let verified = state.sessions.guard(token).await?;
        let now = state.sessions.clock.now();
        let ip = || parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()).unwrap_or_default();
        state.sessions.last_active.note(&verified, now, ip);
        let left = verified.session_expires_at.since(now);
        if left < state.sessions.lifetimes.warning {
            tell_session_end(left.as_secs());
        }
        Ok(Self(verified))
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(visitor(parts.extensions.get::<ClientAddress>(), &parts.headers))
    }
}

fn visitor(address: Option<&ClientAddress>, headers: &HeaderMap) -> Visitor {
    let address = address.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |client| client.0);
    let user_agent = headers.get(http::header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    let user_agent: String = String::from_utf8_lossy(user_agent).chars().take(LONGEST_USER_AGENT).collect();
    Visitor { address, origin: Origin { ip: address.to_string(), user_agent } }
}

/// The bearer token of a request, if it has one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}

/// The members that tell a client how its session ended.
pub fn end_members(mut error: ApiError, end: &SessionEnd) -> ApiError {
    error = error.with_extra("reason", end.reason.as_str()).with_extra("endedAt", end.at.to_string());
    if let Some(session_id) = end.ended_by {
        error = error.with_extra("endedBy", session_id.to_string());
    }
    if let Some(device) = &end.ended_by_device {
        error = error.with_extra("endedByDevice", device.clone());
    }
    error
}
