//! Everything that is held on one person.

use types::domain::Timestamp;

use super::accounts::{Audit, User};
use super::alerts::AlertRow;
use super::sessions::{HistoryEntry, SessionRow};

/// Everything that is held on a person, as of one moment.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// The person.
    pub user: User,
    /// Their sessions, ended ones too, each with its history, oldest first.
    pub sessions: Vec<(SessionRow, Vec<HistoryEntry>)>,
    /// What was asked of them, and what they answered, oldest first.
    pub alerts: Vec<AlertRow>,
    /// What the audit log says of them, newest first.
    pub audit: Vec<Audit>,
    /// Mail to their address, oldest first.
    pub mail: Vec<MailEnvelope>,
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
