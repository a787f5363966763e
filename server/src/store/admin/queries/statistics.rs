//! How many there are of what.

use types::domain::Timestamp;

use super::{Database, Result, query_as};
use crate::store::{OpenJobs, sql};

impl Database {
    pub(in crate::store) async fn count_live_sessions(&self, now: Timestamp) -> Result<u64> {
        let (count,): (i64,) =
            query_as(sql::admin::COUNT_LIVE_SESSIONS).bind(now.as_millis()).fetch_one(self.readers()).await?;
        Ok(count.unsigned_abs())
    }

    pub(in crate::store) async fn count_open_jobs(&self, kinds: &[&'static str]) -> Result<Vec<OpenJobs>> {
        let mut counts = Vec::with_capacity(kinds.len());
        for &kind in kinds {
            let (waiting, retrying, dead): (i64, i64, i64) =
                query_as(sql::admin::COUNT_OPEN_JOBS).bind(kind).fetch_one(self.readers()).await?;
            let [waiting, retrying, dead] = [waiting, retrying, dead].map(i64::unsigned_abs);
            counts.push(OpenJobs { kind, waiting, retrying, dead });
        }
        Ok(counts)
    }
}
