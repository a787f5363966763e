//! The history of a session.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::HistoryKind;
use uuid::Uuid;

use super::{Connection, DIALECT, Database, Db, ROWS_PER_INSERT, Result, is_kept_prepared, query, query_as};
use crate::store::db::dialect::fill;
use crate::store::db::rows::{read_all, read_one};
use crate::store::sessions::rows::{HistoryColumns, SessionColumns};
use crate::store::{HistoryEntry, NewHistoryEntry, SessionRow, sql};

impl Database {
    pub(in crate::store) async fn history(
        &self,
        user: UserId,
        id: SessionId,
    ) -> Result<Option<(SessionRow, Vec<HistoryEntry>)>> {
        let row: Option<SessionColumns> =
            query_as(sql::sessions::SESSION_OF).bind(id.0).bind(user.0).fetch_optional(self.readers()).await?;
        let Some(session): Option<SessionRow> = read_one(row)? else { return Ok(None) };
        let rows: Vec<HistoryColumns> = query_as(sql::sessions::HISTORY).bind(id.0).fetch_all(self.readers()).await?;
        let entries = with_its_end(&session, read_all(rows)?);
        Ok(Some((session, entries)))
    }

    pub(in crate::store) async fn append_history(&self, entry: &NewHistoryEntry) -> Result<()> {
        query(sql::sessions::INSERT_HISTORY_ENTRY)
            .bind(entry.id)
            .bind(entry.session_id.0)
            .bind(entry.at.as_millis())
            .bind(entry.kind.as_str())
            .bind(entry.detail.as_deref())
            .bind(&entry.ip)
            .execute(self.writer())
            .await?;
        Ok(())
    }
}

pub(in crate::store) async fn insert_history(connection: &mut Connection, entries: &[NewHistoryEntry]) -> Result<()> {
    for chunk in entries.chunks(ROWS_PER_INSERT) {
        let mut insert = sqlx::query::<Db>(fill(sql::sessions::INSERT_HISTORY, &DIALECT, chunk.len()));
        for entry in chunk {
            insert = insert
                .bind(entry.id)
                .bind(entry.session_id.0)
                .bind(entry.at.as_millis())
                .bind(entry.kind.as_str())
                .bind(entry.detail.as_deref())
                .bind(&entry.ip);
        }
        insert.persistent(is_kept_prepared(chunk.len())).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The session, under lock until the commit.
pub(in crate::store) async fn lock_session(connection: &mut Connection, id: SessionId) -> Result<Option<SessionRow>> {
    let row: Option<SessionColumns> =
        query_as(sql::sessions::LOCK_SESSION).bind(id.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}

/// All of a user's sessions, under lock until the commit, in the order of their ids; gives those that have not ended.
pub(in crate::store) async fn lock_sessions_of(connection: &mut Connection, user: UserId) -> Result<Vec<SessionId>> {
    let rows: Vec<(Uuid, Option<i64>)> =
        query_as(sql::sessions::LOCK_SESSIONS_OF).bind(user.0).fetch_all(&mut *connection).await?;
    Ok(rows.into_iter().filter(|(_, ended_at)| ended_at.is_none()).map(|(id, _)| SessionId(id)).collect())
}

/// The entries of a session, in their order, and its end. Where sessions of many users end together no entry is written
/// of each: what it would say stands in the session.
pub(in crate::store) fn with_its_end(session: &SessionRow, mut entries: Vec<HistoryEntry>) -> Vec<HistoryEntry> {
    let is_told = |entry: &HistoryEntry| entry.kind.known() == Some(HistoryKind::Ended);
    if let Some(end) = &session.end
        && !entries.iter().any(is_told)
    {
        entries.push(HistoryEntry {
            at: end.at,
            kind: HistoryKind::Ended.into(),
            detail: Some(end.reason.as_str().to_owned()),
            ip: String::new(),
        });
    }
    entries
}

/// The history entry of a session that ended.
pub(in crate::store) fn ended_entry(
    id: Uuid,
    session: SessionId,
    at: Timestamp,
    reason: &str,
    ip: &str,
) -> NewHistoryEntry {
    NewHistoryEntry {
        id,
        session_id: session,
        at,
        kind: HistoryKind::Ended,
        detail: Some(reason.to_owned()),
        ip: ip.to_owned(),
    }
}
