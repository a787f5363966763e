//! How making the first owner fails, as HTTP says it.

use types::words::ProblemCode;

use crate::config::PublicUrl;
use crate::first_owner::links::FirstOwnerError;
use crate::http::problem::{ApiError, ProblemExample};

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[ProblemExample::new(ProblemCode::OwnerExists, owner_exists)];

impl From<FirstOwnerError> for ApiError {
    fn from(error: FirstOwnerError) -> Self {
        match error {
            FirstOwnerError::OwnerExists => owner_exists(),
            FirstOwnerError::Account(error) => error.into(),
        }
    }
}

/// `410`: the link made the first owner, and there is one.
fn owner_exists() -> ApiError {
    ApiError::of(ProblemCode::OwnerExists, "This installation has an owner already")
        .with_detail("Sign in, or ask an owner to give you a role.")
}

/// `421`: this is done under the public address, or on the machine itself.
pub fn asked_elsewhere(public_url: &PublicUrl) -> ApiError {
    let mut error = ApiError::of(ProblemCode::MisdirectedRequest, "This server has another address")
        .with_detail(format!("The first owner is made at {public_url}, or on the machine that the server runs on."));
    error.problem.public_url = Some(public_url.to_string());
    error
}
