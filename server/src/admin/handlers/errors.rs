//! How the calls of administrators fail, as HTTP says it.

use std::time::Duration;

use types::domain::Invalid;
use types::words::ProblemCode;

use crate::admin::AdminError;
use crate::config::duration;
use crate::http::problem::{ApiError, ProblemExample};

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] =
    &[ProblemExample::new(ProblemCode::AdminSessionTooOld, || session_too_old(Duration::from_hours(12)))];

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NoSuchUser(_) | AdminError::NoSuchSession(_) => Self::not_found(),
            AdminError::LastOwner => Self::last_owner(),
            AdminError::AboveActor => {
                Self::above_your_reach("This concerns somebody whose roles reach further than your own.")
            }
            AdminError::Account(error) => error.into(),
            AdminError::Store(error) => error.into(),
            // No call of the API makes accounts or invites anybody.
            AdminError::EmailTaken(_) | AdminError::Disabled | AdminError::NoSuchRole(_) => Self::internal(error),
        }
    }
}

/// `403`: the session may not administer any more.
pub fn session_too_old(max_age: Duration) -> ApiError {
    ApiError::of(ProblemCode::AdminSessionTooOld, "Sign in again to go on").with_detail(format!(
        "Whoever administers signs in at least every {}. This session is older.",
        duration::spell(max_age)
    ))
}

/// `422`: what is in the address cannot be read.
pub fn malformed(field: &str, message: &'static str) -> ApiError {
    ApiError::invalid_field(field, &Invalid::new("malformed", message))
}

/// `422`: the cursor is none of ours.
pub fn wrong_cursor(field: &str) -> ApiError {
    malformed(field, "Use the cursor of an answer.")
}
