//! Errors as HTTP says them: `application/problem+json` (RFC 9457) with a stable code. The problems that a single area
//! throws stand in its `handlers/errors.rs`; the codes of all are one vocabulary, and their statuses are here.
//!
//! What went wrong inside is never told to the client; it goes with the answer, and into the one line that the log has
//! of a request.

use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use types::api::{FieldError, Problem};
use types::domain::Invalid;
use types::words::ProblemCode;

use crate::auth::permissions::Permission;
use crate::config::{PublicUrl, duration};
use crate::telemetry::chain;

/// How soon to come back when the server cannot answer now.
const COME_BACK: Duration = Duration::from_secs(1);

/// An answer that says what is wrong.
#[derive(Debug)]
pub struct ApiError {
    pub problem: Box<Problem>,
    /// The `WWW-Authenticate` header (RFC 6750, 3).
    challenge: Option<HeaderValue>,
    retry_after: Option<Duration>,
    cause: Option<Box<Cause>>,
}

/// What went wrong inside: travels with the answer (as an extension of it), for the log.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The error, with everything that led to it.
    pub error: String,
    /// Whether somebody should look even where it may pass by itself.
    pub is_alarming: bool,
}

/// A bare challenge: no credential was given.
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");
/// A credential was given and is not good.
pub const CHALLENGE_INVALID: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// A problem that an area throws, as the document of the API shows it.
#[derive(Clone, Copy)]
pub struct ProblemExample {
    pub code: ProblemCode,
    /// Makes it as a call does.
    pub make: fn() -> ApiError,
}

impl ProblemExample {
    pub const fn new(code: ProblemCode, make: fn() -> ApiError) -> Self {
        Self { code, make }
    }
}

impl ApiError {
    /// An error with this status, code and title.
    pub fn new(status: StatusCode, code: ProblemCode, title: &str) -> Self {
        let problem = Box::new(Problem::new(status.as_u16(), code, title));
        Self { problem, challenge: None, retry_after: None, cause: None }
    }

    /// An error with this code and title, and the status that goes with the code.
    pub fn of(code: ProblemCode, title: &str) -> Self {
        Self::new(status_of(code), code, title)
    }

