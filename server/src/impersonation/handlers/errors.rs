//! Why nobody acts for a user, as HTTP says it.

use types::domain::Invalid;
use types::words::ProblemCode;

use crate::http::problem::{ApiError, ProblemExample};
use crate::impersonation::USERS_IMPERSONATE;
use crate::store::ActingRefusal;

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[ProblemExample::new(ProblemCode::ImpersonationOff, impersonation_off)];

/// `403`: nobody acts for anybody here.
pub fn impersonation_off() -> ApiError {
    ApiError::of(ProblemCode::ImpersonationOff, "Nobody can act as somebody else here")
        .with_detail("Whoever runs this installation can allow it with IMPERSONATION=on.")
}

pub fn refused(refusal: ActingRefusal) -> ApiError {
    match refusal {
        ActingRefusal::NotAllowed => ApiError::permission_required(USERS_IMPERSONATE),
        ActingRefusal::NotFound => ApiError::not_found(),
        ActingRefusal::Oneself => {
            ApiError::invalid_field("id", &Invalid::new("yourself", "You can’t act as yourself."))
        }
        ActingRefusal::Disabled => {
            ApiError::invalid_field("id", &Invalid::new("disabled", "This account is disabled."))
        }
        ActingRefusal::UserAboveActor => {
            ApiError::of(ProblemCode::AboveYourReach, "This reaches further than your own roles")
                .with_detail("This concerns somebody whose roles reach further than your own.")
        }
        ActingRefusal::ActorSessionEnded => ApiError::session_ended(),
    }
}
