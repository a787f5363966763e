//! The call that makes the first owner.

mod errors;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use types::api::{FirstOwner, FirstOwnerFields, FirstOwnerRequest};
use types::domain::{DisplayName, Password};
use types::words::ProblemCode;

use super::links::NewOwner;
use crate::accounts::new_address;
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;

pub use errors::{PROBLEMS, asked_elsewhere};

/// For the document of the API: [`make`].
pub const MAKE: Operation = Operation {
    id: "makeFirstOwner",
    summary: "Make the first owner",
    about: "With the token of the link that a server writes to its log where it starts without an owner. Works once, \
            within 15 minutes, and only under the public address, or on the machine itself. Signs nobody in.",
    body: Some(Payload::of::<FirstOwnerRequest>()),
    answers: &[Answer::json::<FirstOwner>(201, "The owner, who can sign in.")],
    problems: &[ProblemCode::OwnerExists, ProblemCode::MisdirectedRequest, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/set-up/owner`.
pub async fn make(
    State(state): State<ApiState>,
    from: RequestOrigin,
    uri: Uri,
    headers: HeaderMap,
    Body { fields, mut errors }: Body<FirstOwnerRequest>,
) -> Result<(StatusCode, Json<FirstOwner>), ApiError> {
    if !state.first_owners().is_asked_here(&from, &headers, &uri) {
        return Err(asked_elsewhere(state.first_owners().public_url()));
    }
    let FirstOwnerFields { token, email, name, password } = fields;
    // Whatever is wrong with a token is answered in the same words.
    let token = errors.take(token);
    let email = errors.parse(email, new_address);
    let name = errors.parse(name, DisplayName::parse);
    let password = errors.parse(password, Password::parse_new);
    let (token, email, name, password) = errors.finish((token, email, name, password))?;
    let answer_email = email.to_string();
    let user_id = state.first_owners().make(&from, &token, NewOwner { email, name, password }).await?;
    Ok((StatusCode::CREATED, Json(FirstOwner { user_id, email: answer_email })))
}
