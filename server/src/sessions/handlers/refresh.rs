//! Refreshing: new tokens for a refresh token.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use types::api::{RefreshFields, RefreshRequest, Tokens};
use types::words::{ProblemCode, TokenDelivery};

use super::stale_cookies::StaleCookies;
use crate::auth::origin::RequestOrigin;
use crate::http::cookies::set_cookie;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::SignedIn;

/// For the document of the API: [`refresh`].
pub const REFRESH: Operation = Operation {
    id: "refresh",
    summary: "New tokens for a refresh token",
    body: Some(Payload::of::<RefreshRequest>()),
    answers: &[
        Answer::json::<Tokens>(200, "New tokens, where the old ones were."),
        Answer::empty(204, "There is no cookie, and `ifAny` allows for that."),
    ],
    problems: &[ProblemCode::InvalidToken, ProblemCode::SessionEnded, ProblemCode::SessionExpired],
    ..Operation::NONE
};

/// `POST /api/auth/refresh`: the token comes in the body or in a cookie. A browser cannot see whether it has one, and
/// may ask for `204` where it has none.
pub async fn refresh(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    Body { fields, mut errors }: Body<RefreshRequest>,
) -> Result<Response, ApiError> {
    let RefreshFields { refresh_token, if_any } = fields;
    let in_body = errors.take(refresh_token);
    let if_any = errors.take(if_any);
    let (in_body, if_any) = errors.finish((in_body, if_any))?;
    if let Some(token) = in_body {
        let granted = state.sessions().refreshes().refresh(&token, TokenDelivery::Body, from.origin).await?;
        return Ok(fresh_tokens(&state, &granted));
    }
    let presented = state.cookie.presented(&headers);
    if presented.is_empty() {
        return if if_any == Some(true) {
            Ok(StatusCode::NO_CONTENT.into_response())
        } else {
            Err(ApiError::missing_token())
        };
    }
    state.same_origin.check(&headers)?;
    let refreshed = state.sessions().refreshes().refresh_browser(&presented.tokens(), from.origin).await;
    let (mut response, is_final) = match refreshed {
        Ok(granted) => (fresh_tokens(&state, &granted), true),
        Err(refusal) => {
            let error = ApiError::from(refusal);
            let is_final = error.is_unauthorized();
            (error.into_response(), is_final)
        }
    };
    // Whatever was presented has been exchanged, or has ended.
    if is_final {
        StaleCookies::clear_all(&state, &presented, &mut response);
    }
    Ok(response)
}

/// The answer that carries fresh tokens; the refresh token goes where the client wants it.
fn fresh_tokens(state: &ApiState, granted: &SignedIn) -> Response {
    let mut response = Json(&granted.tokens).into_response();
    if granted.delivery == TokenDelivery::Cookie {
        set_cookie(&mut response, &refresh_cookie(state, granted));
    }
    response
}

/// The cookie that carries a session's refresh token.
pub fn refresh_cookie(state: &ApiState, granted: &SignedIn) -> String {
    let lifetime = std::time::Duration::from_secs(granted.tokens.refresh_expires_in);
    state.cookie.set(&granted.refresh_token, granted.remember.then_some(lifetime))
}
