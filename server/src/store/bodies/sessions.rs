//! Sessions while they live.

use std::collections::HashMap;

use types::domain::{DeviceName, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::rows::{insert_audit, insert_history};
use super::{Connection, DIALECT, Database, Db, Result, query, query_as, sql};
use crate::store::records::{HistoryRecord, SessionRecord, StandingRecord, TicketRecord, read_all, read_one};
use crate::store::types::{
    Digest, HistoryEntry, NewAudit, NewHistoryEntry, SessionEnd, SessionRow, Sighting, Standing, StoreError, Ticket,
};
use types::words::EndReason;

/// Sightings in one transaction.
const SIGHTINGS: usize = 200;

/// Sessions that are asked about at once.
const LIVING_AT_ONCE: usize = 200;

/// That something was not found means something only where it would have been.
async fn is_primary(connection: &mut Connection) -> Result<()> {
    let (is_replica,): (bool,) = query_as(sql::sessions::IS_REPLICA).fetch_one(&mut *connection).await?;
    if is_replica { Err(StoreError::replica()) } else { Ok(()) }
}

impl Database {
    pub(in crate::store) async fn session(&self, id: SessionId) -> Result<Option<SessionRow>> {
        let mut connection = self.readers().acquire().await?;
        let row: Option<SessionRecord> =
            query_as(sql::sessions::SESSION).bind(id.0).fetch_optional(&mut *connection).await?;
        if row.is_none() {
            is_primary(&mut connection).await?;
        }
        read_one(row)
    }

    pub(in crate::store) async fn sessions_of(&self, id: UserId, now: Timestamp) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionRecord> =
            query_as(sql::sessions::LIVE_SESSIONS).bind(id.0).bind(now.as_millis()).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn sessions_page(
        &self,
        id: UserId,
        but: Option<SessionId>,
        after: (Timestamp, Uuid),
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionRecord> = query_as(sql::sessions::LIVE_SESSIONS_PAGE)
            .bind(id.0)
            .bind(now.as_millis())
            .bind(after.0.as_millis())
            .bind(after.1)
            .bind(but.map_or(Uuid::nil(), |id| id.0))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        read_all(rows)
    }

    pub(in crate::store) async fn count_sessions_of(&self, id: UserId, now: Timestamp) -> Result<u64> {
        let (count,): (i64,) = query_as(sql::sessions::COUNT_LIVE_SESSIONS)
            .bind(id.0)
            .bind(now.as_millis())
            .fetch_one(self.readers())
            .await?;
        Ok(count.unsigned_abs())
    }

    pub(in crate::store) async fn live_session(
        &self,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SessionRow>> {
        let row: Option<SessionRecord> = query_as(sql::sessions::LIVE_SESSION)
            .bind(id.0)
            .bind(user.0)
            .bind(now.as_millis())
            .fetch_optional(self.readers())
            .await?;
        read_one(row)
    }

    pub(in crate::store) async fn rename_session(
        &self,
        user: UserId,
        id: SessionId,
        name: &DeviceName,
        history: &NewHistoryEntry,
        audit: &NewAudit,
        now: Timestamp,
    ) -> Result<Option<SessionRow>> {
        let mut tx = self.begin().await?;
        let row: Option<SessionRecord> = query_as(sql::sessions::RENAME_SESSION)
            .bind(id.0)
            .bind(user.0)
            .bind(name.as_str())
            .bind(now.as_millis())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(session) = read_one(row)? else { return Ok(None) };
        insert_history(&mut tx, std::slice::from_ref(history)).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(Some(session))
    }

    pub(in crate::store) async fn standing(
        &self,
        id: SessionId,
        user: UserId,
        epoch: i64,
        now: Timestamp,
    ) -> Result<Standing> {
        let mut connection = self.readers().acquire().await?;
        let row: Option<StandingRecord> =
            query_as(sql::sessions::STANDING).bind(id.0).bind(user.0).fetch_optional(&mut *connection).await?;
        let Some(row) = row else {
            is_primary(&mut connection).await?;
            return Ok(Standing::Unknown);
        };
        let (expires_at, current_epoch, end) = row.read()?;
        Ok(match end {
            Some(end) => Standing::Ended(end),
            None if expires_at <= now => Standing::Ended(SessionEnd {
                at: expires_at,
                reason: EndReason::SessionExpired,
                ended_by: None,
                ended_by_device: None,
            }),
            None if epoch < current_epoch => Standing::OldEpoch,
            None => Standing::Good,
        })
    }

    pub(in crate::store) async fn living(&self, ids: &[SessionId]) -> Result<HashMap<SessionId, i64>> {
        let mut connection = self.readers().acquire().await?;
        let mut living = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(LIVING_AT_ONCE) {
            let statement = sql::fill(sql::sessions::LIVING, &DIALECT, batch.len());
            let mut ask = sqlx::query_as::<Db, (bool, Uuid, i64)>(statement);
            for id in batch {
                ask = ask.bind(id.0);
            }
            let rows = ask.persistent(false).fetch_all(&mut *connection).await?;
            if rows.is_empty() {
                is_primary(&mut connection).await?;
            }
            for (is_replica, id, epoch) in rows {
                if is_replica {
                    return Err(StoreError::replica());
                }
                living.insert(SessionId(id), epoch);
            }
        }
        Ok(living)
    }

    pub(in crate::store) async fn touch_sessions(&self, sightings: &[Sighting]) -> Result<()> {
        for batch in sightings.chunks(SIGHTINGS) {
            let mut tx = self.begin().await?;
            for sighting in batch {
                query(sql::sessions::TOUCH_SESSION)
                    .bind(sighting.session_id.0)
                    .bind(sighting.at.as_millis())
                    .bind(&sighting.ip)
                    .bind(sighting.place.as_deref())
                    .bind(sighting.lasts_until.map_or(0, Timestamp::as_millis))
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn history(
        &self,
        user: UserId,
        id: SessionId,
    ) -> Result<Option<(SessionRow, Vec<HistoryEntry>)>> {
        let row: Option<SessionRecord> =
            query_as(sql::sessions::SESSION_OF).bind(id.0).bind(user.0).fetch_optional(self.readers()).await?;
        let Some(session) = read_one(row)? else { return Ok(None) };
        let rows: Vec<HistoryRecord> = query_as(sql::sessions::HISTORY).bind(id.0).fetch_all(self.readers()).await?;
        Ok(Some((session, read_all(rows)?)))
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

    pub(in crate::store) async fn create_ticket(&self, digest: &Digest, ticket: &Ticket) -> Result<()> {
        query(sql::sessions::INSERT_TICKET)
            .bind(&digest[..])
            .bind(ticket.session_id.0)
            .bind(ticket.user_id.0)
            .bind(ticket.epoch)
            .bind(ticket.session_expires_at.as_millis())
            .bind(ticket.expires_at.as_millis())
            .execute(self.writer())
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn take_ticket(&self, digest: &Digest, now: Timestamp) -> Result<Option<Ticket>> {
        let mut tx = self.begin().await?;
        let row: Option<TicketRecord> = query_as(sql::sessions::TAKE_TICKET)
            .bind(&digest[..])
            .bind(now.as_millis())
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        read_one(row)
    }
}
