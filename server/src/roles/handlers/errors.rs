//! Why a change of roles is refused, as HTTP says it.

use types::api::FieldError;
use types::domain::Invalid;

use crate::auth::permissions::Permission;
use crate::http::problem::ApiError;
use crate::roles::rules::{MAX_HOLDERS, MAX_ROLES};
use crate::store::RoleRefusal;

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
        RoleRefusal::BuiltIn => ApiError::built_in_role(),
        RoleRefusal::Inherited(heir) => ApiError::role_inherited(&heir),
        RoleRefusal::TooManyHolders => ApiError::too_many_holders(MAX_HOLDERS),
        RoleRefusal::TooManyRoles => ApiError::too_many_roles(MAX_ROLES),
    }
}

fn unknown_role() -> Invalid {
    Invalid::new("unknown-role", "There is no role of this name.")
}