    /// Adds a sentence about this very occurrence.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.problem.detail = Some(detail.into());
        self
    }

    /// Says which address to use instead.
    fn with_public_url(mut self, public_url: impl Into<String>) -> Self {
        self.problem.public_url = Some(public_url.into());
        self
    }

    /// `401` with this challenge.
    pub fn unauthorized(code: ProblemCode, title: &str, challenge: HeaderValue) -> Self {
        Self { challenge: Some(challenge), ..Self::of(code, title) }
    }

    /// `401`: no credential at all.
    pub fn missing_token() -> Self {
        Self::unauthorized(ProblemCode::MissingToken, "Sign in first", CHALLENGE)
    }

    /// `401`: not one of ours.
    pub fn invalid_token() -> Self {
        Self::unauthorized(ProblemCode::InvalidToken, "The token is not valid", CHALLENGE_INVALID)
    }

    /// `401`: its session was ended.
    pub fn session_ended() -> Self {
        Self::unauthorized(ProblemCode::SessionEnded, "The session has ended", CHALLENGE_INVALID)
    }

    /// `403`: the token is good, but belongs to no session of ours.
    pub fn session_required() -> Self {
        Self::of(ProblemCode::SessionRequired, "Sign in again: this token has no session")
    }

    /// `403`: the roles of the user do not let them do this.
    pub fn permission_required(permission: Permission) -> Self {
        Self::of(ProblemCode::PermissionRequired, "You may not do this")
            .with_detail(format!("This needs the permission {permission}."))
    }

    /// `403`: the session may not administer any more.
    pub fn admin_session_too_old(max_age: Duration) -> Self {
        Self::of(ProblemCode::AdminSessionTooOld, "Sign in again to go on").with_detail(format!(
            "Whoever administers signs in at least every {}. This session is older.",
            duration::spell(max_age)
        ))
    }

    /// `403`: somebody acts for the user, who has to do this in person.
    pub fn not_while_acting() -> Self {
        Self::of(ProblemCode::NotWhileActing, "You can’t do this while you act for somebody")
            .with_detail("Only they can do it themselves. Stop acting to go on as yourself.")
    }

    /// `403`: a role or a user reaches further than whoever would change it. `what` says which.
    pub fn above_your_reach(what: impl Into<String>) -> Self {
        Self::of(ProblemCode::AboveYourReach, "This reaches further than your own roles").with_detail(what)
    }

    /// `403`: a cookie call that is not from our own pages.
    pub fn cross_site_request(public_origin: &str) -> Self {
        Self::of(ProblemCode::CrossSiteRequest, "This call is for pages of this server only")
            .with_detail(format!("Open {public_origin} and try again there: it works from that address only."))
            .with_public_url(public_origin)
    }

    /// `403`: a cookie call from a page of ours that was opened under another address than the public one.
    pub fn other_address(public_origin: &str) -> Self {
        Self::of(ProblemCode::OtherAddress, "Sign in at another address")
            .with_detail(format!("This page is open at another address. Go to {public_origin} to sign in."))
            .with_public_url(public_origin)
    }

    /// `421`: this server is not asked for under that name.
    pub fn misdirected(public_url: &PublicUrl) -> Self {
        Self::of(ProblemCode::MisdirectedRequest, "This server has another address")
            .with_detail(format!("In development it answers for this machine only: open {public_url} instead."))
            .with_public_url(public_url.to_string())
    }

    /// `400`, or another status that says why: the request cannot be understood.
    pub fn malformed_request(status: StatusCode) -> Self {
        Self::new(status, ProblemCode::MalformedRequest, "The request can’t be understood")
    }

    /// `404`.
    pub fn not_found() -> Self {
        Self::of(ProblemCode::NotFound, "There’s nothing here")
    }

    /// `405`.
    pub fn method_not_allowed() -> Self {
        Self::of(ProblemCode::MethodNotAllowed, "This method is not allowed here")
    }

    /// `400`: the body is not a JSON object.
    pub fn malformed_json(detail: impl Into<String>) -> Self {
        Self::of(ProblemCode::MalformedJson, "The body is not a JSON object").with_detail(detail)
    }

    /// `408`: the body took too long.
    pub fn body_too_slow() -> Self {
        Self::of(ProblemCode::BodyTooSlow, "The body took too long to arrive")
    }

    /// `409`: there would be no owner any more.
    pub fn last_owner() -> Self {
        Self::of(ProblemCode::LastOwner, "The last owner stays")
            .with_detail("Make somebody else an owner first: there must always be one.")
    }

    /// `413`.
    pub fn body_too_large() -> Self {
        Self::of(ProblemCode::BodyTooLarge, "The body is too large")
    }

    /// `415`.
    pub fn unsupported_media_type() -> Self {
        Self::of(ProblemCode::UnsupportedMediaType, "Send application/json")
    }

    /// `422`: these fields were refused.
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let mut error = Self::of(ProblemCode::InvalidFields, "Some fields are not right");
        error.problem.errors = errors;
        error
    }

    /// `422`: this field was refused.
    pub fn invalid_field(field: &str, invalid: &Invalid) -> Self {
        Self::invalid_fields(vec![FieldError {
            field: field.to_owned(),
            code: invalid.code.to_owned(),
            message: invalid.message.clone(),
        }])
    }

    /// `429`.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        let problem = Box::new(Problem::too_many_requests(whole_seconds(retry_after)));
        Self { problem, challenge: None, retry_after: Some(retry_after), cause: None }
    }

    /// `503`: there is no slot for another connection.
    pub fn too_many_connections() -> Self {
        Self::of(ProblemCode::TooManyConnections, "The server is full right now. Try again in a moment")
    }

    /// `429`: there is no slot for another connection from this address.
    pub fn too_many_connections_of_address() -> Self {
        let title = "Too many connections from your address. Close some tabs and try again";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ProblemCode::TooManyConnections, title)
    }

    /// `503`: something below cannot be reached or is overloaded.
    pub fn unavailable(cause: impl Error + 'static) -> Self {
        let code = ProblemCode::TemporarilyUnavailable;
        let error = Self::of(code, "This isn’t working right now. Try again in a moment");
        Self { retry_after: Some(COME_BACK), ..error }.because_of(&cause)
    }

    /// Logs it as an error that somebody should look at.
    #[must_use]
    pub fn alarming(mut self) -> Self {
        if let Some(cause) = &mut self.cause {
            cause.is_alarming = true;
        }
        self
    }

    /// `500`: says nothing; the log says it once.
    pub fn internal(cause: impl Error + 'static) -> Self {
        Self::silent_failure().because_of(&cause)
    }

    fn because_of(self, cause: &(dyn Error + 'static)) -> Self {
        Self { cause: Some(Box::new(Cause { error: chain(cause), is_alarming: false })), ..self }
    }

    /// `500` for what has been logged already.
    pub fn silent_failure() -> Self {
        Self::of(ProblemCode::InternalError, "Something went wrong on the server")
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether the client is told to sign in.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED
    }
}

