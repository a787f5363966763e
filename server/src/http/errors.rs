//! How the store fails, as HTTP says it. How an area fails is said beside its handlers.

use super::problem::ApiError;
use crate::store::StoreError;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) if error.is_missing_table() => Self::unavailable(error).alarming(),
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Broken(_) | StoreError::Unreadable(_) => Self::internal(error),
        }
    }
}
