//! Changes to accounts of others: disabled, enabled, proved, to set a new password, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use types::api::{AdminActionFields, AdminActionRequest, AdminSessionsEnded, AdminUserChange};
use types::domain::{ClientReason, UserId};
use types::words::ProblemCode;

use super::administrator::Administrator;
use super::views;
use crate::admin::permissions::{USERS_DELETE, USERS_WRITE};
use crate::admin::{Actor, AdminError, Administration, Change, UserKey};
use crate::auth::permissions::Permission;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::problem::ApiError;
use crate::http::recent_proof::ProvedBody;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::read_reason;

/// What is done to a user.
#[derive(Clone, Copy)]
enum Act {
    Disable,
    Enable,
    Verify,
    RequirePasswordReset,
    Delete,
}

/// What these calls have in common.
const CHANGE: Operation = Operation {
    path: Some(Parameters::of::<UserId>()),
    body: Some(Payload::of::<AdminActionRequest>()),
    answers: &[Answer::json::<AdminUserChange>(200, "The user as they are now.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach],
    ..Operation::NONE
};

/// For the document of the API: [`disable`].
pub const DISABLE: Operation = Operation {
    id: "adminDisableUser",
    summary: "Disable an account",
    about: "All sessions of the user end. Not that of the last owner.",
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach, ProblemCode::LastOwner],
    ..CHANGE
};

/// `POST /api/admin/users/{id}/disable`.
pub async fn disable(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminUserChange>, ApiError> {
    change(&state, &administrator, &id, body, Act::Disable).await
}

/// For the document of the API: [`enable`].
pub const ENABLE: Operation = Operation {
    id: "adminEnableUser",
    summary: "Enable a disabled account",
    about: "Its sessions stay ended; the user signs in again.",
    ..CHANGE
};

/// `POST /api/admin/users/{id}/enable`.
pub async fn enable(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminUserChange>, ApiError> {
    change(&state, &administrator, &id, body, Act::Enable).await
}

/// For the document of the API: [`verify`].
pub const VERIFY: Operation = Operation {
    id: "adminVerifyUser",
    summary: "Count the address of a user as proved",
    about: "Whoever does it answers for the address.",
    ..CHANGE
};

/// `POST /api/admin/users/{id}/verify`.
pub async fn verify(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminUserChange>, ApiError> {
    change(&state, &administrator, &id, body, Act::Verify).await
}

/// For the document of the API: [`require_password_reset`].
pub const REQUIRE_PASSWORD_RESET: Operation = Operation {
    id: "adminRequirePasswordReset",
    summary: "Have a user set a new password",
    about: "All sessions of the user end. The next sign-in with the present password is answered with \
            `403 password-reset-required`, and a link that sets a new one is mailed.",
    ..CHANGE
};

/// `POST /api/admin/users/{id}/require-password-reset`.
pub async fn require_password_reset(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminUserChange>, ApiError> {
    change(&state, &administrator, &id, body, Act::RequirePasswordReset).await
}

/// For the document of the API: [`delete`].
pub const DELETE: Operation = Operation {
    id: "adminDeleteUser",
    summary: "Delete an account",
    about: "With everything that is held on the user, as they could themselves. Not that of the last owner.",
    answers: &[Answer::json::<AdminSessionsEnded>(200, "Deleted.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach, ProblemCode::LastOwner],
    ..CHANGE
};

/// `DELETE /api/admin/users/{id}`.
pub async fn delete(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminSessionsEnded>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    let changed = act(&state, &administrator, id, body, Act::Delete).await?;
    Ok(Json(AdminSessionsEnded { sessions_ended: ended_with(&changed) }))
}

async fn change(
    state: &ApiState,
    administrator: &Administrator,
    id: &str,
    body: ProvedBody<AdminActionRequest>,
    what: Act,
) -> Result<Json<AdminUserChange>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    let change = act(state, administrator, id, body, what).await?;
    let user = state.admin().administration.user(&UserKey::Id(id)).await?;
    Ok(Json(AdminUserChange {
        user: views::summary(user),
        changed: change != Change::Unchanged,
        sessions_ended: ended_with(&change),
    }))
}

/// Does it, and enforces here what was committed.
async fn act(
    state: &ApiState,
    administrator: &Administrator,
    id: UserId,
    body: ProvedBody<AdminActionRequest>,
    what: Act,
) -> Result<Change, ApiError> {
    let AdminActionFields { reason, password: _ } = body.body.fields;
    let reason = read_reason(reason);
    let actor = administrator.actor(state, what.needs()).await?;
    let administration = Arc::clone(&state.admin().administration);
    let sessions = Arc::clone(state.sessions());
    let acts = async move {
        let change = what.on(&administration, &actor, &UserKey::Id(id), reason.as_ref()).await?;
        if let Change::Done(outcome) = &change {
            sessions.revocations().put_in_force(outcome);
        }
        Ok::<_, AdminError>(change)
    };
    Ok(state.complete("change of a user", acts).await??)
}

impl Act {
    /// The permission of its call.
    const fn needs(self) -> Permission {
        match self {
            Self::Disable | Self::Enable | Self::Verify | Self::RequirePasswordReset => USERS_WRITE,
            Self::Delete => USERS_DELETE,
        }
    }

    async fn on(
        self,
        administration: &Administration,
        actor: &Actor,
        user: &UserKey,
        reason: Option<&ClientReason>,
    ) -> Result<Change, AdminError> {
        match self {
            Self::Disable => administration.disable_user(actor, user, reason).await,
            Self::Enable => administration.enable_user(actor, user, reason).await,
            Self::Verify => administration.verify_user(actor, user, reason).await,
            Self::RequirePasswordReset => administration.require_password_reset(actor, user, reason).await,
            Self::Delete => administration.delete_user(actor, user, reason).await,
        }
    }
}

fn ended_with(change: &Change) -> u64 {
    match change {
        Change::Done(outcome) => u64::try_from(outcome.ended.len()).unwrap_or(u64::MAX),
        Change::Unchanged => 0,
    }
}
