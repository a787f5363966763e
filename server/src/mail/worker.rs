//! The mail worker: takes mails from the outbox and hands them to the mail server, or, in development, keeps them.
//!
//! Letters leave beside each other, each as soon as there is a place for it. Every domain has a lane of its own with a few places, so that one
//! that is slow or dead holds up nobody else's mails; codes and links, which somebody waits for, go before notices and never wait for them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tokio_util::sync::CancellationToken;

use super::kept::KeptMail;
use super::metrics::{MailMetrics, MailResult};
use crate::clock::Clock;
use crate::jobs::Backoff;
use crate::store::{Mail, MailCapacity, Store, StoreError};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many mails are under way at once.
const PLACES: usize = 48;
/// So many of the places are for codes and links only.
const KEPT_FOR_AWAITED: usize = 16;
/// How many mails to one domain are under way at once, on all servers.
const A_DOMAIN: i64 = 4;
/// How many of these may be notices.
const NOTICES_A_DOMAIN: i64 = 2;
/// How long the mail server may take for one answer. Some take half a minute, to tire out who sends to everybody.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How long handing over may take in all: shorter than the mail belongs to this server, so that no other one sends it too.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(100);
/// How often it is noted what became of a mail, if the database is away.
const NOTE_TRIES: u32 = 20;
const NOTE_PAUSE: Duration = Duration::from_secs(2);
/// How long mails under way may take once the server stops.
const LAST_LETTERS: Duration = Duration::from_secs(3);
const RETRY: Backoff = Backoff::doubling(Duration::from_secs(10), Duration::from_hours(1));

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address or subject cannot be written into a header.
    #[error("the message cannot be built: {0}")]
    Message(String),
    /// The mail server refused, or is away.
    #[error("the mail server did not take the message: {0}")]
    Transport(#[from] lettre::transport::smtp::Error),
    /// The mail server takes its time.
    #[error("the mail server took too long")]
    TooSlow,
}

/// How mails leave.
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
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?.timeout(Some(ANSWER_WITHIN));
        Ok(Self::Smtp { transport: Box::new(transport.build()), from })
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        match self {
            Self::Keep => {
                tracing::info!(subject = mail.subject, text = mail.text, "mail kept for /dev/mailbox");
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
                let handing_over = tokio::time::timeout(HAND_OVER_WITHIN, transport.send(message));
                handing_over.await.map_err(|_| MailError::TooSlow)??;
                Ok(())
            }
        }
    }
}

/// Takes mails from the outbox.
pub struct MailWorker {
    /// Where the outbox is.
    pub store: Store,
    /// How they leave.
    pub delivery: Delivery,
    /// Where those of development stay that the database forgets.
    pub kept: Arc<KeptMail>,
    /// Counts them.
    pub metrics: Arc<MailMetrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Waits for `work` while mails go on leaving. One of them may be noting what became of it, in the middle of a transaction: left alone,
/// it would keep the only connection that can write from the very work that is waited for.
async fn beside<T>(under_way: &mut FuturesUnordered<impl Future<Output = ()>>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(()) = under_way.next() => {}
        }
    }
}

impl MailWorker {
    /// Sends until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let room_taken = under_way.len();
            let taken = beside(&mut under_way, self.take(room_taken)).await;
            match taken {
                Ok((mails, more)) => {
                    under_way.extend(mails.into_iter().map(|mail| self.send(mail)));
                    if more {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "mail queue read failed"),
            }
            let look_again = async {
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    // A place is free.
                    Some(()) = under_way.next() => {}
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = look_again => {}
            }
        }
        let rest = async { while under_way.next().await.is_some() {} };
        if tokio::time::timeout(LAST_LETTERS, rest).await.is_err() {
            tracing::warn!("mail deliveries interrupted: another server sends them, perhaps once more");
        }
    }

    /// Takes what is due and finds a place; says whether there may be more.
    async fn take(&self, under_way: usize) -> Result<(Vec<Mail>, bool), StoreError> {
        let Some(capacity) = capacity(under_way) else { return Ok((Vec::new(), false)) };
        let mails = self.store.mail().claim_mail(self.clock.now(), capacity).await?;
        let more = i64::try_from(mails.len()).is_ok_and(|taken| taken == capacity.places);
        Ok((mails, more))
    }

    /// Hands one mail over, and notes what became of it.
    async fn send(&self, mail: Mail) {
        let delivered = self.delivery.deliver(&mail).await;
        self.metrics.deliveries.increment(if delivered.is_ok() { MailResult::Sent } else { MailResult::Failed });
        if let Err(error) = &delivered {
            let (id, attempts) = (mail.id, mail.attempts);
            tracing::warn!(error = error as &dyn std::error::Error, mail = %id, attempts, "mail delivery failed");
        }
        // Whatever is not noted is sent again.
        for _ in 0..NOTE_TRIES {
            match self.note(&mail, delivered.is_ok()).await {
                Ok(()) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, mail = %mail.id, "mail status write failed");
                }
            }
            tokio::time::sleep(NOTE_PAUSE).await;
        }
    }

    async fn note(&self, mail: &Mail, delivered: bool) -> Result<(), StoreError> {
        let now = self.clock.now();
        match self.delivery {
            _ if !delivered => {
                let failures = u32::try_from(mail.attempts).unwrap_or(u32::MAX);
                self.store.mail().mail_failed(mail.id, now.plus(RETRY.after(failures))).await
            }
            Delivery::Keep if mail.forget => {
                self.kept.keep(mail.clone());
                self.store.mail().mail_sent(mail.id, now).await
            }
            Delivery::Keep => self.store.mail().mail_kept(mail.id, now).await,
            Delivery::Smtp { .. } => self.store.mail().mail_sent(mail.id, now).await,
        }
    }
}

/// What may be taken while so many mails are under way. Notices leave some places free for what somebody waits for.
fn capacity(under_way: usize) -> Option<MailCapacity> {
    let free = PLACES.saturating_sub(under_way);
    let notices = free > KEPT_FOR_AWAITED;
    let places = if notices { free - KEPT_FOR_AWAITED } else { free };
    let places = i64::try_from(places).ok().filter(|places| *places > 0)?;
    Some(MailCapacity { places, notices, a_domain: A_DOMAIN, notices_a_domain: NOTICES_A_DOMAIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_never_take_the_last_places() {
        assert_eq!(capacity(0).map(|capacity| (capacity.places, capacity.notices)), Some((32, true)));
        assert_eq!(capacity(31).map(|capacity| (capacity.places, capacity.notices)), Some((1, true)));
        assert_eq!(capacity(32).map(|capacity| (capacity.places, capacity.notices)), Some((16, false)));
        assert_eq!(capacity(47).map(|capacity| (capacity.places, capacity.notices)), Some((1, false)));
        assert_eq!(capacity(48), None);
    }

    #[tokio::test]
    async fn a_letter_that_holds_what_the_next_look_waits_for_goes_on() {
        let connection = tokio::sync::Mutex::new(());
        let mut under_way = FuturesUnordered::new();
        under_way.push(async {
            let held = connection.lock().await;
            tokio::task::yield_now().await;
            drop(held);
        });
        // It has begun, and holds the connection.
        assert!(futures::poll!(under_way.next()).is_pending());
        beside(&mut under_way, async { drop(connection.lock().await) }).await;
    }
}
