//! Pages of sessions, each out of an index in its order, and users by their ids.

use std::collections::HashSet;

use sqlx::{Database as SqlxDatabase, FromRow};
use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::{DIALECT, Database, Db, Result, query_as};
use crate::store::accounts::rows::UserColumns;
use crate::store::db::dialect::fill;
use crate::store::db::rows::read_all;
use crate::store::sessions::rows::{SessionColumns, TraitColumns};
use crate::store::{SessionRow, SessionTraits, User, sql};

/// Users, or sessions, that are asked for by their ids at once.
const IDS_AT_ONCE: usize = 500;
/// Roles of users, without the one of everybody, that are few. `FEW_USERS_WITH_ROLES` gives one more at the least where
/// there are more.
const FEW: usize = 1000;

impl Database {
    pub(in crate::store) async fn users_with_roles(&self, ids: &[UserId]) -> Result<Vec<UserId>> {
        // Nearly everywhere they are so few that all of them are read faster than each of these is looked for.
        let few: Vec<(Uuid,)> = query_as(sql::admin::FEW_USERS_WITH_ROLES).fetch_all(self.readers()).await?;
        if few.len() <= FEW {
            let few: HashSet<Uuid> = few.into_iter().map(|(id,)| id).collect();
            return Ok(ids.iter().filter(|id| few.contains(&id.0)).copied().collect());
        }
        let rows: Vec<(Uuid,)> = self.by_ids(sql::admin::USERS_WITH_ROLES, ids.iter().map(|id| id.0)).await?;
        Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
    }

    pub(in crate::store) async fn users_by_ids(&self, ids: &[UserId]) -> Result<Vec<User>> {
        let rows: Vec<UserColumns> = self.by_ids(sql::admin::USERS_BY_IDS, ids.iter().map(|id| id.0)).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn sessions_by_ids(&self, ids: &[SessionId]) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionColumns> = self.by_ids(sql::admin::SESSIONS_BY_IDS, ids.iter().map(|id| id.0)).await?;
        read_all(rows)
    }

    /// What a statement finds by a list of ids.
    async fn by_ids<R>(&self, statement: &'static str, ids: impl Iterator<Item = Uuid> + Send) -> Result<Vec<R>>
    where
        R: for<'r> FromRow<'r, <Db as SqlxDatabase>::Row> + Send + Unpin,
    {
        let ids: Vec<Uuid> = ids.collect();
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(IDS_AT_ONCE) {
            let mut find = sqlx::query_as::<Db, R>(fill(statement, &DIALECT, chunk.len()));
            for id in chunk {
                find = find.bind(*id);
            }
            found.extend(find.persistent(chunk.len() == IDS_AT_ONCE).fetch_all(self.readers()).await?);
        }
        Ok(found)
    }

    pub(in crate::store) async fn newest_sessions(&self, before: SessionId, limit: i64) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionColumns> =
            query_as(sql::admin::NEWEST_SESSIONS).bind(before.0).bind(limit).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn newest_live_sessions(
        &self,
        before: (Timestamp, Uuid),
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionTraits>> {
        let rows: Vec<TraitColumns> = query_as(sql::admin::NEWEST_LIVE_SESSIONS)
            .bind(before.0.as_millis())
            .bind(before.1)
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    pub(in crate::store) async fn newest_sessions_of(
        &self,
        user: UserId,
        before: SessionId,
        only_live: bool,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionRow>> {
        let rows: Vec<SessionColumns> = query_as(sql::admin::NEWEST_SESSIONS_OF)
            .bind(user.0)
            .bind(before.0)
            .bind(only_live)
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        read_all(rows)
    }

    pub(in crate::store) async fn live_sessions_by_start(
        &self,
        after: (Timestamp, Uuid),
        before: Timestamp,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionTraits>> {
        let rows: Vec<TraitColumns> = query_as(sql::admin::LIVE_SESSIONS_BY_START)
            .bind(after.0.as_millis())
            .bind(after.1)
            .bind(before.as_millis())
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    pub(in crate::store) async fn live_sessions_by_address(
        &self,
        after: (&str, Uuid),
        below: &str,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<SessionTraits>> {
        let rows: Vec<TraitColumns> = query_as(sql::admin::LIVE_SESSIONS_BY_ADDRESS)
            .bind(after.0)
            .bind(after.1)
            .bind(below)
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
