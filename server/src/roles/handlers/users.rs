//! Who has which roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use types::api::{SetRolesFields, SetRolesRequest, UserRoles};
use types::domain::{Invalid, RoleName, UserId};
use types::words::ProblemCode;

use super::errors::refused;
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::problem::ApiError;
use crate::http::recent_proof::ProvedBody;
use crate::http::state::ApiState;
use crate::roles::changes::Actor;
use crate::roles::permissions::ROLES_ASSIGN;

/// The most roles that a user may have.
const MOST_ROLES: usize = 20;

/// For the document of the API: [`set`].
pub const SET: Operation = Operation {
    id: "setUserRoles",
    summary: "Set the roles of a user",
    about: "Only roles that reach no further than those of whoever asks, and only for users who reach no further. \
            The user’s tokens are refreshed, nobody is signed out.",
    path: Some(Parameters::of::<UserId>()),
    body: Some(Payload::of::<SetRolesRequest>()),
    answers: &[Answer::json::<UserRoles>(200, "The roles from now on.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach, ProblemCode::LastOwner],
    ..Operation::NONE
};

/// `PUT /api/users/{id}/roles`.
pub async fn set(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Path(id): Path<String>,
    ProvedBody { principal, body }: ProvedBody<SetRolesRequest>,
) -> Result<Json<UserRoles>, ApiError> {
    let Body { fields, mut errors } = body;
    let SetRolesFields { roles: names, password: _ } = fields;
    let names = errors.parse_each(names, MOST_ROLES, RoleName::parse);
    if names.as_ref().is_some_and(Vec::is_empty) {
        errors.refuse("roles", &Invalid::new("required", "Give one role at least."));
    }
    let (names,) = errors.finish((names,))?;
    let user_id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
    let roles = Arc::clone(state.roles());
    let actor = Actor::of(&principal, from.origin);
    let sets = async move { roles.set_user_roles(&actor, user_id, &names).await };
    let user = state.complete("change of roles", sets).await??.map_err(|why| refused(why, ROLES_ASSIGN))?;
    let permissions = state.roles().permissions().of(user.base_role, &user.added_permissions);
    Ok(Json(UserRoles { user_id, roles: user.roles, permissions }))
}
