//! Refreshing a session.
//!
//! Decision and change happen under the lock of the session row: of two refreshes at once, the second sees what the
//! first did. The user's row is read without a lock. A transaction that raises the epoch or ends all sessions meanwhile
//! either waits for this session's row and ends it then, or its higher epoch invalidates the tokens that are made here.

use types::domain::{SessionId, Timestamp};
use types::words::HistoryKind;

use super::super::accounts::users::user_by_id;
use super::history::{insert_history, lock_session};
use super::{Connection, Database, Result, query, query_as};
use crate::store::db::rows::read_one;
use crate::store::sessions::Decide;
use crate::store::sessions::rows::SessionColumns;
use crate::store::{Digest, NewHistoryEntry, Refresh, RefreshAttempt, RefreshDecision, RepeatKind, StoreError, sql};

impl Database {
    pub(in crate::store) async fn refresh_session(
        &self,
        attempt: &RefreshAttempt,
        decide: Decide<'_>,
    ) -> Result<Refresh> {
        let mut tx = self.begin().await?;
        let Some(before) = lock_session(&mut tx, attempt.session_id).await? else { return Ok(Refresh::Unknown) };
        if let Some(end) = before.end {
            return Ok(Refresh::Ended(end));
        }
        let user = match user_by_id(&mut tx, before.user_id).await? {
            Some(user) if user.disabled_at.is_none() => user,
            _ => return Ok(Refresh::Unknown),
        };
        let decision = decide(&before);
        let (after, repeat) = match decision {
            RefreshDecision::Refresh { expires_at } => {
                let refresh = query_as(sql::sessions::REFRESH_SESSION)
                    .bind(attempt.session_id.0)
                    .bind(&attempt.successor[..])
                    .bind(attempt.at.as_millis())
                    .bind(expires_at.as_millis())
                    .bind(&attempt.origin.ip)
                    .bind(&attempt.origin.user_agent)
                    .bind(attempt.place.as_deref())
                    .bind(attempt.remember_until.as_millis());
                let row: Option<SessionColumns> = refresh.fetch_optional(&mut *tx).await?;
                (row, None)
            }
            RefreshDecision::Repeat(kind) => {
                let again = query_as(sql::sessions::REPEAT_REFRESH)
                    .bind(attempt.session_id.0)
                    .bind(attempt.at.as_millis())
                    .bind(&attempt.origin.ip)
                    .bind(&attempt.origin.user_agent)
                    .bind(attempt.place.as_deref())
                    .bind(attempt.remember_until.as_millis());
                let row: Option<SessionColumns> = again.fetch_optional(&mut *tx).await?;
                (row, Some(kind))
            }
            RefreshDecision::Reuse
            | RefreshDecision::WrongClass
            | RefreshDecision::Over(_)
            | RefreshDecision::EndPending
            | RefreshDecision::CannotTell => {
                return Ok(Refresh::Refused { session: Box::new(before), decision });
            }
        };
        let session = read_one(after)?.ok_or(StoreError::Unreadable("session"))?;
        let kind = repeat.map_or(HistoryKind::Refreshed, RepeatKind::history);
        write_history(&mut tx, attempt, kind).await?;
        tx.commit().await?;
        Ok(Refresh::Granted { session: Box::new(session), user: Box::new(user), repeat })
    }

    pub(in crate::store) async fn restart_grace(&self, id: SessionId, successor: &Digest, at: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        // Waits for a refresh that may still be committed.
        lock_session(&mut tx, id).await?;
        let restart = query(sql::sessions::RESTART_GRACE).bind(id.0).bind(&successor[..]).bind(at.as_millis());
        restart.execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

pub(in crate::store) async fn write_history(
    connection: &mut Connection,
    attempt: &RefreshAttempt,
    kind: HistoryKind,
) -> Result<()> {
    let entry = |id, kind, detail| NewHistoryEntry {
        id,
        session_id: attempt.session_id,
        at: attempt.at,
        kind,
        detail,
        ip: attempt.origin.ip.clone(),
    };
    let [refresh, network] = attempt.history_ids;
    let mut entries = vec![entry(refresh, kind, None)];
    if let Some(before) = last_refreshed_from(connection, attempt.session_id).await?
        && before != attempt.origin.ip
        && !attempt.origin.ip.is_empty()
    {
        let moved = format!("{before} -> {}", attempt.origin.ip);
        entries.push(entry(network, HistoryKind::NetworkChanged, Some(moved)));
    }
    insert_history(connection, &entries).await
}

pub(in crate::store) async fn last_refreshed_from(
    connection: &mut Connection,
    id: SessionId,
) -> Result<Option<String>> {
    let row: Option<(String,)> =
        query_as(sql::sessions::LAST_REFRESHED_FROM).bind(id.0).fetch_optional(&mut *connection).await?;
    Ok(row.map(|(ip,)| ip))
}
