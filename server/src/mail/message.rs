//! A mail as it is enqueued, and as its job has it.

use serde::Deserialize;
use serde_json::json;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::store::{Job, NewJob, Priority};

/// The kind of jobs that are mails.
pub const KIND: &str = "mail";

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailContent {
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    to: String,
    content: MailContent,
    priority: Priority,
    expires_at: Option<Timestamp>,
    forget: bool,
}

impl NewMail {
    /// A notice: a mail that nobody waits for.
    pub fn notice(to: &str, content: MailContent) -> Self {
        Self { to: to.to_owned(), content, priority: Priority::Normal, expires_at: None, forget: false }
    }

    /// A mail with a code or a link that somebody waits for, and that is of no use after `expires_at`.
    pub fn awaited(to: &str, content: MailContent, expires_at: Timestamp) -> Self {
        Self { priority: Priority::Urgent, expires_at: Some(expires_at), ..Self::notice(to, content) }
    }

    /// The same, with nothing of it kept once it was handed over, not even that it was.
    #[must_use]
    pub fn forgotten(self) -> Self {
        Self { forget: true, ..self }
    }

    /// The job that sends it. Each domain is a lane: one that is slow holds up no other.
    pub fn into_job(self, id: Uuid, at: Timestamp) -> NewJob {
        let Self { to, content, priority, expires_at, forget } = self;
        NewJob {
            id,
            kind: KIND,
            payload: payload(&content, forget),
            lane: to.rsplit('@').next().unwrap_or_default().to_lowercase(),
            concerns: Some(to),
            priority,
            at,
            expires_at,
        }
    }
}

/// A mail as its job has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub id: Uuid,
    pub to: String,
    /// What it says; only the subject once it was handed over.
    pub content: MailContent,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// Whether nothing of it is kept once it was handed over.
    pub forget: bool,
}

/// The payload of a mail's job. One from an earlier version may lack what has come since.
#[derive(Deserialize)]
struct Payload {
    subject: String,
    text: String,
    #[serde(default)]
    html: String,
    #[serde(default)]
    forget: bool,
}

impl Mail {
    /// Reads a job of this kind.
    pub fn of(job: &Job) -> Result<Self, serde_json::Error> {
        let Payload { subject, text, html, forget } = serde_json::from_str(&job.payload)?;
        Ok(Self {
            id: job.id,
            to: job.concerns.clone().unwrap_or_default(),
            content: MailContent { subject, text, html },
            queued_at: job.created_at,
            sent_at: job.done_at,
            forget,
        })
    }

    /// What stays of it once it has ended: that it was sent, and its subject. The text may hold a code or a link.
    pub fn rest(&self) -> Option<String> {
        let content = MailContent { subject: self.content.subject.clone(), text: String::new(), html: String::new() };
        (!self.forget).then(|| payload(&content, false))
    }
}

fn payload(content: &MailContent, forget: bool) -> String {
    let MailContent { subject, text, html } = content;
    json!({ "subject": subject, "text": text, "html": html, "forget": forget }).to_string()
}
