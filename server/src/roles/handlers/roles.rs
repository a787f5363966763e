//! Roles themselves: seeing, making, changing and deleting them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use types::api::{
    ChangeRoleFields, ChangeRoleRequest, CreateRoleFields, CreateRoleRequest, ProofRequest, Role, RoleList,
};
use types::domain::{Invalid, RoleDescription, RoleName};
use types::words::ProblemCode;

use super::errors::refused;
use crate::auth::origin::RequestOrigin;
use crate::auth::permissions::Permissions;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::problem::ApiError;
use crate::http::recent_proof::{ProvedBody, RecentlyProved};
use crate::http::state::ApiState;
use crate::roles::changes::Actor;
use crate::roles::permissions::ROLES_WRITE;
use crate::roles::rules::{NewRole, RoleChange};
use crate::store::RoleRow;

/// The most permissions that a body may name.
const MOST_PERMISSIONS: usize = 200;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "listRoles",
    summary: "All roles",
    about: "Built-in roles first, lowest first; then custom ones by name.",
    answers: &[Answer::json::<RoleList>(200, "All of them.")],
    ..Operation::NONE
};

/// `GET /api/roles`.
pub async fn list(State(state): State<ApiState>) -> Result<Json<RoleList>, ApiError> {
    let roles = state.roles().all().await?;
    let known = state.roles().permissions();
    Ok(Json(RoleList { roles: roles.into_iter().map(|role| show(known, role)).collect() }))
}

/// For the document of the API: [`create`].
pub const CREATE: Operation = Operation {
    id: "createRole",
    summary: "Make a role",
    about: "It inherits one role and adds permissions. Neither may be more than what whoever makes it has.",
    body: Some(Payload::of::<CreateRoleRequest>()),
    answers: &[Answer::json::<Role>(201, "The role.")],
    problems: &[ProblemCode::AboveYourReach, ProblemCode::TooManyRoles],
    ..Operation::NONE
};

/// `POST /api/roles`.
pub async fn create(
    State(state): State<ApiState>,
    from: RequestOrigin,
    ProvedBody { principal, body }: ProvedBody<CreateRoleRequest>,
) -> Result<(StatusCode, Json<Role>), ApiError> {
    let Body { fields, mut errors } = body;
    let CreateRoleFields { name, inherits, permissions, description, password: _ } = fields;
    let roles = Arc::clone(state.roles());
    let name = errors.parse(name, RoleName::parse);
    let inherits = errors.parse(inherits, RoleName::parse);
    let permissions =
        errors.parse_each_optional(permissions, MOST_PERMISSIONS, |name| parse_permission(roles.permissions(), name));
    let description = errors.parse_optional(description.filled(), RoleDescription::parse);
    let (name, inherits, permissions, description) = errors.finish((name, inherits, permissions, description))?;
    let new = NewRole {
        name: name.as_str().to_owned(),
        inherits: inherits.as_str().to_owned(),
        permissions: permissions.unwrap_or_default(),
        description: description.map(String::from).unwrap_or_default(),
        at: state.context.now(),
    };
    let actor = Actor::of(&principal, from.origin);
    let creates = async move { roles.create(&actor, &new).await };
    let role = state.complete("role creation", creates).await??.map_err(|why| refused(why, ROLES_WRITE))?;
    Ok((StatusCode::CREATED, Json(show(state.roles().permissions(), role))))
}

/// For the document of the API: [`change`].
pub const CHANGE: Operation = Operation {
    id: "changeRole",
    summary: "Change a role",
    about: "What is absent stays. Its holders, and those of roles that inherit from it, may do what it says from now \
            on: their tokens are refreshed, nobody is signed out. Where they are more than 10,000, that happens in \
            batches after this is answered.",
    path: Some(Parameters::of::<Role>()),
    body: Some(Payload::of::<ChangeRoleRequest>()),
    answers: &[Answer::json::<Role>(200, "The role as changed.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach, ProblemCode::BuiltInRole],
    ..Operation::NONE
};

/// `PATCH /api/roles/{name}`: what is absent stays.
pub async fn change(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Path(name): Path<String>,
    ProvedBody { principal, body }: ProvedBody<ChangeRoleRequest>,
) -> Result<Json<Role>, ApiError> {
    let Body { fields, mut errors } = body;
    let ChangeRoleFields { inherits, permissions, description, password: _ } = fields;
    let roles = Arc::clone(state.roles());
    let inherits = errors.parse_optional(inherits, RoleName::parse);
    let permissions =
        errors.parse_each_optional(permissions, MOST_PERMISSIONS, |name| parse_permission(roles.permissions(), name));
    let description = errors.parse_optional(description, parse_description);
    let (inherits, permissions, description) = errors.finish((inherits, permissions, description))?;
    let change = RoleChange { inherits: inherits.map(|name| name.as_str().to_owned()), permissions, description };
    let actor = Actor::of(&principal, from.origin);
    let changes = async move { roles.change(&actor, &name, &change).await };
    let role = state.complete("role change", changes).await??.map_err(|why| refused(why, ROLES_WRITE))?;
    Ok(Json(show(state.roles().permissions(), role)))
}

/// For the document of the API: [`delete`].
pub const DELETE: Operation = Operation {
    id: "deleteRole",
    summary: "Delete a role",
    about: "Its holders lose it: their tokens are refreshed. Where they are more than 10,000, that happens in batches \
            after this is answered, and until it is done no other role can have its name.",
    path: Some(Parameters::of::<Role>()),
    body: Some(Payload::of::<ProofRequest>()),
    answers: &[Answer::empty(204, "Deleted.")],
    problems: &[
        ProblemCode::NotFound,
        ProblemCode::AboveYourReach,
        ProblemCode::BuiltInRole,
        ProblemCode::RoleInherited,
    ],
    ..Operation::NONE
};

/// `DELETE /api/roles/{name}`.
pub async fn delete(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Path(name): Path<String>,
    RecentlyProved(principal): RecentlyProved,
) -> Result<StatusCode, ApiError> {
    let roles = Arc::clone(state.roles());
    let actor = Actor::of(&principal, from.origin);
    let deletes = async move { roles.delete(&actor, &name).await };
    state.complete("role deletion", deletes).await??.map_err(|why| refused(why, ROLES_WRITE))?;
    Ok(StatusCode::NO_CONTENT)
}

fn show(known: &Permissions, role: RoleRow) -> Role {
    Role {
        all_permissions: known.of(role.base, &role.grants),
        name: role.name,
        built_in: role.built_in,
        inherits: role.inherits,
        description: role.description,
        permissions: role.permissions,
        holders: role.holders,
    }
}

fn parse_permission(known: &Permissions, name: &str) -> Result<String, Invalid> {
    if known.is_known(name) {
        Ok(name.to_owned())
    } else {
        Err(Invalid::new("unknown-permission", "There is no permission of this name."))
    }
}

/// An empty description is one.
fn parse_description(text: &str) -> Result<String, Invalid> {
    if text.trim().is_empty() { Ok(String::new()) } else { RoleDescription::parse(text).map(String::from) }
}
