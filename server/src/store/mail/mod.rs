//! Mail that waits to be sent, and what was sent.

pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;
use uuid::Uuid;

use crate::store::db::verbs;

verbs! {
    /// Mail that waits to be sent, and what was sent.
    MailStore = mail;

    /// Queues a message.
    queue_mail(mail: &NewMail) -> ();
    /// Takes messages that are due, as many as there is room for. They are this server's for three minutes: who neither sends nor fails
    /// them by then leaves them to the next.
    claim_mail(now: Timestamp, capacity: MailCapacity) -> Vec<Mail>;
    /// A message was handed over; its text is forgotten.
    mail_sent(id: Uuid, at: Timestamp) -> ();
    /// A message stays where it is, to be looked at: development has no mail server.
    mail_kept(id: Uuid, at: Timestamp) -> ();
    /// A message could not be handed over; it is due again at `next_attempt`.
    mail_failed(id: Uuid, next_attempt: Timestamp) -> ();
    /// The last `limit` messages, sent or not, newest first.
    mailbox(limit: i64) -> Vec<Mail>;
}
