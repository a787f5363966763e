//! The outbox.

use std::time::Duration;

use types::domain::Timestamp;
use uuid::Uuid;

use super::{Connection, Database, Result, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::mail::rows::MailRecord;
use crate::store::{Mail, MailCapacity, NewMail, sql};

/// How long a message belongs to the server that took it. Longer than any attempt to hand it over may last.
pub(in crate::store) const CLAIM: Duration = Duration::from_mins(3);

impl Database {
    pub(in crate::store) async fn queue_mail(&self, mail: &NewMail) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_mail(&mut tx, mail, Priority::Notice).await?;
        Ok(tx.commit().await?)
    }

    pub(in crate::store) async fn claim_mail(&self, now: Timestamp, capacity: MailCapacity) -> Result<Vec<Mail>> {
        let mut tx = self.begin().await?;
        let rows: Vec<MailRecord> = query_as(sql::mail::CLAIM_MAIL)
            .bind(now.as_millis())
            .bind(now.plus(CLAIM).as_millis())
            .bind(capacity.places)
            .bind(capacity.a_domain)
            .bind(capacity.notices_a_domain)
            .bind(i64::from(capacity.notices))
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        let mut mail: Vec<Mail> = read_all(rows)?;
        mail.sort_by_key(|mail| (mail.queued_at, mail.id));
        Ok(mail)
    }

    pub(in crate::store) async fn mail_sent(&self, id: Uuid, at: Timestamp) -> Result<()> {
        let forgotten = query(sql::mail::FORGET_MAIL).bind(id).execute(self.writer()).await?;
        if forgotten.rows_affected() == 0 {
            query(sql::mail::MAIL_SENT).bind(id).bind(at.as_millis()).execute(self.writer()).await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn mail_kept(&self, id: Uuid, at: Timestamp) -> Result<()> {
        query(sql::mail::MAIL_KEPT).bind(id).bind(at.as_millis()).execute(self.writer()).await?;
        Ok(())
    }

    pub(in crate::store) async fn mail_failed(&self, id: Uuid, next_attempt: Timestamp) -> Result<()> {
        query(sql::mail::MAIL_FAILED).bind(id).bind(next_attempt.as_millis()).execute(self.writer()).await?;
        Ok(())
    }

    pub(in crate::store) async fn mailbox(&self, limit: i64) -> Result<Vec<Mail>> {
        let rows: Vec<MailRecord> = query_as(sql::mail::MAILBOX).bind(limit).fetch_all(self.readers()).await?;
        read_all(rows)
    }
}

/// How soon a mail must leave.
#[derive(Clone, Copy)]
pub(in crate::store) enum Priority {
    /// Somebody waits for it: a code or a link.
    Awaited = 0,
    /// It tells of something that has happened.
    Notice = 1,
}

pub(in crate::store) async fn insert_mail(
    connection: &mut Connection,
    mail: &NewMail,
    priority: Priority,
) -> Result<()> {
    query(sql::mail::QUEUE_MAIL)
        .bind(mail.id)
        .bind(&mail.to)
        .bind(&mail.subject)
        .bind(&mail.text)
        .bind(mail.at.as_millis())
        .bind(domain_of(&mail.to))
        .bind(priority as i64)
        .bind(mail.forget)
        .execute(connection)
        .await?;
    Ok(())
}

/// Queues a message, or runs the same statement for nothing.
pub(in crate::store) async fn insert_mail_if(
    connection: &mut Connection,
    mail: &NewMail,
    priority: Priority,
    condition: bool,
) -> Result<()> {
    query(sql::mail::QUEUE_MAIL_IF)
        .bind(mail.id)
        .bind(&mail.to)
        .bind(&mail.subject)
        .bind(&mail.text)
        .bind(mail.at.as_millis())
        .bind(domain_of(&mail.to))
        .bind(priority as i64)
        .bind(condition)
        .execute(connection)
        .await?;
    Ok(())
}

/// The domain of an address: the lane that its mails take.
pub(in crate::store) fn domain_of(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_lowercase()
}
