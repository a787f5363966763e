//! Roles and permissions: what roles there are, what each allows, and who has them.
//!
//! `rules` decides who may change what, purely; `changes` has the store ask it under lock, and puts in force what comes
//! of it, with `epochs` where many are concerned. No SQL here, and no HTTP outside `handlers`.

mod changes;
mod epochs;
mod handlers;
mod permissions;
mod rules;

use std::sync::Arc;

use types::api::roles as paths;

pub use changes::{Actor, Roles};
pub use rules::{MAX_ROLES, NewRole, Reach, RoleChange};

use crate::area::{Area, Building, Parts};
use crate::config::Config;
use crate::context::Context;
use crate::http::needs::{USER, permission};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::jobs::JobKind;
use crate::store::{Store, StoreError};
use handlers::{permission_lists, roles as calls, users};
use permissions::{ROLES_ASSIGN, ROLES_READ, ROLES_WRITE};

/// What this area brings.
pub const AREA: Area = Area {
    name: "roles",
    permissions: permissions::ALL,
    problems: handlers::PROBLEMS,
    build,
    routes,
    jobs,
    ..Area::NONE
};

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let roles = Roles::new(context, config, parts);
        parts.insert(Arc::new(roles));
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::ROLES, calls::list)
        .needs(permission(ROLES_READ))
        .described(&calls::LIST)
        .post(paths::ROLES, calls::create)
        .needs(permission(ROLES_WRITE).and_recent_proof())
        .described(&calls::CREATE)
        .patch(paths::ROLE, calls::change)
        .needs(permission(ROLES_WRITE).and_recent_proof())
        .described(&calls::CHANGE)
        .delete(paths::ROLE, calls::delete)
        .needs(permission(ROLES_WRITE).and_recent_proof())
        .described(&calls::DELETE)
        .get(paths::PERMISSIONS, permission_lists::all)
        .needs(permission(ROLES_READ))
        .described(&permission_lists::ALL)
        .get(paths::HELD_PERMISSIONS, permission_lists::held)
        .needs(USER)
        .described(&permission_lists::HELD)
        .put(paths::USER_ROLES, users::set)
        .needs(permission(ROLES_ASSIGN).and_recent_proof())
        .described(&users::SET)
}

fn jobs(state: &ApiState) -> Vec<JobKind> {
    vec![epochs::kind(Arc::clone(state.roles()))]
}

/// The first of these names that no role has.
pub async fn unknown_role(store: &Store, names: &[String]) -> Result<Option<String>, StoreError> {
    let known = store.roles().role_names().await?;
    Ok(names.iter().find(|name| !known.contains(name)).cloned())
}

impl ApiState {
    fn roles(&self) -> &Arc<Roles> {
        self.parts.get::<Roles>()
    }
}
