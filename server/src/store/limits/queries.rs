//! Buckets that limit tries, shared by all servers.
//!
//! A bucket is one number, the moment at which it is full again (the generic cell rate algorithm), so taking from it is
//! one statement and no two servers can take the same.

use types::domain::Timestamp;

use super::{Connection, Database, Result, query, query_as};
use crate::store::{Digest, Try, sql};

impl Database {
    pub(in crate::store) async fn take_tries(
        &self,
        tries: &[Try],
        now: Timestamp,
    ) -> Result<Option<(Digest, Timestamp)>> {
        let mut tx = self.begin().await?;
        for wanted in tries {
            if !take(&mut tx, wanted, now).await? {
                let opens_at = opens_at(&mut tx, wanted, now).await?;
                // What was taken from the others goes back with the transaction.
                return Ok(Some((wanted.key, opens_at)));
            }
        }
        tx.commit().await?;
        Ok(None)
    }

    pub(in crate::store) async fn give_back(&self, tries: &[Try]) -> Result<()> {
        let mut tx = self.begin().await?;
        for Try { key, bucket } in tries {
            query(sql::limits::GIVE_BACK).bind(&key[..]).bind(bucket.every_ms).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Takes a try; false where none is left.
pub(in crate::store) async fn take(connection: &mut Connection, wanted: &Try, now: Timestamp) -> Result<bool> {
    let Try { key, bucket } = wanted;
    let taken: Vec<(i64,)> = query_as(sql::limits::TAKE_FROM_BUCKET)
        .bind(&key[..])
        .bind(now.as_millis())
        .bind(bucket.every_ms)
        .bind(bucket.tolerance_ms())
        .fetch_all(connection)
        .await?;
    Ok(!taken.is_empty())
}

/// When the next try is to be had of a bucket that was found empty.
pub(in crate::store) async fn opens_at(connection: &mut Connection, wanted: &Try, now: Timestamp) -> Result<Timestamp> {
    let rows: Vec<(i64,)> = query_as(sql::limits::BUCKET).bind(&wanted.key[..]).fetch_all(connection).await?;
    let full_at = rows.first().map_or(0, |(full_at,)| *full_at);
    Ok(Timestamp::from_millis(full_at - wanted.bucket.tolerance_ms()).max(now))
}

/// Forgets what was counted.
pub(in crate::store) async fn forget(connection: &mut Connection, keys: &[Digest]) -> Result<()> {
    for key in keys {
        query(sql::limits::DELETE_BUCKET).bind(&key[..]).execute(&mut *connection).await?;
    }
    Ok(())
}
