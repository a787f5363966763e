//! The audit log.

use types::domain::{Timestamp, UserId};
use types::words::EndReason;
use uuid::Uuid;

use super::{Connection, DIALECT, Database, Db, ROWS_PER_INSERT, Result, query_as};
use crate::store::audit::rows::AuditRecord;
use crate::store::db::dialect::fill;
use crate::store::db::rows::read_all;
use crate::store::{Audit, NewAudit, sql};

impl Database {
    pub(in crate::store) async fn append_audit(&self, audit: &NewAudit) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        Ok(tx.commit().await?)
    }

    pub(in crate::store) async fn activity(
        &self,
        id: UserId,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Audit>> {
        let (at, entry) = before.map_or((i64::MAX, Uuid::max()), |(at, entry)| (at.as_millis(), entry));
        let rows: Vec<AuditRecord> = query_as(sql::audit::ACTIVITY)
            .bind(id.0)
            .bind(at)
            .bind(entry)
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        read_all(rows)
    }
}

pub(in crate::store) async fn insert_audit(connection: &mut Connection, entries: &[NewAudit]) -> Result<()> {
    for chunk in entries.chunks(ROWS_PER_INSERT) {
        let mut insert = sqlx::query::<Db>(fill(sql::audit::INSERT_AUDIT, &DIALECT, chunk.len()));
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
                .bind(&entry.origin.user_agent)
                .bind(entry.detail.as_deref());
        }
        // Inserts of one row are worth keeping prepared, those of any other number are not.
        insert.persistent(chunk.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}
