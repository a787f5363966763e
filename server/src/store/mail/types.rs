//! Mail.

use types::domain::Timestamp;
use uuid::Uuid;

/// How many messages a server takes, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailCapacity {
    /// So many at most.
    pub places: i64,
    /// Whether notices are taken as well, after the codes and links that somebody waits for.
    pub notices: bool,
    /// So many to one domain at most, with those that are under way on any server.
    pub a_domain: i64,
    /// The same, for notices.
    pub notices_a_domain: i64,
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// The id.
    pub id: Uuid,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// When it was queued.
    pub at: Timestamp,
    /// Whether nothing of it is kept once it was handed over, not even that it was.
    pub forget: bool,
}

/// A queued message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The id.
    pub id: Uuid,
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text; empty once it was handed over.
    pub text: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// How often sending failed.
    pub attempts: i64,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// Whether nothing of it is kept once it was handed over.
    pub forget: bool,
}

/// A message from outside: without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailEnvelope {
    /// The recipient.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
}
