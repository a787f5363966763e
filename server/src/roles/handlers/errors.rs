//! Why a change of roles is refused, as HTTP says it.

use types::api::FieldError;
use types::domain::Invalid;
use types::words::ProblemCode;

use crate::auth::permissions::Permission;
use crate::http::problem::{ApiError, ProblemExample};
use crate::roles::rules::MAX_ROLES;
use crate::store::RoleRefusal;

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[
    ProblemExample::new(ProblemCode::AboveYourReach, || {
        ApiError::above_your_reach("The role owner reaches further than your own roles.")
    }),
    ProblemExample::new(ProblemCode::BuiltInRole, built_in_role),
    ProblemExample::new(ProblemCode::RoleInherited, || role_inherited("support-lead")),
    ProblemExample::new(ProblemCode::TooManyRoles, || too_many_roles(MAX_ROLES)),
];

/// The problem. `needs` is what the call needs, for whoever has lost it since their token was made.
pub fn refused(refusal: RoleRefusal, needs: Permission) -> ApiError {
    match refusal {
        RoleRefusal::NotAllowed => ApiError::permission_required(needs),
        RoleRefusal::NotFound => ApiError::not_found(),
        RoleRefusal::RoleAboveActor(role) => {
            ApiError::above_your_reach(format!("The role {role} reaches further than your own roles."))
        }
        RoleRefusal::PermissionsAboveActor(names) => {
            ApiError::above_your_reach(format!("You don’t have this yourself: {}.", names.join(", ")))
        }
        RoleRefusal::UserAboveActor => {
            ApiError::above_your_reach("This concerns somebody whose roles reach further than your own.")
        }
        RoleRefusal::LastOwner => ApiError::last_owner(),
        RoleRefusal::UnknownRoles(places) => {
            let unknown = unknown_role();
            let error = |place: usize| FieldError {
                field: format!("roles[{place}]"),
                code: unknown.code.to_owned(),
                message: unknown.message.clone(),
            };
            ApiError::invalid_fields(places.into_iter().map(error).collect())
        }
        RoleRefusal::UnknownParent => ApiError::invalid_field("inherits", &unknown_role()),
        RoleRefusal::Circular => {
            let invalid =
                Invalid::new("circular", "A role can’t inherit from itself, or from one that inherits from it.");
            ApiError::invalid_field("inherits", &invalid)
        }
        RoleRefusal::NameTaken => {
            ApiError::invalid_field("name", &Invalid::new("taken", "There is a role of this name."))
        }
        RoleRefusal::BuiltIn => built_in_role(),
        RoleRefusal::Inherited(heir) => role_inherited(&heir),
        RoleRefusal::TooManyRoles => too_many_roles(MAX_ROLES),
    }
}

fn unknown_role() -> Invalid {
    Invalid::new("unknown-role", "There is no role of this name.")
}

/// `409`: a built-in role stays as it is.
fn built_in_role() -> ApiError {
    ApiError::of(ProblemCode::BuiltInRole, "This role is built in and stays as it is")
}

/// `409`: this role inherits from the one that is to go.
fn role_inherited(heir: &str) -> ApiError {
    ApiError::of(ProblemCode::RoleInherited, "Other roles inherit from this one")
        .with_detail(format!("{heir} inherits from it. Change that first."))
}

/// `409`: there are as many custom roles as there may be.
fn too_many_roles(most: usize) -> ApiError {
    ApiError::of(ProblemCode::TooManyRoles, "There are too many roles")
        .with_detail(format!("There can be {most} of your own. Delete one first."))
}
