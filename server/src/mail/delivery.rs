//! How mails leave: to the mail server, or, in development, into the mailbox. What the queue does with a mail's job.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use super::development_mailbox::DevelopmentMailbox;
use super::message::{KIND, Mail, MailContent};
use super::metrics::{MailMetrics, MailResult};
use super::settings::MailConfig;
use crate::config::Config;
use crate::jobs::{Backoff, Concurrency, EMPTY_PAYLOAD, JobError, JobKind, Rest, RunJob};
use crate::store::Job;

/// How many mails are under way at once, to one domain on all servers.
const CONCURRENCY: Concurrency = Concurrency { all: 48, urgent_only: 16, a_lane: 4, normal_a_lane: 2 };
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
    /// The address of the mail server cannot be used.
    #[error("the address of the mail server cannot be used")]
    Address(#[source] smtp::Error),
    /// The mail server refused, or is away.
    #[error("the mail server did not take the message: {0}")]
    Transport(MailRefusal),
}

/// What is told of a mail server that did not take a mail. The rest of its reply may name the recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRefusal {
    /// The code and enhanced status of the reply (`550 5.1.1`); without a reply, what kind of failure it was.
    what: String,
    /// Whether the reply says that there is no such address.
    no_such_address: bool,
}

impl Display for MailRefusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<smtp::Error> for MailRefusal {
    fn from(error: smtp::Error) -> Self {
        let Some(code) = error.status() else {
            return Self { what: failure_without_reply(&error).to_owned(), no_such_address: false };
        };
        let reply = error.source().map(ToString::to_string).unwrap_or_default();
        let status = reply.split_whitespace().next().filter(|word| is_enhanced_status(word));
        Self {
            what: status.map_or_else(|| code.to_string(), |status| format!("{code} {status}")),
            no_such_address: error.is_permanent() && status.is_some_and(|status| NO_SUCH_ADDRESS.contains(&status)),
        }
    }
}

fn failure_without_reply(error: &smtp::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_tls() {
        "tls"
    } else if error.is_response() {
        "unreadable reply"
    } else if error.is_client() {
        "client"
    } else {
        "connection"
    }
}

/// Three numbers (RFC 3463, 2), which hold nothing else.
fn is_enhanced_status(word: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split('.').count() == 3 && word.split('.').all(is_number)
}

impl From<MailError> for JobError {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Message(_) => Self::permanent("message cannot be built", error),
            MailError::Address(_) => Self::temporary("no mail server", error),
            MailError::Transport(refusal) if refusal.no_such_address => {
                Self::Permanent { why: format!("no such address: {refusal}").into(), source: None }
            }
            MailError::Transport(refusal) => {
                Self::Temporary { why: format!("not taken by the mail server: {refusal}").into(), source: None }
            }
        }
    }
}

/// How mails leave.
pub enum Delivery {
    /// They stay in the queue, where `/dev/mailbox` shows them, and are written to the log. Development only.
    Mailbox,
    Smtp {
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        from: Mailbox,
    },
}

impl Delivery {
    /// As the settings say.
    pub fn of(config: &Config) -> Result<Self, MailError> {
        let MailConfig { smtp_url, from } = config.section::<MailConfig>();
        let Some(url) = smtp_url else { return Ok(Self::Mailbox) };
        Self::smtp(url.expose_secret(), from.clone())
    }

    /// Over the mail server at `url` (`smtp://…`, `smtps://…`), from the address `from`.
    pub fn smtp(url: &str, from: Mailbox) -> Result<Self, MailError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(MailError::Address)?;
        let transport = transport.timeout(Some(ANSWER_WITHIN));
        Ok(Self::Smtp { transport: Box::new(transport.build()), from })
    }

    /// Goes to the mail server as with a mail, with TLS, name and password as its address says, and sends nothing.
    pub async fn try_out(&self) -> Result<(), MailError> {
        let Self::Smtp { transport, .. } = self else { return Ok(()) };
        match transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let refusal = MailRefusal { what: "connection".to_owned(), no_such_address: false };
                Err(MailError::Transport(refusal))
            }
            Err(error) => Err(MailError::Transport(error.into())),
        }
    }

    /// Hands a mail over now, past the queue.
    pub async fn hand_over(&self, to: &str, content: &MailContent) -> Result<(), MailError> {
        let Self::Smtp { transport, from } = self else { return Ok(()) };
        let sent = transport.send(message(from.clone(), to, content)?).await;
        sent.map(drop).map_err(|error| MailError::Transport(error.into()))
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        match self {
            Self::Mailbox => {
                let content = &mail.content;
                tracing::info!(subject = content.subject, text = content.text, "mail stored for /dev/mailbox");
                Ok(())
            }
            Self::Smtp { .. } => self.hand_over(&mail.to, &mail.content).await,
        }
    }
}

