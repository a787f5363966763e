//! Acting as a user, for support. Off unless `IMPERSONATION` is on.
//!
//! Whoever acts does so in a session of the user's, which is a device like any other to the user, with a token that
//! says who it is (`act`). It passes only as long as the session from which they act does (`sessions/revocations`),
//! cannot be refreshed, and makes no call that the user has to make in person (`http/needs.rs`). `rules` decides for
//! whom somebody may act, `acting` begins and ends it.

mod acting;
mod handlers;
mod mails;
mod rules;
mod settings;

use std::sync::Arc;

use types::api::impersonation as paths;
use types::words::permissions as names;

use crate::area::{Area, Building, Parts};
use crate::auth::permissions::Permission;
use crate::config::{Config, Section};
use crate::context::Context;
use crate::http::needs::{MayActForUsers, SESSION, permission};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use acting::Impersonation;
use handlers::calls;
use settings::{ImpersonationConfig, SETTINGS};

/// What this area brings.
pub const AREA: Area = Area {
    name: "impersonation",
    settings: Some(Section::new::<ImpersonationConfig>(SETTINGS)),
    permissions: &[USERS_IMPERSONATE],
    build,
    routes,
    mails: mails::ALL,
    problems: handlers::PROBLEMS,
    ..Area::NONE
};

const USERS_IMPERSONATE: Permission = Permission::new(names::USERS_IMPERSONATE, "Act as a user, for support.");

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let impersonation = Impersonation::new(context, config, parts);
        parts.insert(Arc::new(MayActForUsers(impersonation.is_on())));
        parts.insert(Arc::new(impersonation));
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .post(paths::IMPERSONATE, calls::impersonate)
        .needs(permission(USERS_IMPERSONATE).and_recent_proof())
        .described(&calls::IMPERSONATE)
        .delete(paths::ACTING, calls::stop)
        .needs(SESSION.also_while_acting())
        .described(&calls::STOP)
}

impl ApiState {
    fn impersonation(&self) -> &Arc<Impersonation> {
        self.parts.get::<Impersonation>()
    }
}
