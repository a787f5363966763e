//! Mail: what it says, and how it leaves. It is written to an outbox with what it belongs to, and sent by a task that retries.

mod kept;
mod metrics;
mod templates;
mod worker;

pub use kept::KeptMail;
pub use metrics::{MailMetrics, MailResult};
pub use templates::{
    account_deleted, already_registered, password_changed, password_reset, session_stolen, sign_in_confirmed,
    verification,
};
pub use worker::{Delivery, MailError, MailWorker};
