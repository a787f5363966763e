//! The first owner: where nobody is one, a server writes a link to its log when it starts, and whoever opens it makes
//! one. The page is that of `pages`; which links are good is decided here.

mod handlers;
mod links;

use std::sync::Arc;

use types::api::first_owner::FIRST_OWNER;

pub use handlers::{asked_elsewhere, make};
pub use links::FirstOwners;

use crate::area::{Area, Building, Parts};
use crate::config::{Config, PublicUrl};
use crate::context::Context;
use crate::http::needs::{Credential, Needs};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use handlers::MAKE;

/// What this area brings.
pub const AREA: Area = Area { name: "first_owner", build, routes, problems: handlers::PROBLEMS, ..Area::NONE };

const LINK: Needs = Needs::Credentials(&[Credential::OwnerLink]);

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let first_owners = FirstOwners::new(context, config, Arc::clone(parts.get()));
        first_owners.offer(&PublicUrl::of_listener(config.server.listen)).await?;
        parts.insert(Arc::new(first_owners));
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes.post(FIRST_OWNER, make).needs(LINK).described(&MAKE)
}

impl ApiState {
    pub fn first_owners(&self) -> &FirstOwners {
        self.parts.get::<FirstOwners>()
    }
}
