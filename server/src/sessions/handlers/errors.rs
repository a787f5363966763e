//! How calls about sessions fail, as HTTP says it.

use std::time::Duration;

use types::domain::{SessionId, Timestamp};
use types::words::{EndReason, ProblemCode};
use uuid::Uuid;

use crate::http::problem::{ApiError, CHALLENGE_INVALID, ProblemExample};
use crate::sessions::{EndingError, RefreshRefusal, Refusal, SessionsError};
use crate::store::{SessionEnd, StoreError};

/// The sentence for an end that is in force here and could not be acknowledged.
const UNWRITTEN: &str = "The database can’t be reached, so the sign-out is not saved yet. Try again until it is.";

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[
    ProblemExample::new(ProblemCode::TokenExpired, token_expired),
    ProblemExample::new(ProblemCode::SessionExpired, session_expired),
    ProblemExample::new(ProblemCode::SessionEnded, ended_from_another_device),
];

impl From<SessionsError> for ApiError {
    fn from(error: SessionsError) -> Self {
        match error {
            SessionsError::Store(error) => error.into(),
            SessionsError::Ending(error) => error.into(),
            SessionsError::Key(error) => Self::internal(error),
        }
    }
}

impl From<EndingError> for ApiError {
    fn from(error: EndingError) -> Self {
        match error {
            EndingError::Unwritten(_) => Self::unavailable(error).alarming().with_detail(UNWRITTEN),
            EndingError::Store(_) | EndingError::Stopping => Self::unavailable(error),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid => Self::invalid_token(),
            Refusal::Expired => token_expired(),
            Refusal::SessionEnded(None) => Self::session_ended(),
            Refusal::SessionEnded(Some(end)) => ended(&end),
            Refusal::CannotConfirm { error, list_age } => cannot_confirm(error, list_age),
        }
    }
}

/// `401`: refresh it.
fn token_expired() -> ApiError {
    ApiError::unauthorized(ProblemCode::TokenExpired, "The token has expired", CHALLENGE_INVALID)
}

/// `401`: its session reached its end.
fn session_expired() -> ApiError {
    ApiError::unauthorized(ProblemCode::SessionExpired, "The session has expired", CHALLENGE_INVALID)
}

/// A session that is over, with how it ended.
fn ended(end: &SessionEnd) -> ApiError {
    let mut error = match end.reason {
        EndReason::SessionExpired | EndReason::IdleTimeout => session_expired(),
        _ => ApiError::session_ended(),
    };
    error.problem.reason = Some(end.reason.into());
    error.problem.ended_at = Some(end.at);
    error.problem.ended_by = end.ended_by;
    error.problem.ended_by_device.clone_from(&end.ended_by_device);
    error
}

/// An example, with what `types::api::examples` has.
fn ended_from_another_device() -> ApiError {
    ended(&SessionEnd {
        at: Timestamp::from_millis(1_795_944_600_000),
        reason: EndReason::RevokedFromOtherDevice,
        ended_by: Some(SessionId(Uuid::from_u128(0x0198_ad2e_7c10_7a52_9c3e_5d1f_0a6b_7c81))),
        ended_by_device: Some("Chrome on macOS".to_owned()),
    })
}

/// The database cannot be asked, and this server's list is too old to say.
fn cannot_confirm(error: StoreError, list_age: Duration) -> ApiError {
    let mut error = ApiError::from(error);
    error.problem.revocation_list_age_ms = Some(u64::try_from(list_age.as_millis()).unwrap_or(u64::MAX));
    error
}

impl From<RefreshRefusal> for ApiError {
    fn from(refusal: RefreshRefusal) -> Self {
        match refusal {
            RefreshRefusal::Invalid => Self::invalid_token(),
            RefreshRefusal::Ended(end) | RefreshRefusal::Reused(end) => ended(&end),
            RefreshRefusal::EndPending => Self::session_ended(),
            RefreshRefusal::Failed(error) => error.into(),
        }
    }
}
