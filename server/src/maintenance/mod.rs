//! What every server does by itself to keep the installation in shape: deleting what is past its time, and looking
//! after the signing keys. `latchkey cleanup` does the first of them at once.

mod cleanup;
mod settings;
mod signing_keys;

use std::sync::Arc;

pub use cleanup::{Cleanup, Retention};
pub use settings::MaintenanceConfig;
use signing_keys::KeyCare;

use crate::area::{Area, Background, Building, Parts};
use crate::auth::refresh::Lifetimes;
use crate::config::Config;
use crate::context::Context;
use crate::http::state::ApiState;

/// What this area brings: what runs every so often.
pub const AREA: Area =
    Area { name: "maintenance", settings: Some(settings::SECTION), build, tasks: start, ..Area::NONE };

/// What the tasks work with.
struct Workers {
    cleanup: Cleanup,
    key_care: KeyCare,
}

fn build<'a>(context: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let Context { store, clock, random, metrics, .. } = context;
        let cleanup = Cleanup {
            store: store.clone(),
            retention: Retention::of(config),
            metrics: metrics.group(),
            clock: Arc::clone(clock),
            random: Arc::clone(random),
        };
        let key_care = KeyCare {
            context: context.clone(),
            ring: Arc::clone(parts.get()),
            tokens: Arc::clone(parts.get()),
            lifetimes: Lifetimes::of(config),
            rotation: config.section::<MaintenanceConfig>().signing_key_rotation,
        };
        parts.hand_to_tasks(Workers { cleanup, key_care });
        Ok(())
    })
}

fn start(state: &ApiState, background: &Background) {
    let Workers { cleanup, key_care } = state.parts.take_for_tasks();
    background.spawn("clean-up", |stop| cleanup.run(stop));
    background.spawn("signing keys", |stop| key_care.run(stop));
}
