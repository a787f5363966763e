//! How calls about sessions fail, as HTTP says it.

use types::words::EndReason;

use crate::http::problem::ApiError;
use crate::sessions::{EndingError, RefreshRefusal, Refusal, SessionsError};
use crate::store::SessionEnd;

/// What is in force although it was not acknowledged.
const UNWRITTEN: &str = "The database can’t be reached, so the sign-out is not saved yet. Try again until it is.";

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
            Refusal::Expired => Self::token_expired(),
            Refusal::SessionEnded(None) => Self::session_ended(),
            Refusal::SessionEnded(Some(end)) => ended(&end),
            Refusal::CannotConfirm { error, list_age } => Self::from(error).with_list_age(list_age),
        }
    }
}

/// A session that is over, with how it ended.
fn ended(end: &SessionEnd) -> ApiError {
    let error = match end.reason {
        EndReason::SessionExpired | EndReason::IdleTimeout => ApiError::session_expired(),
        _ => ApiError::session_ended(),
    };
    error.with_end(end)
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
