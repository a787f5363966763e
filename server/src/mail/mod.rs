//! Mail: what it says, and how it leaves. It is enqueued as a job with what it belongs to, and delivered by the queue.

mod delivery;
mod development_mailbox;
mod message;
mod metrics;
mod settings;
mod templates;

use std::sync::Arc;

pub use delivery::{Delivery, MailError};
pub use development_mailbox::DevelopmentMailbox;
pub use message::{KIND, Mail, MailContent, NewMail};
pub use metrics::{MailMetrics, MailResult};
pub use settings::MailConfig;
pub use templates::MailTemplate;
pub(crate) use templates::mail_template;

use crate::area::{Area, BuildError, Building, Parts};
use crate::config::Config;
use crate::context::Context;
use crate::http::state::ApiState;
use crate::jobs::JobKind;
use crate::metrics::Declaration;
use crate::store::StoreError;

/// What mail brings: jobs of its own kind, which are counted.
pub const AREA: Area = Area {
    name: "mail",
    settings: Some(settings::SECTION),
    build,
    jobs,
    metrics: &[Declaration::of::<MailMetrics>()],
    ..Area::NONE
};

fn build<'a>(_: &'a Context, config: &'a Config, parts: &'a mut Parts) -> Building<'a> {
    Box::pin(async move {
        let delivery = Delivery::of(config);
        let delivery = delivery.map_err(|error| BuildError::part("mail cannot be sent with these settings", error))?;
        parts.insert(Arc::new(delivery));
        parts.insert(Arc::new(DevelopmentMailbox::default()));
        Ok(())
    })
}

fn jobs(state: &ApiState) -> Vec<JobKind> {
    let (delivery, mailbox) = (state.parts.get::<Delivery>(), state.parts.get::<DevelopmentMailbox>());
    vec![delivery::kind(Arc::clone(delivery), Arc::clone(mailbox), state.context.metrics.group())]
}

/// The last `limit` mails, sent or not, newest first, with those of development that the database has forgotten.
pub async fn mailbox(state: &ApiState, limit: i64) -> Result<Vec<Mail>, StoreError> {
    let jobs = state.context.store.jobs().recent_jobs(KIND, limit).await?;
    let mails = jobs.iter().filter_map(|job| Mail::of(job).ok()).collect();
    Ok(state.parts.get::<DevelopmentMailbox>().with(mails))
}
