//! The user whom development mode shows on the sign-in page, so that there is somebody to sign in as.

use types::domain::{DisplayName, Email, Password};

use super::{AccountError, Accounts};
use crate::config::Config;

pub const EMAIL: &str = "demo@latchkey.dev";
/// The password. Exists in development mode only.
pub const PASSWORD: &str = "correct-demo-horse";

/// Creates the user in development mode, as an owner, unless there is one.
pub async fn seed(config: &Config, accounts: &Accounts) -> Result<(), AccountError> {
    if !config.server.is_development() {
        return Ok(());
    }
    let unfit = |field| move |invalid| AccountError::Field { field, invalid };
    let email = Email::parse(EMAIL).map_err(unfit("email"))?;
    let password = Password::parse_new(PASSWORD).map_err(unfit("password"))?;
    let name = DisplayName::parse("Demo Person").map_err(unfit("name"))?;
    accounts.seed(&email, &password, &name).await
}
