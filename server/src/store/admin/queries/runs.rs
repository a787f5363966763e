//! Ends of sessions by rule.

use types::domain::Timestamp;
use uuid::Uuid;

use super::super::audit::insert_audit;
use super::super::jobs::insert_job;
use super::{Connection, Database, Result, query, query_as};
use crate::store::admin::rows::EndRunColumns;
use crate::store::{EndRunRow, NewAudit, NewEndRun, NewJob, sql};

impl Database {
    pub(in crate::store) async fn begin_end_run(&self, run: &NewEndRun, job: &NewJob, audit: &NewAudit) -> Result<()> {
        let mut tx = self.begin().await?;
        query(sql::admin::INSERT_END_RUN)
            .bind(run.id)
            .bind(run.actor_id.0)
            .bind(run.session_id.0)
            .bind(&run.rule)
            .bind(run.client_reason.as_deref())
            .bind(&run.origin.ip)
            .bind(&run.origin.user_agent)
            .bind(run.at.as_millis())
            .execute(&mut *tx)
            .await?;
        insert_job(&mut tx, job).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(())
    }

    pub(in crate::store) async fn end_run(&self, id: Uuid) -> Result<Option<EndRunRow>> {
        let row: Option<EndRunColumns> = query_as(sql::admin::END_RUN).bind(id).fetch_optional(self.readers()).await?;
        Ok(row.map(EndRunRow::from))
    }

    pub(in crate::store) async fn end_runs(
        &self,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<EndRunRow>> {
        let (at, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_millis(), id));
        let rows: Vec<EndRunColumns> =
            query_as(sql::admin::END_RUNS).bind(at).bind(id).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(EndRunRow::from).collect())
    }

    pub(in crate::store) async fn note_end_run(&self, id: Uuid, at: Timestamp, total: Option<u64>) -> Result<()> {
        query(sql::admin::NOTE_END_RUN)
            .bind(id)
            .bind(at.as_millis())
            .bind(total.map(rows))
            .execute(self.writer())
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn finish_end_run(&self, id: Uuid, at: Timestamp) -> Result<()> {
        query(sql::admin::FINISH_END_RUN).bind(id).bind(at.as_millis()).execute(self.writer()).await?;
        Ok(())
    }

    pub(in crate::store) async fn stop_end_run(&self, id: Uuid, at: Timestamp) -> Result<()> {
        query(sql::admin::STOP_END_RUN).bind(id).bind(at.as_millis()).execute(self.writer()).await?;
        Ok(())
    }
}

/// Counts what an end by rule has ended, in the transaction that ends it.
pub(in crate::store) async fn count_in_run(connection: &mut Connection, run: Uuid, ended: usize) -> Result<()> {
    let ended = u64::try_from(ended).unwrap_or(u64::MAX);
    query(sql::admin::COUNT_IN_RUN).bind(run).bind(rows(ended)).execute(&mut *connection).await?;
    Ok(())
}

fn rows(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