fn message(from: Mailbox, to: &str, content: &MailContent) -> Result<Message, MailError> {
    let bad = |error: &dyn std::fmt::Display| MailError::Message(error.to_string());
    let MailContent { subject, text, html } = content.clone();
    let to = to.parse::<Mailbox>().map_err(|error| bad(&error))?;
    let builder = Message::builder().from(from).to(to).subject(subject);
    // One that an earlier version has enqueued has no HTML.
    let message = if html.is_empty() {
        builder.singlepart(SinglePart::plain(text))
    } else {
        builder.multipart(MultiPart::alternative_plain_html(text, html))
    };
    message.map_err(|error| bad(&error))
}

/// The kind of jobs that are mails.
pub fn kind(delivery: Arc<Delivery>, mailbox: Arc<DevelopmentMailbox>, metrics: Arc<MailMetrics>) -> JobKind {
    JobKind {
        attempts: ATTEMPTS,
        backoff: RETRY,
        time_limit: HAND_OVER_WITHIN,
        concurrency: CONCURRENCY,
        ..JobKind::new(KIND, Deliveries { delivery, mailbox, metrics })
    }
}

/// Delivers mails from the queue.
struct Deliveries {
    delivery: Arc<Delivery>,
    /// Where those of development stay that the database forgets.
    mailbox: Arc<DevelopmentMailbox>,
    metrics: Arc<MailMetrics>,
}

#[async_trait::async_trait]
impl RunJob for Deliveries {
    async fn run(&self, job: &Job) -> Result<Rest, JobError> {
        // What is wrong with it would be said with a piece of it.
        let unreadable = |_| JobError::Permanent { why: "unreadable".into(), source: None };
        let mail = Mail::of(job).map_err(unreadable)?;
        self.delivery.deliver(&mail).await?;
        self.metrics.deliveries.increment(MailResult::Sent);
        Ok(match *self.delivery {
            Delivery::Mailbox if mail.forget => {
                self.mailbox.store(mail);
                None
            }
            Delivery::Mailbox => Some(job.payload.clone()),
            Delivery::Smtp { .. } => mail.rest(),
        })
    }

    fn rest_of_dead(&self, job: &Job) -> Rest {
        Mail::of(job).map_or_else(|_| Some(EMPTY_PAYLOAD.to_owned()), |mail| mail.rest())
    }

    fn count_failure(&self) {
        self.metrics.deliveries.increment(MailResult::Failed);
    }

