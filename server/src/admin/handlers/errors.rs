//! How the calls of administrators fail, as HTTP says it.

use types::domain::Invalid;

use crate::admin::AdminError;
use crate::http::problem::ApiError;

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NoSuchUser(_) | AdminError::NoSuchSession(_) => Self::not_found(),
            AdminError::LastOwner => Self::last_owner(),
            AdminError::AboveActor => {
                Self::above_your_reach("This concerns somebody whose roles reach further than your own.")
            }
            AdminError::NotAllowed(permission) => Self::permission_required(permission),
            AdminError::Account(error) => error.into(),
            AdminError::Store(error) => error.into(),
            // No call of the API makes accounts or invites anybody.
            AdminError::EmailTaken(_) | AdminError::Disabled | AdminError::InUse(_) | AdminError::NoSuchRole(_) => {
                Self::internal(error)
            }
        }
    }
}

/// `422`: what is in the address cannot be read.
pub fn malformed(field: &str, message: &'static str) -> ApiError {
    ApiError::invalid_field(field, &Invalid::new("malformed", message))
}

/// `422`: the cursor is none of ours.
pub fn wrong_cursor(field: &str) -> ApiError {
    malformed(field, "Use the cursor of an answer.")
}

/// Refuses what no text that is stored can hold: PostgreSQL has no zero byte, and nobody types the others.
pub fn is_plain(field: &str, text: Option<&str>) -> Result<(), ApiError> {
    if text.is_some_and(|text| text.contains(char::is_control)) {
        return Err(malformed(field, "Use letters, digits and signs only."));
    }
    Ok(())
}
