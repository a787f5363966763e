//! Buckets that limit tries, shared by all servers.
//!
//! A bucket is one number, the moment at which it is full again (the generic cell rate algorithm), so taking from it is one statement
//! and no two servers can take the same.

use app::domain::Timestamp;

use super::{Database, Result, query_as, sql};
use crate::store::types::{Bucket, Digest};

impl Database {
    pub(in crate::store) async fn take_from_bucket(
        &self,
        key: &Digest,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let mut tx = self.begin().await?;
        let taken: Vec<(i64,)> = query_as(sql::limits::TAKE_FROM_BUCKET)
            .bind(&key[..])
            .bind(now.as_millis())
            .bind(bucket.every_ms)
            .bind(bucket.room_ms())
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        if taken.is_empty() { self.bucket_opens_at(key, bucket, now).await } else { Ok(None) }
    }

    pub(in crate::store) async fn bucket_opens_at(
        &self,
        key: &Digest,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let rows: Vec<(i64,)> = query_as(sql::limits::BUCKET).bind(&key[..]).fetch_all(self.readers()).await?;
        let opens_at = rows.first().map(|(full_at,)| full_at - bucket.room_ms());
        Ok(opens_at.filter(|opens_at| *opens_at > now.as_millis()).map(Timestamp::from_millis))
    }
}
