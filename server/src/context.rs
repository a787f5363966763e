//! What every area works with. No area's own state.

use std::sync::Arc;

use types::domain::Timestamp;
use types::words::AuditAction;
use uuid::Uuid;

use crate::auth::secrets::Keys;
use crate::clock::Clock;
use crate::events::Events;
use crate::lifecycle::Tasks;
use crate::mail::NewMail;
use crate::metrics::Metrics;
use crate::random::{Random, uuid_v7};
use crate::store::{NewAudit, NewJob, Origin, Store};

/// What every area works with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub keys: Arc<Keys>,
    pub metrics: Arc<Metrics>,
    /// Who listens, and where events are published.
    pub events: Arc<Events>,
    /// Runs what outlives a request.
    pub tasks: Tasks,
}

impl Context {
    /// The time by the database's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id (`UUIDv7`).
    pub fn new_id(&self) -> Uuid {
        uuid_v7(&*self.clock, &*self.random)
    }

    /// An audit entry with nothing but what every entry has.
    pub fn audit(&self, action: AuditAction, origin: &Origin) -> NewAudit {
        NewAudit::new(self.new_id(), self.now(), action, origin.clone())
    }

    /// The job that sends a mail: for a verb of the store, which enqueues it in the transaction that it tells of.
    pub fn mail(&self, mail: NewMail) -> NewJob {
        mail.into_job(self.new_id(), self.now())
    }
}
