//! How calls about accounts fail, as HTTP says it.

use crate::accounts::{AccountError, HashingError};
use crate::http::problem::ApiError;

impl From<HashingError> for ApiError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::unavailable(error),
            HashingError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::InvalidCredentials => Self::invalid_credentials(),
            AccountError::EmailNotVerified => Self::email_not_verified(),
            AccountError::Field { field, invalid } => Self::invalid_field(field, &invalid),
            AccountError::TooMany(wait) => Self::too_many_requests(wait),
            AccountError::SignInTooOld(window) => Self::insufficient_user_authentication(window),
            AccountError::Hashing(error) => error.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}
