//! What the users ask who run a server, and what other programs ask it: health, the keys that verify tokens, and in
//! development the mailbox.

mod handlers;

use std::sync::Arc;

use types::api::paths;

use crate::area::{Area, Building, Parts};
use crate::auth::keys::KeyRing;
use crate::config::Config;
use crate::context::Context;
use crate::events::BusStatus;
use crate::http::needs::NOTHING;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::registry::Registry;
use handlers::public;

pub const AREA: Area = Area { name: "operations", build, routes, ..Area::NONE };

fn build<'a>(_: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let server_status = ServerStatus {
            key_ring: Arc::clone(parts.get()),
            registry: Arc::clone(parts.get()),
            bus: Arc::clone(parts.get()),
            server_id: config.server.server_id.clone(),
        };
        parts.insert(Arc::new(server_status));
        Ok(())
    })
}

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::OPENAPI, public::openapi)
        .needs(NOTHING)
        .described(&public::OPENAPI)
        .get(paths::JWKS, public::jwks)
        .needs(NOTHING)
        .described(&public::JWKS)
        .get(paths::HEALTH, public::health)
        .needs(NOTHING)
        .described(&public::HEALTH)
        .get(paths::HEALTH_LIVE, public::live)
        .needs(NOTHING)
        .described(&public::LIVE)
        .get(paths::HEALTH_READY, public::ready)
        .needs(NOTHING)
        .described(&public::READY)
        .get(paths::DEV_MAILBOX, public::mailbox)
        .needs(NOTHING)
        .described(&public::MAILBOX)
}

/// What this area knows of the server.
pub struct ServerStatus {
    /// The keys that are published.
    pub key_ring: Arc<KeyRing>,
    pub registry: Arc<Registry>,
    /// How the way to them is doing.
    pub bus: Arc<BusStatus>,
    /// `SERVER_ID`.
    pub server_id: String,
}

impl ApiState {
    pub fn server_status(&self) -> &ServerStatus {
        self.parts.get::<ServerStatus>()
    }
}
