//! What an area brings, declared in one place: the `AREA` of its door.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::auth::permissions::Permission;
use crate::config::{Config, Section};
use crate::context::Context;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::jobs::JobKind;
use crate::lifecycle::Tasks;
use crate::mail::MailTemplate;
use crate::type_map::TypeMap;

/// What an area brings. What it does not bring is as in [`Area::NONE`].
#[derive(Clone, Copy)]
pub struct Area {
    /// Its name, as its folder has it.
    pub name: &'static str,
    /// Its settings.
    pub settings: Option<Section>,
    /// What its routes may ask for beyond a session.
    pub permissions: &'static [Permission],
    /// Puts its own state together.
    pub build: fn(&Context, &Config, &mut Parts),
    /// Its routes, each with what it needs.
    pub routes: for<'n> fn(Routes<'n>) -> Routes<'n>,
    /// What runs by itself.
    pub tasks: fn(&ApiState, &Background),
    /// Its mails.
    pub mails: &'static [MailTemplate],
    /// Work that must happen, which the queue runs.
    pub jobs: fn(&ApiState) -> Vec<JobKind>,
}

impl Area {
    /// An area that brings nothing.
    pub const NONE: Self = Self {
        name: "",
        settings: None,
        permissions: &[],
        build: |_, _, _| {},
        routes: |routes| routes,
        tasks: |_, _| {},
        mails: &[],
        jobs: |_| Vec::new(),
    };
}

/// The own state of each area, by its type.
#[derive(Default)]
pub struct Parts(TypeMap);

impl Parts {
    /// Adds the state of an area.
    pub fn insert<T: Send + Sync + 'static>(&mut self, part: Arc<T>) {
        self.0.insert(part);
    }

    /// The state of that type.
    ///
    /// # Panics
    /// Where no area has put it there: then the area is not in the list of areas.
    pub fn get<T: Send + Sync + 'static>(&self) -> &Arc<T> {
        self.0.get().expect("the area is in the list of areas")
    }
}

/// Where an area starts what runs by itself.
pub struct Background {
    /// Runs it.
    pub tasks: Tasks,
    /// Set when it is to stop.
    pub stop: CancellationToken,
}

impl Background {
    /// Runs a task that the server can do without, until it ends by itself at `stop`.
    pub fn spawn<F>(&self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(name, task(self.stop.clone()));
    }
}
