//! The proof of identity that comes with a call.

use futures::future::BoxFuture;
use types::domain::Password;

use crate::accounts::Accounts;
use crate::auth::tokens::Verified;
use crate::http::problem::ApiError;
use crate::http::recent_proof::StepUp;

impl StepUp for Accounts {
    fn step_up<'a>(
        &'a self,
        token: &'a Verified,
        password: Option<&'a Password>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let Verified { session_id, user_id, proofs, .. } = token;
            Ok(self.check_proof(*session_id, *user_id, password, proofs).await?)
        })
    }
}