    fn log_failure(&self, job: &Job, error: &JobError) {
        let (kind, id, attempts, error) = (&job.kind, job.id, job.attempts, error as &dyn Error);
        tracing::warn!(error, kind, job = %id, attempts, "mail delivery failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::NewMail;
    use rstest::rstest;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use types::domain::Timestamp;
    use uuid::Uuid;

    /// The job of a mail, once it was taken.
    fn taken(mail: NewMail) -> Job {
        let job = mail.into_job(Uuid::nil(), Timestamp::from_millis(0));
        Job {
            id: job.id,
            kind: job.kind.to_owned(),
            payload: job.payload,
            concerns: job.concerns,
            attempts: 1,
            created_at: job.at,
            expires_at: job.expires_at,
            last_error: None,
            done_at: None,
            dead_at: None,
        }
    }

    /// How a mail with this HTML leaves.
    fn sent(html: &str) -> String {
        let content = MailContent { subject: "Hi".to_owned(), text: "Good news".to_owned(), html: html.to_owned() };
        let job = taken(NewMail::notice("ada@example.com", content));
        let from = "Latchkey <no-reply@example.com>".parse().expect("a sender");
        let mail = Mail::of(&job).expect("a mail");
        let message = message(from, &mail.to, &mail.content).expect("a message");
        String::from_utf8(message.formatted()).expect("text")
    }

    #[test]
    fn of_a_dead_mail_stays_its_subject_or_that_there_was_one_and_nothing_of_one_to_be_forgotten() {
        let content = MailContent { subject: "Hi".to_owned(), text: "Good news".to_owned(), html: String::new() };
        let delivery = Arc::new(Delivery::Mailbox);
        let deliveries = Deliveries { delivery, mailbox: Arc::default(), metrics: Arc::default() };
        let notice = NewMail::notice("ada@example.com", content);
        let kept = deliveries.rest_of_dead(&taken(notice.clone())).expect("what stays");
        assert!(kept.contains("Hi") && !kept.contains("Good news"), "{kept}");
        let unreadable = Job { payload: "secret".to_owned(), ..taken(notice.clone()) };
        assert_eq!(deliveries.rest_of_dead(&unreadable).as_deref(), Some(EMPTY_PAYLOAD));
        assert_eq!(deliveries.rest_of_dead(&taken(notice.forgotten())), None);
    }

    /// What becomes of a mail to which a mail server answers `reply` instead of taking it.
    async fn refused_with(reply: &'static str) -> JobError {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("its number"));
        let from = "Latchkey <no-reply@example.com>".parse().expect("a sender");
        let delivery = Delivery::smtp(&url, from).expect("a mail server");
        let content = MailContent { subject: "Hi".to_owned(), text: "Good news".to_owned(), html: String::new() };
        let mail = Mail {
            id: Uuid::nil(),
            to: "ada@example.com".to_owned(),
            content,
            queued_at: Timestamp::from_millis(0),
            sent_at: None,
            forget: false,
        };
        let server = async {
            let (mut client, _) = listener.accept().await.expect("a client");
            let _ = client.write_all(reply.as_bytes()).await;
        };
        let (delivered, ()) = tokio::join!(delivery.deliver(&mail), server);
        delivered.expect_err("a refusal").into()
    }

    #[rstest]
    #[case("550 5.1.1 <ada@example.com>: nobody here\r\n", "no such address: 550 5.1.1", false)]
    #[case("550-5.1.1 <ada@example.com>\r\n550 5.1.1 ada\r\n", "no such address: 550 5.1.1", false)]
    #[case("554 ada@example.com is not wanted\r\n", "not taken by the mail server: 554", true)]
    #[case("451 4.3.0 <ada@example.com>: later\r\n", "not taken by the mail server: 451 4.3.0", true)]
    #[case("451 4.1.ada ada\r\n", "not taken by the mail server: 451", true)]
    #[tokio::test]
    async fn of_a_refusal_only_what_names_nobody_is_shown(
        #[case] reply: &'static str,
        #[case] shown: &str,
        #[case] again: bool,
    ) {
        let error = refused_with(reply).await;
        assert_eq!((error.to_string().as_str(), error.is_temporary()), (shown, again));
        assert!(error.source().is_none() && !format!("{error:?}").contains("ada"), "{error:?}");
    }

    #[tokio::test]
    async fn a_mail_server_that_is_away_is_shown_as_a_failure_of_that_kind() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("its number"));
        drop(listener);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).expect("a mail server");
        let away = transport.build::<Tokio1Executor>().test_connection().await.expect_err("nobody answers");
        assert_eq!(MailRefusal::from(away).to_string(), "connection");
    }

    #[rstest]
    #[case("<p>Good news</p>", "multipart/alternative", "<p>Good news</p>")]
    #[case::enqueued_by_an_earlier_version("", "text/plain", "Good news")]
    fn a_mail_leaves_as_text_and_html(#[case] html: &str, #[case] kind: &str, #[case] body: &str) {
        let message = sent(html);
        assert!(message.contains("To: ada@example.com\r\n") && message.contains("Good news"), "{message}");
        assert!(message.contains(&format!("Content-Type: {kind}")) && message.contains(body), "{message}");
        assert_eq!(message.contains("text/html"), !html.is_empty(), "{message}");
    }
}
