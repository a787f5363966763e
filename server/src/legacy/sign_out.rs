//! Signing out with a token of an older system, which names no session: docs/decisions/0010-legacy-tokens.md.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use types::api::LogoutAnswer;
use types::domain::{ClientReason, SessionId};

use crate::auth::tokens::TokenError;
use crate::http::principal::bearer;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::Refusal;
use crate::sessions::handlers::sign_out::{answer, check_that_it_was_theirs, forgetting, nothing_to_end};
use crate::store::{Origin, User};

/// A token of the older system, all that somebody has who wants to sign out.
pub struct Presented<'h> {
    token: &'h str,
    expired: bool,
}

/// The token of the older system that a request rests on. `None` also where a refresh cookie is there: it names a
/// session.
pub fn presented<'h>(state: &ApiState, headers: &'h HeaderMap) -> Option<Presented<'h>> {
    let legacy = state.legacy();
    let names_session =
        || !state.sessions().refreshes().sessions_of_browser(&state.cookie.presented(headers).tokens()).is_empty();
    let token = bearer(headers).filter(|_| !names_session())?;
    match legacy.verify(token, state.context.now())? {
        Ok(_) => Some(Presented { token, expired: false }),
        Err(TokenError::Expired) => Some(Presented { token, expired: true }),
        Err(TokenError::Invalid) => None,
    }
}

impl Presented<'_> {
    /// Signing out of this device: the client forgets the token, and is told that nothing more can be done about it
    /// alone.
    pub fn logout(&self, state: &ApiState) -> Response {
        if self.expired {
            return answer(state, true, nothing_to_end());
        }
        let warning = "This token comes from an older system and has no session that could be ended. \
                       Until it runs out, only signing out everywhere ends it.";
        let body = LogoutAnswer {
            success: true,
            message: "You’re signed out here.".to_owned(),
            warning: Some(warning.to_owned()),
            ..LogoutAnswer::default()
        };
        forgetting(state, Json(body).into_response())
    }

    /// Signing out everywhere, which ends this token too. There is no current session that could be kept.
    pub async fn logout_all(
        &self,
        state: &ApiState,
        keep_current: bool,
        reason: Option<ClientReason>,
        origin: Origin,
    ) -> Result<Response, ApiError> {
        let user = match state.legacy().authenticate(self.token).await {
            Ok(user) => user,
            Err(Refusal::SessionEnded(_)) => return Ok(answer(state, true, nothing_to_end())),
            Err(refusal) => return Err(refusal.into()),
        };
        if keep_current {
            return Err(ApiError::session_required());
        }
        let ended = state.legacy().end_all(&user, reason, origin).await?;
        Ok(answer(state, true, ended))
    }
}

/// Ending one session of the user: their own, whichever.
pub async fn end_session(
    state: &ApiState,
    user: &User,
    id: SessionId,
    reason: Option<ClientReason>,
    origin: Origin,
) -> Result<Response, ApiError> {
    let ended = state.legacy().end_one(user, id, reason, origin).await?;
    check_that_it_was_theirs(state, user.id, id, &ended).await?;
    Ok(answer(state, false, ended))
}
