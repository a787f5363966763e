//! Signing in and renewing: the calls that give out tokens.

use app::api::{SignInMethod, TokenDelivery};
use app::domain::{AppVersion, DeviceName, Email, Invalid, Password, Platform, SessionId, UserId};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::auth::accounts::{AccountError, Visitor};
use crate::auth::passwords::HashingError;
use crate::http::fields::Fields;
use crate::http::leftovers::Leftovers;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::metrics::SignInResult;
use crate::sessions::{NewSignIn, Said, SignInError, SignedIn};
use crate::store::{Origin, StoreError};

/// What a client says of itself and of how it wants its tokens.
pub struct Client {
    /// Of its device.
    pub said: Said,
    /// Where the refresh token goes.
    pub delivery: TokenDelivery,
    /// Whether the session outlives the browser.
    pub remember: bool,
    /// The session to end at the limit.
    pub replace: Option<SessionId>,
}

impl Client {
    /// Reads `deviceInfo`, `tokenDelivery`, `rememberMe` and `replaceSession`.
    pub fn read(fields: &mut Fields) -> Option<Self> {
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
            text.parse::<SessionId>().map_err(|_| Invalid::new("malformed", "This is no session id."))
        });
        Some(Self {
            said: Said { device_name: device_name?, platform: platform?, app_version: app_version? },
            delivery: delivery?.unwrap_or_default(),
            remember: remember?.unwrap_or(true),
            replace: replace?,
        })
    }

    /// Begins a session for somebody who has proved who they are, and gives its tokens.
    pub async fn begin(
        self,
        state: &ApiState,
        user_id: UserId,
        origin: Origin,
        method: SignInMethod,
    ) -> Result<Response, ApiError> {
        let Self { said, delivery, remember, replace } = self;
        let sign_in = NewSignIn { user_id, said, origin, method, delivery, remember, replace };
        let signing_in = state.sessions.sign_in(sign_in).await;
        state.metrics.sign_in(outcome(&signing_in));
        match signing_in {
            Ok(granted) => Ok(signed_in(state, &granted)),
            Err(SignInError::LimitReached(rows)) => {
                let sessions: Vec<_> = rows.iter().map(|row| state.sessions.show(row, None)).collect();
                Err(ApiError::session_limit_reached(&sessions))
            }
            Err(SignInError::NoSuchPerson) => Err(ApiError::invalid_credentials()),
            Err(SignInError::Failed(error)) => Err(error.into()),
        }
    }

    /// A call that sets a cookie must not come from another site.
    pub fn check_origin(&self, state: &ApiState, headers: &HeaderMap) -> Result<(), ApiError> {
        if self.delivery == TokenDelivery::Cookie { state.same_origin.check_sign_in(headers) } else { Ok(()) }
    }
}

/// What a sign-in of somebody who has proved who they are came to.
fn outcome(signing_in: &Result<SignedIn, SignInError>) -> SignInResult {
    match signing_in {
        Ok(_) => SignInResult::Ok,
        Err(SignInError::LimitReached(_)) => SignInResult::SessionLimit,
        Err(SignInError::NoSuchPerson) => SignInResult::WrongCredentials,
        Err(SignInError::Failed(error)) if error.is_passing() => SignInResult::Unavailable,
        Err(SignInError::Failed(_)) => SignInResult::Failed,
    }
}

/// What a sign-in that was refused before it began came to.
pub fn refusal(error: &AccountError) -> SignInResult {
    match error {
        // Nobody who signs in is told that the last time was too long ago.
        AccountError::InvalidCredentials | AccountError::SignInTooOld(_) => SignInResult::WrongCredentials,
        AccountError::EmailNotVerified => SignInResult::NotVerified,
        AccountError::Field { .. } => SignInResult::WrongCode,
        AccountError::TooMany(_) => SignInResult::Limited,
        AccountError::Hashing(HashingError::Busy) => SignInResult::Busy,
        AccountError::Store(StoreError::Unavailable(_)) => SignInResult::Unavailable,
        AccountError::Hashing(HashingError::Failed(_)) | AccountError::Store(_) => SignInResult::Failed,
    }
}

/// `POST /api/auth/login`.
pub async fn login(
    State(state): State<ApiState>,
    visitor: Visitor,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let email = fields.required("email", Email::parse);
    let password = fields.required("password", Password::parse_existing);
    let client = Client::read(&mut fields);
    let (email, password, client) = fields.finish((email, password, client))?;
    client.check_origin(&state, &headers)?;
    let user = state.accounts.authenticate(&visitor, &email, &password).await;
    let user = user.inspect_err(|error| state.metrics.sign_in(refusal(error)))?;
    client.begin(&state, user.id, visitor.origin, SignInMethod::Password).await
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
        return Ok(signed_in(&state, &granted));
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
        Ok(granted) => (signed_in(&state, &granted), true),
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

/// The answer that carries tokens; the refresh token goes where the client wants it.
fn signed_in(state: &ApiState, granted: &SignedIn) -> Response {
    let lifetime = std::time::Duration::from_secs(granted.tokens.refresh_expires_in);
    let mut response = Json(&granted.tokens).into_response();
    if granted.delivery == TokenDelivery::Cookie {
        let cookie = state.cookie.set(&granted.refresh_token, granted.remember.then_some(lifetime));
        set_cookie(&mut response, &cookie);
        Leftovers::clear_ended(state, &mut response);
    }
    response
}

/// Adds a `Set-Cookie` header.
pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
