//! Rows as the database has them.

use sqlx::FromRow;
use types::domain::Timestamp;
use uuid::Uuid;

use crate::store::db::rows::{Read, moment};
use crate::store::{Mail, MailEnvelope, StoreError};

#[derive(FromRow)]
pub struct MailRecord {
    id: Uuid,
    recipient: String,
    subject: String,
    body: String,
    queued_at: i64,
    attempts: i64,
    sent_at: Option<i64>,
    forget: bool,
}

impl TryFrom<MailRecord> for Mail {
    type Error = StoreError;

    fn try_from(row: MailRecord) -> Read<Self> {
        Ok(Self {
            id: row.id,
            to: row.recipient,
            subject: row.subject,
            text: row.body,
            queued_at: Timestamp::from_millis(row.queued_at),
            attempts: row.attempts,
            sent_at: moment(row.sent_at),
            forget: row.forget,
        })
    }
}

#[derive(FromRow)]
pub struct MailEnvelopeRecord {
    recipient: String,
    subject: String,
    queued_at: i64,
    sent_at: Option<i64>,
}

impl TryFrom<MailEnvelopeRecord> for MailEnvelope {
    type Error = StoreError;

    fn try_from(row: MailEnvelopeRecord) -> Read<Self> {
        Ok(Self {
            to: row.recipient,
            subject: row.subject,
            queued_at: Timestamp::from_millis(row.queued_at),
            sent_at: moment(row.sent_at),
        })
    }
}
