//! Where a request comes from: read from the connection and the headers, for limits and for the audit log.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue};

use super::problem::ApiError;
use super::proxies::{ClientAddress, LoopbackPeer, is_handed_on};
use super::state::ApiState;
use crate::auth::origin::RequestOrigin;
use crate::store::{Digest, Origin};

/// The longest user agent that is stored.
const LONGEST_USER_AGENT: usize = 512;

impl FromRequestParts<ApiState> for RequestOrigin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let browser = state.browser_cookie.read(&parts.headers).map(|token| token.digest());
        Ok(request_origin(&parts.extensions, &parts.headers, browser))
    }
}

fn request_origin(connection: &Extensions, headers: &HeaderMap, browser: Option<Digest>) -> RequestOrigin {
    let address = connection.get::<ClientAddress>();
    let address = address.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |client| client.0);
    let is_local = connection.get::<LoopbackPeer>().is_some() && !is_handed_on(headers);
    let user_agent = headers.get(http::header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    let user_agent: String = String::from_utf8_lossy(user_agent).chars().take(LONGEST_USER_AGENT).collect();
    RequestOrigin { address, origin: Origin { ip: address.to_string(), user_agent }, is_local, browser }
}
