//! Users who come with a token of an older system: whether it may pass.
//!
//! Such a token names no session, so the revocation list cannot refuse it: the database is asked each time, and where
//! it is away nobody passes. Our own tokens never come here.

use std::sync::Arc;

use super::token::{LegacyToken, LegacyTokens};
use crate::auth::tokens::TokenError;
use crate::context::Context;
use crate::sessions::{Refusal, Sessions};
use crate::store::User;

/// Users with tokens of an older system.
pub struct LegacyUsers {
    /// Verifies the tokens, where they are accepted.
    pub tokens: Option<LegacyTokens>,
    /// The database and the time.
    pub context: Context,
    /// Knows which of them have signed out everywhere.
    pub sessions: Arc<Sessions>,
}

impl LegacyUsers {
    /// Verifies a token; `None` where none are accepted.
    pub fn verify(&self, token: &str) -> Option<Result<LegacyToken, TokenError>> {
        self.tokens.as_ref().map(|tokens| tokens.verify(token, self.context.now()))
    }

    /// Whose token of an older system this is, if it may pass: a user who is not disabled, and who has not signed out
    /// everywhere since it was made.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<User>, Refusal> {
        let Self { tokens, context, sessions } = self;
        let token = tokens.as_ref().ok_or(Refusal::Invalid)?.verify(token, context.now())?;
        // Asked before the database, which knows by then of every end that is known here, unless it waits to be
        // committed.
        let pending = sessions.revocations().all_pending_until(token.user_id);
        let least_epoch = sessions.revocations().list().least_epoch(token.user_id);
        let found = context.store.accounts().user_by_id(token.user_id).await;
        let found = found.map_err(|error| sessions.revocations().cannot_confirm(error))?;
        let user = found.filter(|user| user.disabled_at.is_none()).ok_or(Refusal::Invalid)?;
        let set_back = least_epoch.is_some_and(|least| user.epoch < least);
        if set_back || !token.outlives(pending) || !token.outlives(user.last_logout) {
            return Err(Refusal::SessionEnded(None));
        }
        Ok(Arc::new(user))
    }
}
