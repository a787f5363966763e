//! What administrators need for accounts of others: passwords that are judged and hashed as everywhere, and the link
//! that sets one.

use types::domain::{DisplayName, Email, Password};
use types::pages::with_token;

use super::account::{AccountError, Accounts};
use crate::auth::secrets::Capability;

impl Accounts {
    /// The hash of a password that somebody else has chosen for a new account; refused as its owner's own would be.
    pub async fn hash_chosen_password(
        &self,
        password: &Password,
        email: &Email,
        name: &DisplayName,
    ) -> Result<String, AccountError> {
        self.judge("password", password, email, name.as_str()).await?;
        Ok(self.hasher.hash(password).await?)
    }

    /// The hash of a password that nobody knows, for an account whose owner has yet to set one.
    pub async fn hash_unknown_password(&self) -> Result<String, AccountError> {
        let unknown = Capability::draw(&*self.context.random);
        let password = Password::parse_existing(unknown.expose());
        let password = password.map_err(|invalid| AccountError::Field { field: "password", invalid })?;
        Ok(self.hasher.hash(&password).await?)
    }

    /// A hash to store for a user who has no password yet. It takes no time to make, for a million of them.
    pub fn hash_of_nothing(&self) -> Result<String, AccountError> {
        Ok(self.hasher.hash_of_nothing()?)
    }

    /// The link that sets a password with this token, as a mail has it.
    pub fn reset_link(&self, token: &Capability) -> String {
        with_token(&self.reset_page, token.expose())
    }
}
