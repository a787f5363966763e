//! Signing in with e-mail and password, and what every sign-in says of its device and of how it wants its tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use types::api::Tokens;
use types::domain::{AppVersion, DeviceName, Invalid, Password, Platform, SessionId};
use types::words::TokenDelivery;

use super::entry::{self, Client, Entered, EntryRefusal};
use crate::accounts::known_address;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::http::cookies::set_cookie;
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::ClaimedDevice;
use crate::sessions::handlers::leftovers::Leftovers;

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
    from: RequestOrigin,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let email = fields.required("email", known_address);
    let password = fields.required("password", Password::parse_existing);
    let client = read_client(&mut fields);
    let (email, password, client) = fields.finish((email, password, client))?;
    let entering = entry::sign_in(&state, from, &headers, (&email, &password), client).await;
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
