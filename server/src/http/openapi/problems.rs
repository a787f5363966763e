//! Which problems a call can answer with: its own, and those that follow from its route.

use std::collections::BTreeSet;

use types::words::ProblemCode as Code;

use crate::http::needs::{Credential, Needs, Requirement};
use crate::http::operation::Operation;
use crate::http::routes::Route;

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
