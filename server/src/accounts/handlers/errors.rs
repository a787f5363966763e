//! How calls about accounts fail, as HTTP says it.

use std::time::Duration;

use http::HeaderValue;
use types::api::Session;
use types::api::examples::Example as _;
use types::words::ProblemCode;

use crate::accounts::{AccountError, HashingError};
use crate::http::problem::{ApiError, CHALLENGE, ProblemExample};

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[
    ProblemExample::new(ProblemCode::InvalidCredentials, invalid_credentials),
    ProblemExample::new(ProblemCode::InsufficientUserAuthentication, || {
        insufficient_user_authentication(Duration::from_mins(10))
    }),
    ProblemExample::new(ProblemCode::EmailNotVerified, email_not_verified),
    ProblemExample::new(ProblemCode::PasswordResetRequired, password_reset_required),
    ProblemExample::new(ProblemCode::SessionLimitReached, || {
        session_limit_reached(serde_json::from_str(Session::EXAMPLE).into_iter().collect())
    }),
];

impl From<HashingError> for ApiError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::unavailable(error),
            HashingError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::InvalidCredentials => invalid_credentials(),
            AccountError::EmailNotVerified => email_not_verified(),
            AccountError::PasswordResetRequired => password_reset_required(),
            AccountError::Field { field, invalid } => Self::invalid_field(field, &invalid),
            AccountError::TooMany(wait) => Self::too_many_requests(wait),
            AccountError::SignInTooOld(window) => insufficient_user_authentication(window),
            AccountError::Hashing(error) => error.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}

/// `401`: e-mail or password is wrong, whichever.
fn invalid_credentials() -> ApiError {
    ApiError::unauthorized(ProblemCode::InvalidCredentials, "E-mail or password is wrong", CHALLENGE)
}

/// `401`: the token is good, but the sign-in is older than this: give the password, or sign in again (RFC 9470, 3).
fn insufficient_user_authentication(max_age: Duration) -> ApiError {
    let seconds = max_age.as_secs();
    let challenge = format!("Bearer error=\"insufficient_user_authentication\", max_age={seconds}");
    let challenge = HeaderValue::try_from(challenge).unwrap_or(CHALLENGE);
    let mut error = ApiError::unauthorized(ProblemCode::InsufficientUserAuthentication, "Confirm it’s you", challenge);
    error.problem.max_age = Some(seconds);
    error
}

/// `403`: the address must be proved first.
pub fn email_not_verified() -> ApiError {
    ApiError::of(ProblemCode::EmailNotVerified, "Confirm your e-mail address first")
}

/// `403`: an administrator has the user set a new password.
fn password_reset_required() -> ApiError {
    ApiError::of(ProblemCode::PasswordResetRequired, "Set a new password first").with_detail(
        "You have to set a new password first: an administrator asks you to. The link for it is in your mail.",
    )
}

/// `409`: the user must choose a device to sign out first.
pub fn session_limit_reached(sessions: Vec<Session>) -> ApiError {
    let title = "You’re signed in on as many devices as allowed";
    let mut error = ApiError::of(ProblemCode::SessionLimitReached, title);
    error.problem.sessions = Some(sessions);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use http::StatusCode;
    use http::header::WWW_AUTHENTICATE;

    #[test]
    fn a_sign_in_that_is_too_old_is_challenged_with_the_age_it_may_have() {
        let response = insufficient_user_authentication(Duration::from_mins(10)).into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            "Bearer error=\"insufficient_user_authentication\", max_age=600"
        );
    }
}
