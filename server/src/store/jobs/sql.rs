//! Statements: work that must happen.

use crate::store::db::dialect::statements;

/// Columns of a job.
macro_rules! job_columns {
    () => {
        "id, kind, payload, concerns, attempts, created_at, expires_at, last_error, done_at, dead_at"
    };
}

/// Inserts a job, which is `$1` to `$8`. What follows says where it comes from, or on what condition.
macro_rules! insert_job {
    () => {
        "INSERT INTO jobs (id, kind, payload, concerns, lane, priority, created_at, due_at, expires_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $7, $8 "
    };
}

pub(in crate::store) use insert_job;

statements! {
    INSERT_JOB = insert_job!();
    /// Only where `$9` says so.
    INSERT_JOB_IF = concat!(insert_job!(), "WHERE $9");
    /// Takes what is due of the kind `$4` until `$2`, under the token `$3`: what somebody waits for first, the others
    /// only where `$8` is 1, and of each lane only so many that with those under way on any server there are no more
    /// than `$6`, of those that nobody waits for `$7`. This counts as an attempt, also where its server vanishes.
    LEASE_JOBS = concat!(
        "UPDATE jobs SET attempts = attempts + 1, due_at = $2, leased_until = $2, lease = $3 WHERE id IN (\
         SELECT j.id FROM jobs j WHERE j.kind = $4 AND j.done_at IS NULL AND j.dead_at IS NULL AND j.due_at <= $1 \
         AND j.id IN (\
         SELECT due.id FROM (SELECT id, lane, priority, \
         ROW_NUMBER() OVER (PARTITION BY lane ORDER BY priority, due_at, id) AS place \
         FROM jobs WHERE kind = $4 AND done_at IS NULL AND dead_at IS NULL AND due_at <= $1 AND priority <= $8) due \
         WHERE due.place <= CASE WHEN due.priority = 0 THEN CAST($6 AS BIGINT) ELSE CAST($7 AS BIGINT) END - \
         (SELECT COUNT(*) FROM jobs busy WHERE busy.kind = $4 AND busy.lane = due.lane \
         AND busy.done_at IS NULL AND busy.dead_at IS NULL AND busy.leased_until > $1)) \
         ORDER BY j.priority, j.due_at LIMIT $5 {skip_locked}) RETURNING ",
        job_columns!()
    );
    COMPLETE_JOB = "UPDATE jobs SET done_at = $3, payload = $4, last_error = NULL, lease = NULL, leased_until = NULL \
        WHERE id = $1 AND lease = $2";
    RETRY_JOB = "UPDATE jobs SET due_at = $3, last_error = $4, lease = NULL, leased_until = NULL \
        WHERE id = $1 AND lease = $2";
    BURY_JOB = "UPDATE jobs SET dead_at = $3, payload = $4, last_error = $5, lease = NULL, leased_until = NULL \
        WHERE id = $1 AND lease = $2";
    DELETE_LEASED_JOB = "DELETE FROM jobs WHERE id = $1 AND lease = $2";
    /// Gives the attempt back as well.
    RELEASE_JOB = "UPDATE jobs SET attempts = attempts - 1, due_at = $3, lease = NULL, leased_until = NULL \
        WHERE id = $1 AND lease = $2";
    COUNT_JOBS = "SELECT COUNT(CASE WHEN dead_at IS NULL AND (leased_until IS NULL OR leased_until <= $2) THEN 1 END), \
        COUNT(CASE WHEN dead_at IS NULL AND leased_until > $2 THEN 1 END), COUNT(dead_at) \
        FROM jobs WHERE kind = $1 AND done_at IS NULL";
    RECENT_JOBS = concat!(
        "SELECT ",
        job_columns!(),
        " FROM jobs WHERE kind = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
    );
    JOBS_CONCERNING =
        concat!("SELECT ", job_columns!(), " FROM jobs WHERE concerns = $1 ORDER BY created_at, id");
    DELETE_JOBS_CONCERNING = "DELETE FROM jobs WHERE concerns = $1";
    /// Only jobs that have ended: what waits, is tried again or is under way stays, however old it is.
    DELETE_OLD_JOBS = "DELETE FROM jobs WHERE id IN \
        (SELECT id FROM jobs WHERE done_at < $1 OR dead_at < $1 LIMIT $2 {skip_locked})";
}
