//! Beginning to act for a user, and stopping.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use types::api::{ActingTokens, ImpersonateFields, ImpersonateRequest, SupportReason};
use types::domain::UserId;
use types::words::ProblemCode;

use super::errors::{impersonation_off, refused};
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::recent_proof::ProvedBody;
use crate::http::state::ApiState;

/// For the document of the API: [`impersonate`].
pub const IMPERSONATE: Operation = Operation {
    id: "impersonateUser",
    summary: "Begin to act as a user, for support",
    about: "For users who reach no further than whoever asks, for 30 minutes at most, where `IMPERSONATION` is on. The \
            user sees it among their devices and in their activity, and is told by mail. The token cannot be \
            refreshed, and passes only as long as the session does from which it was asked for.",
    path: Some(Parameters::of::<UserId>()),
    body: Some(Payload::of::<ImpersonateRequest>()),
    answers: &[Answer::json::<ActingTokens>(200, "The token of the user’s session in which somebody acts.")],
    problems: &[
        ProblemCode::ImpersonationOff,
        ProblemCode::AboveYourReach,
        ProblemCode::NotFound,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `POST /api/admin/users/{id}/impersonate`.
pub async fn impersonate(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Path(id): Path<String>,
    ProvedBody { principal, body }: ProvedBody<ImpersonateRequest>,
) -> Result<Json<ActingTokens>, ApiError> {
    if !state.impersonation().is_on() {
        return Err(impersonation_off());
    }
    let Body { fields, mut errors } = body;
    let ImpersonateFields { reason, password: _ } = fields;
    let reason = errors.parse(reason, SupportReason::parse);
    let (reason,) = errors.finish((reason,))?;
    let user_id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    state.may_do(LimitedAction::Change, Some(principal.session_id), principal.user_id).await?;
    let impersonation = Arc::clone(state.impersonation());
    let begins = async move { impersonation.begin(&principal, from.origin, user_id, &reason).await };
    let tokens = state.complete("acting for a user", begins).await??.map_err(refused)?;
    Ok(Json(tokens))
}

/// For the document of the API: [`stop`].
pub const STOP: Operation = Operation {
    id: "stopActing",
    summary: "Stop acting as a user",
    about: "By the token of whoever acts. Cookies stay as they are.",
    answers: &[Answer::empty(204, "The session has ended, or is refused on this server until the database is back.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `DELETE /api/user/acting`.
pub async fn stop(State(state): State<ApiState>, InSession(principal): InSession) -> Result<StatusCode, ApiError> {
    let act = principal.act.as_ref().ok_or_else(ApiError::not_found)?;
    state.impersonation().stop(&principal, act).await?;
    Ok(StatusCode::NO_CONTENT)
}
