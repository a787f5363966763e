//! Who asks: the bearer token of a request (RFC 6750), checked before the handler runs that takes a [`Caller`] or an [`Asker`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use types::domain::{SessionId, UserId};

use super::problem::ApiError;
use super::proxies::ClientAddress;
use super::state::ApiState;
use crate::auth::accounts::Visitor;
use crate::auth::tokens::Verified;
use crate::current::tell_session_end;
use crate::sessions::Refusal;
use crate::store::{Digest, Origin, User};

/// The longest user agent that is kept.
const LONGEST_USER_AGENT: usize = 512;

/// Whoever asks from a session, by a token that may pass. A handler that takes one is for signed-in people, and what it does needs
/// their session or is too grave for a token that has none.
#[derive(Clone)]
pub struct Caller(pub Arc<Verified>);

/// Whoever asks, with or without a session.
pub enum Asker {
    /// By a token of ours.
    Session(Arc<Verified>),
    /// By a token of an older system, which has no session; as the database has just said.
    Legacy(Box<User>),
}

impl Asker {
    /// Who asks with this token.
    ///
    /// Each family of tokens has its own verifier, and each of those takes one algorithm only (RFC 8725, 3.1): what is not ours at
    /// all may be one of the older system, and never the other way round.
    pub async fn by_token(state: &ApiState, token: &str) -> Result<Self, ApiError> {
        match state.sessions.guard(token).await {
            Ok(verified) => Ok(Self::Session(verified)),
            Err(Refusal::Invalid) => Ok(Self::Legacy(state.sessions.guard_legacy(token).await?)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// The token of ours; `403` where it is one of the older system.
    pub fn in_session(self) -> Result<Arc<Verified>, ApiError> {
        match self {
            Self::Session(verified) => Ok(verified),
            Self::Legacy(_) => Err(ApiError::session_required()),
        }
    }

    /// The person.
    pub fn user_id(&self) -> UserId {
        match self {
            Self::Session(verified) => verified.user_id,
            Self::Legacy(user) => user.id,
        }
    }

    /// The session, where there is one.
    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Session(verified) => Some(verified.session_id),
            Self::Legacy(_) => None,
        }
    }
}

impl FromRequestParts<ApiState> for Asker {
    type Rejection = ApiError;

    /// Checks the token, notes that its session is in use, and has the answer tell when the session ends soon.
    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers).ok_or_else(ApiError::missing_token)?;
        let asker = Self::by_token(state, token).await?;
        if let Self::Session(verified) = &asker {
            let now = state.sessions.clock.now();
            let ip = || parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()).unwrap_or_default();
            state.sessions.last_active.note(verified, now, ip);
            let left = verified.session_expires_at.since(now);
            if left < state.sessions.lifetimes.warning {
                tell_session_end(left.as_secs());
            }
        }
        Ok(asker)
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        Asker::from_request_parts(parts, state).await?.in_session().map(Self)
    }
}

impl FromRequestParts<ApiState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let browser = state.browser_cookie.read(&parts.headers).map(|token| token.digest());
        Ok(visitor(parts.extensions.get::<ClientAddress>(), &parts.headers, browser))
    }
}

fn visitor(address: Option<&ClientAddress>, headers: &HeaderMap, browser: Option<Digest>) -> Visitor {
    let address = address.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |client| client.0);
    let user_agent = headers.get(http::header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    let user_agent: String = String::from_utf8_lossy(user_agent).chars().take(LONGEST_USER_AGENT).collect();
    Visitor { address, origin: Origin { ip: address.to_string(), user_agent }, browser }
}

/// The bearer token of a request, if it has one. Of two nobody knows which is meant (RFC 6750, section 2).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(first), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}
