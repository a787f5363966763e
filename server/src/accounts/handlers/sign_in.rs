//! Signing in with e-mail and password, and what every sign-in says of its device and of how it wants its tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use types::api::request::Field;
use types::api::{DeviceInfoFields, LoginFields, LoginRequest, Tokens};
use types::domain::{AppVersion, DeviceName, Invalid, Password, Platform, SessionId};
use types::words::{ProblemCode, TokenDelivery};

use super::entry::{self, Client, Entered, EntryRefusal};
use crate::accounts::known_address;
use crate::auth::origin::RequestOrigin;
use crate::auth::secrets::Capability;
use crate::http::cookies::set_cookie;
use crate::http::fields::{Body, FieldErrors};
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::ClaimedDevice;
use crate::sessions::handlers::stale_cookies::StaleCookies;

/// What every sign-in may say of its client.
pub struct ClientFields {
    pub device_info: DeviceInfoFields,
    /// Where the refresh token goes.
    pub token_delivery: Field<Option<String>>,
    /// Whether the session outlives the browser.
    pub remember_me: Field<Option<bool>>,
    /// The session to end at the limit.
    pub replace_session: Field<Option<String>>,
    /// What a client without cookies is known by.
    pub device_token: Field<Option<String>>,
}

impl ClientFields {
    /// Reads them. `None` means that something was refused, as in [`FieldErrors::take`].
    pub fn read(self, errors: &mut FieldErrors) -> Option<Client> {
        let DeviceInfoFields { device_name, platform, app_version } = self.device_info;
        let device_name = errors.parse_optional(device_name.filled(), DeviceName::parse);
        let platform = errors.parse_optional(platform.filled(), Platform::parse);
        let app_version = errors.parse_optional(app_version.filled(), AppVersion::parse);
        let delivery = errors.parse_optional(self.token_delivery, |text| {
            TokenDelivery::parse(text).ok_or_else(|| Invalid::new("unknown-value", "Use cookie or body."))
        });
        let remember = errors.take(self.remember_me);
        let replace = errors.parse_optional(self.replace_session, |text| {
            text.parse::<SessionId>().map_err(|_| Invalid::new("malformed", "This is not a session id."))
        });
        Some(Client {
            claimed: ClaimedDevice { device_name: device_name?, platform: platform?, app_version: app_version? },
            delivery: delivery?.unwrap_or_default(),
            remember: remember?.unwrap_or(true),
            replace: replace?,
            // One that has been forgotten or was never ours is no reason to refuse anybody.
            device_token: self.device_token.or_ignored().and_then(|token| Capability::parse(&token)),
        })
    }
}

/// For the document of the API: [`login`].
pub const LOGIN: Operation = Operation {
    id: "login",
    summary: "Sign in with e-mail and password",
    body: Some(Payload::of::<LoginRequest>()),
    answers: &[Answer::json::<Tokens>(
        200,
        "Signed in. With `tokenDelivery: cookie` the refresh token is in a cookie instead of the body.",
    )],
    problems: &[
        ProblemCode::InvalidCredentials,
        ProblemCode::EmailNotVerified,
        ProblemCode::PasswordResetRequired,
        ProblemCode::CrossSiteRequest,
        ProblemCode::OtherAddress,
        ProblemCode::SessionLimitReached,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `POST /api/auth/login`.
pub async fn login(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    body: Body<LoginRequest>,
) -> Result<Response, ApiError> {
    let entering = enter_by_password(&state, from, &headers, body).await;
    entered(&state, entering)
}

/// What [`login`] does, before it is answered.
pub async fn enter_by_password(
    state: &ApiState,
    from: RequestOrigin,
    headers: &HeaderMap,
    Body { fields, mut errors }: Body<LoginRequest>,
) -> Result<Entered, EntryRefusal> {
    let LoginFields { email, password, device_info, token_delivery, remember_me, replace_session, device_token } =
        fields;
    let email = errors.parse(email, known_address);
    let password = errors.parse(password, Password::parse_existing);
    let client = ClientFields { device_info, token_delivery, remember_me, replace_session, device_token };
    let client = client.read(&mut errors);
    let (email, password, client) = errors.finish((email, password, client)).map_err(EntryRefusal::Request)?;
    entry::sign_in(state, from, headers, (&email, &password), client).await
}

/// The answer to whoever signs in.
pub fn entered(state: &ApiState, entering: Result<Entered, EntryRefusal>) -> Result<Response, ApiError> {
    let entered = entering.map_err(|refusal| refusal.into_problem(state))?;
    Ok(granted(state, &entered))
}

/// The answer to whoever is in.
pub fn granted(state: &ApiState, entered: &Entered) -> Response {
    let device_token = entered.device_token().map(str::to_owned);
    let mut response = Json(Tokens { device_token, ..entered.granted.tokens.clone() }).into_response();
    let cookies = entered.cookies(state);
    if !cookies.is_empty() {
        StaleCookies::clear_ended(state, &mut response);
    }
    for cookie in cookies {
        set_cookie(&mut response, &cookie);
    }
    if entered.granted.delivery == TokenDelivery::Cookie {
        StaleCookies::clear_ended(state, &mut response);
    }
    response
}
