//! How mails leave: to the mail server, or, in development, into the mailbox. What the queue does with a mail's job.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::kept::KeptMail;
use super::message::{KIND, Mail};
use super::metrics::{MailMetrics, MailResult};
use crate::jobs::{Backoff, JobError, JobKind, Places, Rest, RunJob};
use crate::store::Job;

/// How many mails are under way at once, to one domain on all servers.
const PLACES: Places = Places { all: 48, urgent_only: 16, a_lane: 4, normal_a_lane: 2 };
/// How long the mail server may take for one answer. Some take half a minute, to tire out who sends to everybody.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How long handing over may take in all.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(100);
const RETRY: Backoff = Backoff::doubling(Duration::from_secs(10), Duration::from_hours(1));
/// Three days, by the pauses of [`RETRY`]: so long a mail server may be away.
const ATTEMPTS: u32 = 80;
/// How a reply begins that says of the recipient's address that there is none (RFC 3463, 3.2, and RFC 7505). Other
/// refusals may be about us, such as a password that has changed: the operator mends them, and the mail leaves.
const NO_SUCH_ADDRESS: [&str; 3] = ["5.1.1", "5.1.2", "5.1.10"];

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address or subject cannot be written into a header.
    #[error("the message cannot be built: {0}")]
    Message(String),
    /// The mail server refused, or is away.
    #[error("the mail server did not take the message: {0}")]
    Transport(#[from] smtp::Error),
}

impl From<MailError> for JobError {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Message(_) => Self::permanent("message cannot be built", error),
            MailError::Transport(refused) if says_no_such_address(&refused) => {
                Self::permanent("no such address", MailError::Transport(refused))
            }
            MailError::Transport(_) => Self::temporary("not taken by the mail server", error),
        }
    }
}

fn says_no_such_address(refused: &smtp::Error) -> bool {
    let reply = refused.source().filter(|_| refused.is_permanent()).map(ToString::to_string).unwrap_or_default();
    reply.split_whitespace().next().is_some_and(|status| NO_SUCH_ADDRESS.contains(&status))
}

/// How mails leave.
pub enum Delivery {
    /// They stay in the queue, where `/dev/mailbox` shows them, and are written to the log. Development only.
    Keep,
    /// Over SMTP.
    Smtp {
        /// The connection.
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// The sender.
        from: Mailbox,
    },
}

impl Delivery {
    /// Over the mail server at `url` (`smtp://…`, `smtps://…`), from the address `from`.
    pub fn smtp(url: &str, from: Mailbox) -> Result<Self, MailError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.timeout(Some(ANSWER_WITHIN));
        Ok(Self::Smtp { transport: Box::new(transport.build()), from })
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        match self {
            Self::Keep => {
                let content = &mail.content;
                tracing::info!(subject = content.subject, text = content.text, "mail kept for /dev/mailbox");
                Ok(())
            }
            Self::Smtp { transport, from } => {
                transport.send(message(from.clone(), mail)?).await?;
                Ok(())
            }
        }
    }
}

fn message(from: Mailbox, mail: &Mail) -> Result<Message, MailError> {
    let bad = |error: &dyn std::fmt::Display| MailError::Message(error.to_string());
    Message::builder()
        .from(from)
        .to(mail.to.parse().map_err(|error: lettre::address::AddressError| bad(&error))?)
        .subject(&mail.content.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.content.text.clone())
        .map_err(|error| bad(&error))
}

/// The kind of jobs that are mails.
pub fn kind(delivery: Arc<Delivery>, kept: Arc<KeptMail>, metrics: Arc<MailMetrics>) -> JobKind {
    JobKind {
        attempts: ATTEMPTS,
        backoff: RETRY,
        time_limit: HAND_OVER_WITHIN,
        places: PLACES,
        ..JobKind::new(KIND, Deliveries { delivery, kept, metrics })
    }
}

/// Delivers mails from the queue.
struct Deliveries {
    delivery: Arc<Delivery>,
    /// Where those of development stay that the database forgets.
    kept: Arc<KeptMail>,
    metrics: Arc<MailMetrics>,
}

#[async_trait::async_trait]
impl RunJob for Deliveries {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        let mail = Mail::of(job).map_err(|error| JobError::permanent("unreadable", error))?;
        self.delivery.deliver(&mail).await?;
        self.metrics.deliveries.increment(MailResult::Sent);
        Ok(match *self.delivery {
            Delivery::Keep if mail.forget => {
                self.kept.keep(mail);
                None
            }
            Delivery::Keep => Some(job.payload.clone()),
            Delivery::Smtp { .. } => mail.rest(),
        })
    }

    fn rest_of_dead(&self, job: &Job) -> Rest {
        Mail::of(job).ok()?.rest()
    }

    fn log_failure(&self, job: &Job, error: &JobError) {
        self.metrics.deliveries.increment(MailResult::Failed);
        let (id, attempts) = (job.id, job.attempts);
        tracing::warn!(error = error as &dyn Error, mail = %id, attempts, "mail delivery failed");
    }
}
