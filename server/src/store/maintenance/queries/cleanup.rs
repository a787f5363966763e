//! What is over goes, in batches small enough not to be in anybody's way.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason};

use super::super::audit::insert_audit;
use super::super::sessions::history::{ended_entry, insert_history};
use super::{Database, Result, query, query_as};
use crate::store::db::Ids;
use crate::store::sessions::rows::ExpiredColumns;
use crate::store::{CleanupPolicy, CleanupReport, NewAudit, Origin, StoreError, sql};

impl Database {
    pub(in crate::store) async fn cleanup(&self, policy: &CleanupPolicy, ids: Ids<'_>) -> Result<CleanupReport> {
        let &CleanupPolicy { now, history_before, jobs_before, origins_before, unused, batch } = policy;
        let (expired, idle) = self.mark_expired(now, unused, batch, ids).await?;
        Ok(CleanupReport {
            expired,
            idle,
            revocations: self.batch(sql::maintenance::DELETE_REVOCATIONS, now, batch).await?,
            one_time: self.batch(sql::maintenance::DELETE_REGISTRATIONS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_RESETS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_TICKETS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_BUCKETS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_BROWSERS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_BROWSER_TOKENS, now, batch).await?
                + self.batch(sql::maintenance::DELETE_GRANTS, now, batch).await?,
            sessions: self.delete_history(history_before, batch).await?,
            origins: self.batch(sql::maintenance::WIPE_SESSION_ORIGINS, origins_before, batch).await?
                + self.batch(sql::maintenance::WIPE_HISTORY_ORIGINS, origins_before, batch).await?
                + self.batch(sql::maintenance::WIPE_AUDIT_ORIGINS, origins_before, batch).await?
                + self.batch(sql::alerts::WIPE_ALERT_ORIGINS, origins_before, batch).await?,
            jobs: self.batch(sql::jobs::DELETE_OLD_JOBS, jobs_before, batch).await?
                + self.batch(sql::admin::STOP_LEFT_END_RUNS, now, batch).await?
                + self.batch(sql::admin::DELETE_END_RUNS, origins_before, batch).await?,
        })
    }

    /// Marks sessions past their time, and gives how many there were and how many of them idle. Their tokens ran out
    /// with them, so the log need not know.
    async fn mark_expired(&self, now: Timestamp, unused: EndReason, batch: i64, ids: Ids<'_>) -> Result<(u64, u64)> {
        let mut tx = self.begin().await?;
        let expired: Vec<ExpiredColumns> = query_as(sql::maintenance::MARK_EXPIRED)
            .bind(now.as_millis())
            .bind(batch)
            .bind(unused.as_str())
            .fetch_all(&mut *tx)
            .await?;
        let mut history = Vec::with_capacity(expired.len());
        let mut audit = Vec::with_capacity(expired.len());
        let mut idle = 0;
        for session in &expired {
            let (id, at) = (SessionId(session.id), Timestamp::from_millis(session.ended_at));
            let reason = EndReason::parse(&session.end_reason).ok_or(StoreError::Unreadable("end reason"))?;
            idle += u64::from(reason == EndReason::IdleTimeout);
            history.push(ended_entry(ids(), id, at, reason.as_str(), ""));
            audit.push(NewAudit {
                user_id: Some(UserId(session.user_id)),
                session_id: Some(id),
                reason: Some(reason),
                ..NewAudit::new(ids(), at, AuditAction::SessionEnded, Origin::default())
            });
        }
        insert_history(&mut tx, &history).await?;
        insert_audit(&mut tx, &audit).await?;
        tx.commit().await?;
        Ok((u64::try_from(expired.len()).unwrap_or(u64::MAX), idle))
    }

    /// Deletes a batch of ended sessions, after their histories.
    async fn delete_history(&self, before: Timestamp, batch: i64) -> Result<u64> {
        while self.batch(sql::maintenance::DELETE_HISTORIES, before, batch).await? > 0 {}
        self.batch(sql::maintenance::DELETE_SESSIONS, before, batch).await
    }

    async fn batch(&self, statement: &'static str, before: Timestamp, batch: i64) -> Result<u64> {
        let done = query(statement).bind(before.as_millis()).bind(batch).execute(self.writer()).await?;
        Ok(done.rows_affected())
    }
}
