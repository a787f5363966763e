//! Signing out with a token that names no session, as those of an older system: docs/decisions/0010-legacy-tokens.md.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use types::api::LogoutAnswer;
use types::domain::{ClientReason, SessionId};
use types::words::{EndReason, ProblemCode};

use super::sign_out::{answer, check_that_it_was_theirs, forgetting, nothing_to_end};
use crate::http::authenticate::Validity;
use crate::http::principal::{Principal, bearer};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::{Origin, Selection, User};

/// A token that names no session, all that somebody has who wants to sign out.
pub struct SessionlessToken<'h> {
    token: &'h str,
    validity: Validity,
}

/// The token without a session that a request rests on. `None` also where a refresh cookie is there: it names a
/// session.
pub fn presented<'h>(state: &ApiState, headers: &'h HeaderMap) -> Option<SessionlessToken<'h>> {
    let names_session =
        || !state.sessions().refreshes().sessions_of_browser(&state.cookie.presented(headers).tokens()).is_empty();
    let token = bearer(headers).filter(|_| !names_session())?;
    let validity = state.authenticators.sessionless_validity(token)?;
    Some(SessionlessToken { token, validity })
}

impl SessionlessToken<'_> {
    /// Signing out of this device: the client forgets the token, and is told that nothing more can be done about it
    /// alone.
    pub fn logout(&self, state: &ApiState) -> Response {
        if self.validity == Validity::Expired {
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
        let user = match state.authenticators.authenticate_token(self.token).await {
            Ok(Principal::Sessionless(user)) => user,
            // It would name a session.
            Ok(Principal::Session(_)) => return Err(ApiError::invalid_token()),
            Err(error) if error.problem.code == ProblemCode::SessionEnded => {
                return Ok(answer(state, true, nothing_to_end()));
            }
            Err(error) => return Err(error),
        };
        if keep_current {
            return Err(ApiError::session_required());
        }
        let all = Selection::All { user_id: user.id };
        let terminations = state.sessions().terminations();
        let ended = terminations.end_sessionless(&user, all, EndReason::LogoutAll, reason, origin).await?;
        Ok(answer(state, true, ended))
    }
}

/// Ending one session of a user who has none: their own, whichever.
pub async fn end_session(
    state: &ApiState,
    user: &User,
    id: SessionId,
    client_reason: Option<ClientReason>,
    origin: Origin,
) -> Result<Response, ApiError> {
    let one = Selection::One { user_id: user.id, session_id: id };
    let reason = EndReason::RevokedFromOtherDevice;
    let ended = state.sessions().terminations().end_sessionless(user, one, reason, client_reason, origin).await?;
    check_that_it_was_theirs(state, user.id, id, &ended).await?;
    Ok(answer(state, false, ended))
}
