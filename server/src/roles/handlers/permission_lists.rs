//! What permissions there are, and which of them a token has.

use axum::Json;
use axum::extract::State;
use types::api::{HeldPermissions, PermissionList, PermissionSummary};

use crate::auth::permissions::Permission;
use crate::http::operation::{Answer, Operation};
use crate::http::principal::Principal;
use crate::http::state::ApiState;

/// For the document of the API: [`all`].
pub const ALL: Operation = Operation {
    id: "listPermissions",
    summary: "All permissions",
    about: "Each with what it allows, and the lowest built-in role that has it.",
    answers: &[Answer::json::<PermissionList>(200, "All of them.")],
    ..Operation::NONE
};

/// `GET /api/permissions`.
pub async fn all(State(state): State<ApiState>) -> Json<PermissionList> {
    let permissions = state.roles().permissions().all().iter().copied().map(show).collect();
    Json(PermissionList { permissions })
}

fn show(permission: Permission) -> PermissionSummary {
    PermissionSummary {
        name: permission.name().to_owned(),
        allows: permission.allows().to_owned(),
        held_from: permission.held_from().into(),
    }
}

/// For the document of the API: [`held`].
pub const HELD: Operation = Operation {
    id: "listHeldPermissions",
    summary: "What this user may do",
    about: "From the token alone: no database read.",
    answers: &[Answer::json::<HeldPermissions>(200, "Roles and permissions of the token.")],
    ..Operation::NONE
};

/// `GET /api/user/permissions`: from the token alone.
pub async fn held(State(state): State<ApiState>, principal: Principal) -> Json<HeldPermissions> {
    let mut known = state.roles().permissions().all().iter();
    let administers = known.any(|permission| permission.administers() && principal.has(*permission));
    let (roles, permissions) = (principal.roles().to_vec(), principal.permissions().to_vec());
    Json(HeldPermissions { roles, permissions, administers })
}
