//! Signing in and renewing: the calls that give out tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use types::api::Tokens;
use types::domain::{AppVersion, DeviceName, Invalid, Password, Platform, SessionId};
use types::words::TokenDelivery;

use crate::auth::accounts::Visitor;
use crate::auth::addresses::known_address;
use crate::auth::secrets::Capability;
use crate::http::entry::{self, Client, Entered, EntryRefusal, refresh_cookie};
use crate::http::fields::Fields;
use crate::http::leftovers::Leftovers;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{ClaimedDevice, SignedIn};

/// Reads `deviceInfo`, `deviceToken`, `tokenDelivery`, `rememberMe` and `replaceSession`.
pub fn read_client(fields: &mut Fields) -> Option<Client> {
    let device_name = fields.optional_filled("deviceInfo.deviceName", DeviceName::parse);
    let platform = fields.optional_filled("deviceInfo.platform", Platform::parse);
    let app_version = fields.optional_filled("deviceInfo.appVersion", AppVersion::parse);
    let delivery = fields.optional("tokenDelivery", |text| match text {
        "cookie" => Ok(TokenDelivery::Cookie),
        "body" => Ok(TokenDelivery::Body),
        _ => Err(Invalid::new("unknown-value", "Use cookie or body.")),
    });
    let remember = fields.optional_bool("rememberMe");
    let replace = fields.optional("replaceSession", |text| {
        text.parse::<SessionId>().map_err(|_| Invalid::new("malformed", "This is not a session id."))
    });
    // One that has been forgotten or was never ours is no reason to keep anybody out.
    let malformed = || Invalid::new("malformed", "This is not a device token.");
    let device_token = fields.optional_or_ignored("deviceToken", |text| Capability::parse(text).ok_or_else(malformed));
    Some(Client {
        said: ClaimedDevice { device_name: device_name?, platform: platform?, app_version: app_version? },
        delivery: delivery?.unwrap_or_default(),
        remember: remember?.unwrap_or(true),
        replace: replace?,
        device_token,
    })
}

/// `POST /api/auth/login`.
pub async fn login(
    State(state): State<ApiState>,
    visitor: Visitor,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let email = fields.required("email", known_address);
    let password = fields.required("password", Password::parse_existing);
    let client = read_client(&mut fields);
    let (email, password, client) = fields.finish((email, password, client))?;
    let entering = entry::sign_in(&state, visitor, &headers, (&email, &password), client).await;
    entered(&state, entering)
}

/// The answer to whoever signs in.
pub fn entered(state: &ApiState, entering: Result<Entered, EntryRefusal>) -> Result<Response, ApiError> {
    let entered = entering.map_err(|refusal| refusal.into_problem(state))?;
    let device_token = entered.device_token().map(str::to_owned);
    let mut response = Json(Tokens { device_token, ..entered.granted.tokens.clone() }).into_response();
    let cookies = entered.cookies(state);
    if !cookies.is_empty() {
        Leftovers::clear_ended(state, &mut response);
    }
    for cookie in cookies {
        set_cookie(&mut response, &cookie);
    }
    if entered.granted.delivery == TokenDelivery::Cookie {
        Leftovers::clear_ended(state, &mut response);
    }
    Ok(response)
}

/// `POST /api/auth/refresh`: the token comes in the body or in a cookie. A browser cannot see whether it has one, and may ask for `204`
/// where it has none.
pub async fn refresh(
    State(state): State<ApiState>,
    visitor: Visitor,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let in_body = fields.optional("refreshToken", |text| Ok(text.to_owned()));
    let if_any = fields.optional_bool("ifAny");
    let (in_body, if_any) = fields.finish((in_body, if_any))?;
    if let Some(token) = in_body {
        let granted = state.sessions.refresh(&token, TokenDelivery::Body, visitor.origin).await?;
        return Ok(renewed(&state, &granted));
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
    let refreshed = state.sessions.refresh_browser(&presented.tokens(), visitor.origin).await;
    let (mut response, is_settled) = match refreshed {
        Ok(granted) => (renewed(&state, &granted), true),
        Err(refusal) => {
            let error = ApiError::from(refusal);
            let is_settled = error.is_unauthorized();
            (error.into_response(), is_settled)
        }
    };
    // Whatever was presented has been exchanged, or has ended.
    if is_settled {
        Leftovers::clear_all(&state, &presented, &mut response);
    }
    Ok(response)
}

/// The answer that carries renewed tokens; the refresh token goes where the client wants it.
fn renewed(state: &ApiState, granted: &SignedIn) -> Response {
    let mut response = Json(&granted.tokens).into_response();
    if granted.delivery == TokenDelivery::Cookie {
        set_cookie(&mut response, &refresh_cookie(state, granted));
    }
    response
}

/// Adds a `Set-Cookie` header.
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
