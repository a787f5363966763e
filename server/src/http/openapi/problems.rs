//! Which problems a call can answer with: its own, and those that follow from its route.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use types::api::Problem;
use types::api::request::missing;
use types::words::ProblemCode as Code;

use crate::auth::permissions::Permission;
use crate::config::PublicUrl;
use crate::http::needs::{Credential, Needs, Requirement};
use crate::http::operation::Operation;
use crate::http::problem::{ApiError, ProblemExample};

/// The public address of the server in examples.
const PUBLIC_URL: &str = "https://latchkey.example";

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
pub fn of(needs: Needs, operation: &Operation) -> BTreeSet<Code> {
    let Operation { body, problems, .. } = operation;
    let mut codes: BTreeSet<Code> = ALWAYS.into_iter().chain(problems.iter().copied()).collect();
    if body.is_some() {
        codes.extend(BODY_PROBLEMS);
    }
    match needs {
        Needs::Nothing => {}
        Needs::Principal(Requirement { session, permission, recent_proof, while_acting }) => {
            codes.extend(TOKEN_PROBLEMS);
            codes.extend((!while_acting).then_some(Code::NotWhileActing));
            codes.extend(session.then_some(Code::SessionRequired));
            codes.extend(permission.map(|_| Code::PermissionRequired));
            codes.extend(permission.filter(|one| one.administers()).map(|_| Code::AdminSessionTooOld));
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
        // What is wrong with these is for their calls to say, or they are not of the API.
        Credential::MailedSecret
        | Credential::OwnerLink
        | Credential::Password
        | Credential::OwnForm
        | Credential::MetricsToken => &[],
    }
}

/// An example of a problem, made as the server makes its answers: by whoever throws it, one of the areas or the house.
/// `None` where nobody does.
pub fn example(code: Code, of_areas: &[ProblemExample]) -> Option<Problem> {
    let of_area = of_areas.iter().find(|example| example.code == code).map(|example| (example.make)());
    let mut problem = *of_area.or_else(|| of_the_house(code))?.problem;
    problem.request_id = Some("5f2d8c1b7a9e4036000000000000002a".to_owned());
    Some(problem)
}

fn of_the_house(code: Code) -> Option<ApiError> {
    Some(match code {
        Code::MissingToken => ApiError::missing_token(),
        Code::InvalidToken => ApiError::invalid_token(),
        Code::SessionRequired => ApiError::session_required(),
        Code::PermissionRequired => ApiError::permission_required(Permission::new("rooms:open", "Open a room")),
        Code::NotWhileActing => ApiError::not_while_acting(),
        Code::LastOwner => ApiError::last_owner(),
        Code::AdminSessionTooOld => ApiError::admin_session_too_old(Duration::from_hours(12)),
        Code::CrossSiteRequest => ApiError::cross_site_request(PUBLIC_URL),
        Code::OtherAddress => ApiError::other_address(PUBLIC_URL),
        Code::MalformedRequest => ApiError::malformed_request(StatusCode::BAD_REQUEST),
        Code::MalformedJson => ApiError::malformed_json("The body broke off."),
        Code::NotFound => ApiError::not_found(),
        Code::MethodNotAllowed => ApiError::method_not_allowed(),
        Code::BodyTooSlow => ApiError::body_too_slow(),
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
        _ => return None,
    })
}