/// The status of a problem. What cannot be understood at all may have another one, which says why.
pub const fn status_of(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::MalformedRequest | ProblemCode::MalformedJson => StatusCode::BAD_REQUEST,
        ProblemCode::MissingToken
        | ProblemCode::InvalidToken
        | ProblemCode::TokenExpired
        | ProblemCode::SessionEnded
        | ProblemCode::SessionExpired
        | ProblemCode::InvalidCredentials
        | ProblemCode::InsufficientUserAuthentication => StatusCode::UNAUTHORIZED,
        ProblemCode::SessionRequired
        | ProblemCode::PermissionRequired
        | ProblemCode::AboveYourReach
        | ProblemCode::NotWhileActing
        | ProblemCode::ImpersonationOff
        | ProblemCode::AlertAboutThisSession
        | ProblemCode::DeviceInQuestion
        | ProblemCode::EmailNotVerified
        | ProblemCode::PasswordResetRequired
        | ProblemCode::AdminSessionTooOld
        | ProblemCode::NotInRoom
        | ProblemCode::RemovedFromRoom
        | ProblemCode::CrossSiteRequest
        | ProblemCode::OtherAddress => StatusCode::FORBIDDEN,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemCode::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
        ProblemCode::SessionLimitReached
        | ProblemCode::LastOwner
        | ProblemCode::BuiltInRole
        | ProblemCode::RoleInherited
        | ProblemCode::TooManyRoles
        | ProblemCode::RoomFull => StatusCode::CONFLICT,
        ProblemCode::OwnerExists => StatusCode::GONE,
        ProblemCode::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ProblemCode::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
        ProblemCode::InvalidFields => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        ProblemCode::TooManyConnections | ProblemCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        response.extensions_mut().insert(self.problem);
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(*cause);
        }
        response
    }
}

/// Rounded up: who comes back on the dot must not be too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_credential_names_no_error_and_one_with_does() {
        let header = |error: ApiError| error.into_response().headers()[WWW_AUTHENTICATE].clone();
        assert_eq!(header(ApiError::missing_token()), "Bearer");
        assert_eq!(header(ApiError::invalid_token()), "Bearer error=\"invalid_token\"");
    }

    #[test]
    fn waiting_times_are_rounded_up() {
        let response = ApiError::too_many_requests(Duration::from_millis(1200)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        let problem = ApiError::too_many_requests(Duration::from_millis(1200)).problem;
        assert_eq!(problem.detail.as_deref(), Some("Too many attempts. Try again in 2 seconds."));
    }
}
