//! What an area brings, declared in one place: the `AREA` of its door.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use types::domain::UserId;

use crate::auth::permissions::Permission;
use crate::config::{Config, Section};
use crate::context::Context;
use crate::http::authenticate::Authenticate;
use crate::http::problem::ProblemExample;
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::jobs::JobKind;
use crate::lifecycle::Tasks;
use crate::mail::MailTemplate;
use crate::metrics::Declaration;
use crate::store::{Store, StoreError};
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
    /// Puts its own state together, and does what must be done before the server serves.
    pub build: for<'a> fn(&'a Context, &'a Config, &'a mut Parts) -> Building<'a>,
    /// The families of tokens that it accepts. They are asked in the order of the areas.
    pub authenticators: fn(&Context, &Parts) -> Vec<Box<dyn Authenticate>>,
    /// Its routes, each with what it needs.
    pub routes: for<'n> fn(Routes<'n>) -> Routes<'n>,
    /// What runs by itself.
    pub tasks: fn(&ApiState, &Background),
    /// Its mails.
    pub mails: &'static [MailTemplate],
    /// Work that must happen, which the queue runs.
    pub jobs: fn(&ApiState) -> Vec<JobKind>,
    /// The problems that only its calls throw.
    pub problems: &'static [ProblemExample],
    /// What it counts.
    pub metrics: &'static [Declaration],
    /// What it holds on a user, for the data export.
    pub held: for<'a> fn(&'a Store, UserId) -> Held<'a>,
}

impl Area {
    /// An area that brings nothing.
    pub const NONE: Self = Self {
        name: "",
        settings: None,
        permissions: &[],
        build: builds_nothing,
        authenticators: |_, _| Vec::new(),
        routes: |routes| routes,
        tasks: |_, _| {},
        mails: &[],
        jobs: |_| Vec::new(),
        problems: &[],
        metrics: &[],
        held: holds_nothing,
    };
}

/// An area that is being put together.
pub type Building<'a> = BoxFuture<'a, Result<(), BuildError>>;

fn builds_nothing<'a>(_: &'a Context, _: &'a Config, _: &'a mut Parts) -> Building<'a> {
    Box::pin(std::future::ready(Ok(())))
}

/// What an area holds on a user, as the export shows it under the area's name. `None` where it holds nothing.
pub type Held<'a> = BoxFuture<'a, Result<Option<Value>, StoreError>>;

fn holds_nothing(_: &Store, _: UserId) -> Held<'_> {
    Box::pin(std::future::ready(Ok(None)))
}

/// What all areas hold on a user, by their names.
pub type HeldByAll<'a> = BoxFuture<'a, Result<BTreeMap<String, Value>, StoreError>>;

/// What all areas bring together, for those of them that show it. A part of its own ([`Parts`]): no area knows the list
/// of areas.
#[derive(Clone, Copy)]
pub struct AllAreas {
    /// Gives their kinds of jobs.
    pub job_kinds: fn(&ApiState) -> Vec<JobKind>,
    /// Gives what they hold on a user.
    pub held: for<'a> fn(&'a Store, UserId) -> HeldByAll<'a>,
    /// Gives the document of all calls (OpenAPI).
    pub document: fn() -> &'static str,
}

/// Why an area could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// Something that waiting does not mend.
    #[error("{what}")]
    Part {
        /// What is wrong, for whoever starts the server.
        what: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BuildError {
    /// Something that waiting does not mend. `what` is for whoever starts the server.
    pub fn part(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Part { what, source: Box::new(source) }
    }
}

/// The own state of each area, and what the house gives them beyond the context, by its type.
#[derive(Default)]
pub struct Parts(TypeMap);

impl Parts {
    /// Adds a part.
    pub fn insert<T: ?Sized + Send + Sync + 'static>(&mut self, part: Arc<T>) {
        self.0.insert(part);
    }

    /// The part of that type.
    ///
    /// # Panics
    /// Where nobody has put it there: then the area that does is not in the list of areas, or comes later.
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> &Arc<T> {
        self.0.get().expect("the area is in the list of areas, before those that need it")
    }

    /// The state of that type, where an area has put it there.
    pub fn find<T: Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        self.0.get()
    }

    /// Adds what `build` makes and only the tasks of the area work with.
    pub fn hand_to_tasks<T: Send + 'static>(&mut self, workers: T) {
        self.0.insert(Mutex::new(Some(workers)));
    }

    /// Gives the tasks of the area what `build` made for them, once.
    ///
    /// # Panics
    /// Where nothing of that type was handed to them, or it was taken before.
    pub fn take_for_tasks<T: Send + 'static>(&self) -> T {
        let workers = self.0.get::<Mutex<Option<T>>>();
        let workers = workers.and_then(|workers| workers.lock().unwrap_or_else(PoisonError::into_inner).take());
        workers.expect("the area hands its tasks what they work with, and starts them once")
    }
}

/// Where an area starts what runs by itself.
pub struct Background {
    /// The tasks of the server.
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

    /// Runs a task that the server cannot keep its guarantees without, until it ends by itself at `stop`.
    pub fn spawn_essential<F>(&self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn_essential(name, task(self.stop.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_to_tasks_is_taken_by_its_type() {
        let mut parts = Parts::default();
        parts.insert(Arc::new(1_u8));
        parts.hand_to_tasks(2_u8);
        assert_eq!((**parts.get::<u8>(), parts.take_for_tasks::<u8>()), (1, 2));
    }

    #[test]
    #[should_panic(expected = "starts them once")]
    fn what_was_taken_is_not_there_any_more() {
        let mut parts = Parts::default();
        parts.hand_to_tasks(1_u8);
        parts.take_for_tasks::<u8>();
        parts.take_for_tasks::<u8>();
    }
}
