//! Jobs: how they are enqueued, taken, and ended.

use sqlx::query::Query;
use types::domain::Timestamp;
use uuid::Uuid;

use super::{Arguments, Connection, Database, Db, Result, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::jobs::rows::JobColumns;
use crate::store::{Job, JobCapacity, JobCount, JobLease, NewJob, sql};

impl Database {
    pub(in crate::store) async fn enqueue(&self, job: &NewJob) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_job(&mut tx, job).await?;
        tx.commit().await?;
        self.wake_worker();
        Ok(())
    }

    pub(in crate::store) async fn lease_jobs(
        &self,
        now: Timestamp,
        token: Uuid,
        wanted: &[JobCapacity],
    ) -> Result<Vec<Job>> {
        let mut tx = self.begin().await?;
        let mut leased: Vec<Job> = Vec::new();
        for capacity in wanted {
            let rows: Vec<JobColumns> = query_as(sql::jobs::LEASE_JOBS)
                .bind(now.as_millis())
                .bind(now.plus(capacity.lease).as_millis())
                .bind(token)
                .bind(capacity.kind)
                .bind(capacity.places)
                .bind(capacity.a_lane)
                .bind(capacity.normal_a_lane)
                .bind(i64::from(capacity.normal))
                .fetch_all(&mut *tx)
                .await?;
            leased.extend(read_all::<JobColumns, Job>(rows)?);
        }
        tx.commit().await?;
        leased.sort_by_key(|job| (job.created_at, job.id));
        Ok(leased)
    }

    pub(in crate::store) async fn complete_job(
        &self,
        lease: JobLease,
        at: Timestamp,
        rest: Option<&str>,
    ) -> Result<bool> {
        let Some(rest) = rest else { return self.delete_leased(lease).await };
        let done =
            leased(sql::jobs::COMPLETE_JOB, lease).bind(at.as_millis()).bind(rest).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(in crate::store) async fn retry_job(&self, lease: JobLease, due_at: Timestamp, error: &str) -> Result<bool> {
        let done =
            leased(sql::jobs::RETRY_JOB, lease).bind(due_at.as_millis()).bind(error).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(in crate::store) async fn bury_job(
        &self,
        lease: JobLease,
        at: Timestamp,
        rest: Option<&str>,
        error: &str,
    ) -> Result<bool> {
        let Some(rest) = rest else { return self.delete_leased(lease).await };
        let done = leased(sql::jobs::BURY_JOB, lease)
            .bind(at.as_millis())
            .bind(rest)
            .bind(error)
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_leased(&self, lease: JobLease) -> Result<bool> {
        let done = leased(sql::jobs::DELETE_LEASED_JOB, lease).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    /// One after the other, so that no two rows are locked at once.
    pub(in crate::store) async fn release_jobs(&self, leases: &[JobLease], now: Timestamp) -> Result<()> {
        for lease in leases {
            leased(sql::jobs::RELEASE_JOB, *lease).bind(now.as_millis()).execute(self.writer()).await?;
        }
        Ok(())
    }

    pub(in crate::store) async fn count_jobs(&self, kinds: &[&'static str], now: Timestamp) -> Result<Vec<JobCount>> {
        let mut counts = Vec::with_capacity(kinds.len());
        for &kind in kinds {
            let (waiting, running, dead): (i64, i64, i64) =
                query_as(sql::jobs::COUNT_JOBS).bind(kind).bind(now.as_millis()).fetch_one(self.readers()).await?;
            let [waiting, running, dead] = [waiting, running, dead].map(i64::unsigned_abs);
            counts.push(JobCount { kind, waiting, running, dead });
        }
        Ok(counts)
    }

    pub(in crate::store) async fn recent_jobs(&self, kind: &str, limit: i64) -> Result<Vec<Job>> {
        let rows: Vec<JobColumns> =
            query_as(sql::jobs::RECENT_JOBS).bind(kind).bind(limit).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    /// Has this server's worker look at once. After the commit: before it there is nothing to be seen. Whether a job
    /// was enqueued is not asked: for some of them, nobody may find out.
    pub(in crate::store) fn wake_worker(&self) {
        self.enqueued.notify_one();
    }
}

/// Enqueues a job with what else its transaction does, which calls [`Database::wake_worker`] once it has committed.
pub(in crate::store) async fn insert_job(connection: &mut Connection, job: &NewJob) -> Result<()> {
    bind_job(query(sql::jobs::INSERT_JOB), job).execute(connection).await?;
    Ok(())
}

/// Enqueues a job, or runs the same statement for nothing.
pub(in crate::store) async fn insert_job_if(connection: &mut Connection, job: &NewJob, condition: bool) -> Result<()> {
    bind_job(query(sql::jobs::INSERT_JOB_IF), job).bind(condition).execute(connection).await?;
    Ok(())
}

/// Binds a job as `$1` to `$8`.
pub(in crate::store) fn bind_job<'q>(statement: Query<'q, Db, Arguments>, job: &NewJob) -> Query<'q, Db, Arguments> {
    statement
        .bind(job.id)
        .bind(job.kind)
        .bind(&job.payload)
        .bind(job.concerns.as_deref())
        .bind(&job.lane)
        .bind(job.priority as i64)
        .bind(job.at.as_millis())
        .bind(job.expires_at.map(Timestamp::as_millis))
}

/// A statement about a job that this server holds, which is `$1` and `$2`.
fn leased<'q>(statement: &'static str, lease: JobLease) -> Query<'q, Db, Arguments> {
    query(statement).bind(lease.id).bind(lease.token)
}
