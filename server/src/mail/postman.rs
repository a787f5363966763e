//! The postman: takes letters from the outbox and hands them to the mail server, or, in development, keeps them.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio_util::sync::CancellationToken;

use super::kept::KeptMail;
use crate::clock::Clock;
use crate::metrics::{MailResult, Metrics};
use crate::store::{Mail, Store, StoreError};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// All of one round leave together, well within the minute for which the outbox gives them to this server.
const AT_ONCE: i64 = 20;
const FIRST_RETRY: Duration = Duration::from_secs(10);
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// Why a letter did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address or subject cannot be written into a header.
    #[error("the message cannot be built: {0}")]
    Message(String),
    /// The mail server refused, or is away.
    #[error("the mail server did not take the message: {0}")]
    Transport(#[from] lettre::transport::smtp::Error),
}

/// How letters leave.
pub enum Delivery {
    /// They stay in the outbox, where `/dev/mailbox` shows them, and are written to the log. Development only.
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
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.timeout(Some(Duration::from_secs(20)));
        Ok(Self::Smtp { transport: Box::new(transport.build()), from })
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        match self {
            Self::Keep => {
                tracing::info!(
                    subject = mail.subject,
                    text = mail.text,
                    "development: a mail was kept, see /dev/mailbox"
                );
                Ok(())
            }
            Self::Smtp { transport, from } => {
                let bad = |error: &dyn std::fmt::Display| MailError::Message(error.to_string());
                let message = Message::builder()
                    .from(from.clone())
                    .to(mail.to.parse().map_err(|error: lettre::address::AddressError| bad(&error))?)
                    .subject(&mail.subject)
                    .header(ContentType::TEXT_PLAIN)
                    .body(mail.text.clone())
                    .map_err(|error| bad(&error))?;
                transport.send(message).await?;
                Ok(())
            }
        }
    }
}

/// Takes letters from the outbox.
pub struct Postman {
    /// Where the outbox is.
    pub store: Store,
    /// How they leave.
    pub delivery: Delivery,
    /// Where those of development stay that the database forgets.
    pub kept: Arc<KeptMail>,
    /// Counts them.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Postman {
    /// Goes round until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the outbox cannot be read");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Delivers what is due.
    pub async fn round(&self) -> Result<(), StoreError> {
        let due = self.store.due_mail(self.clock.now(), AT_ONCE).await?;
        let delivered = futures::future::join_all(due.iter().map(|mail| self.delivery.deliver(mail))).await;
        for (mail, result) in due.iter().zip(delivered) {
            match result {
                Ok(()) => {
                    self.metrics.mail(MailResult::Sent);
                    self.settle(mail).await?;
                }
                Err(error) => {
                    self.metrics.mail(MailResult::Failed);
                    let (id, attempts) = (mail.id, mail.attempts);
                    tracing::warn!(error = &error as &dyn std::error::Error, mail = %id, attempts, "a mail was not taken");
                    self.store.mail_failed(mail.id, self.clock.now().plus(pause_after(mail.attempts))).await?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a letter has left, or will not.
    async fn settle(&self, mail: &Mail) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.delivery {
            Delivery::Keep if mail.forget => {
                self.kept.keep(mail.clone());
                self.store.mail_sent(mail.id, now).await
            }
            Delivery::Keep => self.store.mail_kept(mail.id, now).await,
            Delivery::Smtp { .. } => self.store.mail_sent(mail.id, now).await,
        }
    }
}

/// How long to wait after that many failures.
fn pause_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(16);
    (FIRST_RETRY * 2_u32.saturating_pow(doublings)).min(LONGEST_RETRY)
}
