//! Sessions while they live.

use std::collections::HashMap;

use types::domain::{DeviceName, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::super::audit::insert_audit;
use super::history::insert_history;
use super::{Connection, DIALECT, Database, Db, Result, query, query_as};
use crate::store::db::dialect::fill;
use crate::store::db::rows::{read_all, read_one};
use crate::store::sessions::rows::{SessionColumns, StandingColumns};
use crate::store::{NewAudit, NewHistoryEntry, SessionRow, Sighting, Standing, StoreError, sql};

/// Sightings in one transaction.
pub(in crate::store) const SIGHTINGS: usize = 200;

/// Sessions that are asked about at once.
pub(in crate::store) const LIVING_AT_ONCE: usize = 200;

impl Database {
    pub(in crate::store) async fn session(&self, id: SessionId) -> Result<Option<SessionRow>> {
        let mut connection = self.readers().acquire().await?;
        let row: Option<SessionColumns> =
            query_as(sql::sessions::SESSION).bind(id.0).fetch_optional(&mut *connection).await?;
        if row.is_none() {
            is_primary(&mut connection).await?;
        }
        read_one(row)
    }

    pub(in crate::store) async fn sessions_of(&self, id: UserId, now: Timestamp) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionColumns> =
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
        let rows: Vec<SessionColumns> = query_as(sql::sessions::LIVE_SESSIONS_PAGE)
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
        let row: Option<SessionColumns> = query_as(sql::sessions::LIVE_SESSION)
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
        let row: Option<SessionColumns> = query_as(sql::sessions::RENAME_SESSION)
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
        let row: Option<StandingColumns> =
            query_as(sql::sessions::STANDING).bind(id.0).bind(user.0).fetch_optional(&mut *connection).await?;
        let Some(row) = row else {
            is_primary(&mut connection).await?;
            return Ok(Standing::Unknown);
        };
        let (expires_at, current_epoch, end) = row.read()?;
        Ok(Standing::of(epoch, expires_at, end, current_epoch, now))
    }

    pub(in crate::store) async fn living(&self, ids: &[SessionId]) -> Result<HashMap<SessionId, i64>> {
        let mut connection = self.readers().acquire().await?;
        let mut living = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(LIVING_AT_ONCE) {
            let statement = fill(sql::sessions::LIVING, &DIALECT, batch.len());
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
}

/// A missing row means something on the primary only: a replica may not have it yet.
pub(in crate::store) async fn is_primary(connection: &mut Connection) -> Result<()> {
    let (is_replica,): (bool,) = query_as(sql::sessions::IS_REPLICA).fetch_one(&mut *connection).await?;
    if is_replica { Err(StoreError::replica()) } else { Ok(()) }
}
