//! Which problems a call can answer with: its own, and those that follow from its route.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use types::api::examples::Example as _;
use types::api::request::missing;
use types::api::{Problem, Session};
use types::domain::{SessionId, Timestamp};
use types::words::{EndReason, ProblemCode as Code};
use uuid::Uuid;

use crate::auth::permissions::Permission;
use crate::config::PublicUrl;
use crate::http::needs::{Credential, Needs, Requirement};
use crate::http::operation::Operation;
use crate::http::problem::ApiError;
use crate::http::routes::Route;
use crate::store::SessionEnd;

/// The public address of the server in examples.
const PUBLIC_URL: &str = "https://latchkey.example";
/// The device that ends another in examples, as in `types::api::examples`.
const REQUESTER: SessionId = SessionId(Uuid::from_u128(0x0198_ad2e_7c10_7a52_9c3e_5d1f_0a6b_7c81));
/// When that was.
const ENDED_AT: Timestamp = Timestamp::from_millis(1_795_944_600_000);

/// What every call may answer: before anybody has looked at what it wants, or because something broke.
const ALWAYS: [Code; 7] = [
    Code::MalformedRequest,
    Code::MethodNotAllowed,
    Code::UnsupportedMediaType,
    Code::MisdirectedRequest,
    Code::InternalError,
    Code::TooManyConnections,
    Code::TemporarilyUnavailable,
];
/// What a body may be refused for.
const BODY_PROBLEMS: [Code; 4] = [Code::MalformedJson, Code::BodyTooSlow, Code::BodyTooLarge, Code::InvalidFields];
/// What a bearer token may be refused for.
static TOKEN_PROBLEMS: [Code; 5] =
    [Code::MissingToken, Code::InvalidToken, Code::TokenExpired, Code::SessionEnded, Code::SessionExpired];
/// What a proof of identity may be refused for.
const PROOF_PROBLEMS: [Code; 3] = [Code::InsufficientUserAuthentication, Code::InvalidFields, Code::TooManyRequests];

/// All problems of a call.
pub fn of(route: &Route) -> BTreeSet<Code> {
    let Operation { body, problems, .. } = route.operation;
    let mut codes: BTreeSet<Code> = ALWAYS.into_iter().chain(problems.iter().copied()).collect();
    if body.is_some() {
        codes.extend(BODY_PROBLEMS);
    }
    match route.needs {
        Needs::Nothing => {}
        Needs::Principal(Requirement { session, permission, recent_proof }) => {
            codes.extend(TOKEN_PROBLEMS);
            codes.extend(session.then_some(Code::SessionRequired));
            codes.extend(permission.map(|_| Code::PermissionRequired));
            codes.extend(PROOF_PROBLEMS.into_iter().filter(|_| recent_proof));
        }
        Needs::Credentials(credentials) => codes.extend(credentials.iter().copied().flat_map(of_credential)),
    }
    codes
}

/// What a credential that its handler reads may be refused for.
fn of_credential(credential: Credential) -> &'static [Code] {
    match credential {
        Credential::AccessToken => &TOKEN_PROBLEMS,
        Credential::ExpiredAccessToken => &[Code::MissingToken],
        Credential::RefreshToken => &[Code::MissingToken, Code::CrossSiteRequest, Code::OtherAddress],
        Credential::Ticket => &[Code::InvalidToken, Code::SessionEnded],
        Credential::Receipt => &[Code::NotFound],
        // What is wrong with these is for their calls to say.
        Credential::MailedSecret | Credential::Password => &[],
    }
}

/// An example of a problem, made as the server makes its answers.
pub fn example(code: Code) -> Problem {
    let mut problem = *error(code).problem;
    problem.request_id = Some("5f2d8c1b7a9e4036000000000000002a".to_owned());
    problem
}

fn error(code: Code) -> ApiError {
    match code {
        Code::MissingToken => ApiError::missing_token(),
        Code::InvalidToken => ApiError::invalid_token(),
        Code::TokenExpired => ApiError::token_expired(),
        Code::SessionEnded => ApiError::session_ended().with_end(&SessionEnd {
            at: ENDED_AT,
            reason: EndReason::RevokedFromOtherDevice,
            ended_by: Some(REQUESTER),
            ended_by_device: Some("Chrome on macOS".to_owned()),
        }),
        Code::SessionExpired => ApiError::session_expired(),
        Code::InvalidCredentials => ApiError::invalid_credentials(),
        Code::InsufficientUserAuthentication => ApiError::insufficient_user_authentication(Duration::from_mins(10)),
        Code::SessionRequired => ApiError::session_required(),
        Code::PermissionRequired => ApiError::permission_required(Permission::new("rooms:open")),
        Code::AlertAboutThisSession => ApiError::alert_about_this_session(),
        Code::DeviceInQuestion => ApiError::device_in_question(),
        Code::EmailNotVerified => ApiError::email_not_verified(),
        Code::CrossSiteRequest => ApiError::cross_site_request(PUBLIC_URL),
        Code::OtherAddress => ApiError::other_address(PUBLIC_URL),
        Code::MalformedRequest => ApiError::malformed_request(StatusCode::BAD_REQUEST),
        Code::MalformedJson => ApiError::malformed_json("The body broke off."),
        Code::NotFound => ApiError::not_found(),
        Code::MethodNotAllowed => ApiError::method_not_allowed(),
        Code::BodyTooSlow => ApiError::body_too_slow(),
        Code::SessionLimitReached => {
            ApiError::session_limit_reached(serde_json::from_str::<Session>(Session::EXAMPLE).into_iter().collect())
        }
        Code::BodyTooLarge => ApiError::body_too_large(),
        Code::UnsupportedMediaType => ApiError::unsupported_media_type(),
        Code::MisdirectedRequest => {
            ApiError::misdirected(&PublicUrl::of_listener(SocketAddr::from(([127, 0, 0, 1], 3000))))
        }
        Code::InvalidFields => ApiError::invalid_field("email", &missing()),
        Code::TooManyRequests => ApiError::too_many_requests(Duration::from_secs(40)),
        Code::InternalError => ApiError::silent_failure(),
        Code::TooManyConnections => ApiError::too_many_connections(),
        Code::TemporarilyUnavailable => ApiError::unavailable(io::Error::from(io::ErrorKind::ConnectionRefused)),
    }
}
