//! Rows that several verbs write.

use uuid::Uuid;

use super::{Connection, DIALECT, Db, Result, query, query_as, sql};
use crate::store::records::SessionRecord;
use crate::store::records::{UserRecord, read_one};
use crate::store::types::{NewAudit, NewHistoryEntry, NewMail, Revocation, RevokedSubject, SessionRow, User};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{EndReason, HistoryKind};

/// The most rows in one insert.
const CHUNK: usize = 50;

pub(super) async fn insert_audit(connection: &mut Connection, entries: &[NewAudit]) -> Result<()> {
    for chunk in entries.chunks(CHUNK) {
        let mut insert = sqlx::query::<Db>(sql::fill(sql::accounts::INSERT_AUDIT, &DIALECT, chunk.len()));
        for entry in chunk {
            insert = insert
                .bind(entry.id)
                .bind(entry.at.as_millis())
                .bind(entry.user_id.map(|id| id.0))
                .bind(entry.actor_id.map(|id| id.0))
                .bind(entry.session_id.map(|id| id.0))
                .bind(entry.action.as_str())
                .bind(entry.reason.map(EndReason::as_str))
                .bind(entry.client_reason.as_deref())
                .bind(&entry.origin.ip)
                .bind(&entry.origin.user_agent);
        }
        // Inserts of one row are worth keeping prepared, those of any other number are not.
        insert.persistent(chunk.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn insert_history(connection: &mut Connection, entries: &[NewHistoryEntry]) -> Result<()> {
    for chunk in entries.chunks(CHUNK) {
        let mut insert = sqlx::query::<Db>(sql::fill(sql::sessions::INSERT_HISTORY, &DIALECT, chunk.len()));
        for entry in chunk {
            insert = insert
                .bind(entry.id)
                .bind(entry.session_id.0)
                .bind(entry.at.as_millis())
                .bind(entry.kind.as_str())
                .bind(entry.detail.as_deref())
                .bind(&entry.ip);
        }
        insert.persistent(chunk.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Gives the revocations their places and writes them to the log. From here on the head row is locked and every other
/// server that ends something waits: the commit must follow at once.
pub(super) async fn append_revocations(connection: &mut Connection, revocations: &mut [&mut Revocation]) -> Result<()> {
    let Ok(count @ 1..) = i64::try_from(revocations.len()) else { return Ok(()) };
    let (head,): (i64,) = query_as(sql::ending::ADVANCE_HEAD).bind(count).fetch_one(&mut *connection).await?;
    for (position, revocation) in (head - count + 1..).zip(revocations.iter_mut()) {
        revocation.position = position;
    }
    for chunk in revocations.chunks(CHUNK) {
        let mut insert = sqlx::query::<Db>(sql::fill(sql::ending::INSERT_REVOCATION, &DIALECT, chunk.len()));
        for revocation in chunk {
            let (session, epoch) = match revocation.subject {
                RevokedSubject::Session(id) => (Some(id.0), None),
                RevokedSubject::Epoch(epoch) => (None, Some(epoch)),
            };
            insert = insert
                .bind(revocation.position)
                .bind(revocation.user_id.0)
                .bind(session)
                .bind(epoch)
                .bind(revocation.reason.map(EndReason::as_str))
                .bind(revocation.ended_by.map(|id| id.0))
                .bind(revocation.ended_by_device.as_deref())
                .bind(revocation.at.as_millis())
                .bind(revocation.remember_until.as_millis());
        }
        insert.persistent(chunk.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

/// How soon a letter must leave.
#[derive(Clone, Copy)]
pub(super) enum Priority {
    /// Somebody waits for it: a code or a link.
    Awaited = 0,
    /// It tells of something that has happened.
    Notice = 1,
}

pub(super) async fn insert_mail(connection: &mut Connection, mail: &NewMail, priority: Priority) -> Result<()> {
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
pub(super) async fn insert_mail_if(
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

/// The domain of an address: the lane that its letters take.
pub(super) fn domain_of(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_lowercase()
}

/// The person, under lock until the commit.
pub(super) async fn lock_user(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRecord> =
        query_as(sql::accounts::LOCK_USER).bind(id.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}

pub(super) async fn user_by_id(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRecord> =
        query_as(sql::accounts::USER_BY_ID).bind(id.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}

/// The session, under lock until the commit.
pub(super) async fn lock_session(connection: &mut Connection, id: SessionId) -> Result<Option<SessionRow>> {
    let row: Option<SessionRecord> =
        query_as(sql::sessions::LOCK_SESSION).bind(id.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}

/// The history entry of a session that ended.
pub(super) fn ended_entry(id: Uuid, session: SessionId, at: Timestamp, reason: &str, ip: &str) -> NewHistoryEntry {
    NewHistoryEntry {
        id,
        session_id: session,
        at,
        kind: HistoryKind::Ended,
        detail: Some(reason.to_owned()),
        ip: ip.to_owned(),
    }
}
