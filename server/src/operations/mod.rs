//! What the users ask who run a server, and what other programs ask it: health, metrics, the keys that verify tokens,
//! and in development the mailbox.

mod handlers;

use std::sync::Arc;

use axum::Router;
use types::api::paths;

use crate::area::Area;
use crate::auth::keys::KeyRing;
use crate::events::BusStatus;
use crate::http::needs::NOTHING;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::registry::Registry;
use handlers::public;

pub use handlers::metrics::beside as metrics_beside;

pub const AREA: Area = Area { name: "operations", routes, ..Area::NONE };

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
pub struct Operations {
    /// The keys that are published.
    pub key_ring: Arc<KeyRing>,
    /// The other servers.
    pub registry: Arc<Registry>,
    /// How the way to them is doing.
    pub bus: Arc<BusStatus>,
    /// `SERVER_ID`.
    pub server_id: String,
}

impl ApiState {
    pub fn operations(&self) -> &Operations {
        self.parts.get::<Operations>()
    }
}

/// What the listener for metrics answers.
pub fn metrics_router(state: &ApiState) -> Router {
    handlers::metrics::alone(state)
}
