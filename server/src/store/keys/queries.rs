//! Signing keys.

use types::domain::Timestamp;

use super::{Connection, Database, Result, lock_signing_keys, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::keys::rows::SigningKeyColumns;
use crate::store::{KeyRetirement, SigningKeyRow, sql};

impl Database {
    pub(in crate::store) async fn signing_keys(&self) -> Result<Vec<SigningKeyRow>> {
        let rows: Vec<SigningKeyColumns> = query_as(sql::keys::SIGNING_KEYS).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn development_secret(&self, new: &str) -> Result<String> {
        let mut tx = self.begin().await?;
        query(sql::keys::INSERT_DEVELOPMENT_SECRET).bind(new).execute(&mut *tx).await?;
        let (secret,): (String,) = query_as(sql::keys::DEVELOPMENT_SECRET).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(secret)
    }

    pub(in crate::store) async fn ensure_signing_key(&self, key: &SigningKeyRow) -> Result<Vec<SigningKeyRow>> {
        let mut tx = self.begin().await?;
        lock_signing_keys(&mut tx).await?;
        let rows: Vec<SigningKeyColumns> = query_as(sql::keys::SIGNING_KEYS).fetch_all(&mut *tx).await?;
        if !rows.is_empty() {
            return read_all(rows);
        }
        insert_key(&mut tx, key).await?;
        tx.commit().await?;
        Ok(vec![key.clone()])
    }

    pub(in crate::store) async fn rotate_signing_key(
        &self,
        key: &SigningKeyRow,
        retire_others_at: Timestamp,
        due_before: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        lock_signing_keys(&mut tx).await?;
        let rows: Vec<SigningKeyColumns> = query_as(sql::keys::SIGNING_KEYS).fetch_all(&mut *tx).await?;
        if read_all(rows)?.iter().any(|key: &SigningKeyRow| key.created_at > due_before) {
            return Ok(false);
        }
        query(sql::keys::RETIRE_SIGNING_KEYS).bind(retire_others_at.as_millis()).execute(&mut *tx).await?;
        insert_key(&mut tx, key).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(in crate::store) async fn retire_signing_key(&self, kid: &str, now: Timestamp) -> Result<KeyRetirement> {
        let mut tx = self.begin().await?;
        lock_signing_keys(&mut tx).await?;
        let rows: Vec<SigningKeyColumns> = query_as(sql::keys::SIGNING_KEYS).fetch_all(&mut *tx).await?;
        let keys: Vec<SigningKeyRow> = read_all(rows)?;
        let Some(key) = keys.iter().find(|key| key.kid == kid) else { return Ok(KeyRetirement::NotFound) };
        if key.retires_at.is_some_and(|at| at <= now) {
            return Ok(KeyRetirement::Unchanged);
        }
        let signs_from = keys.iter().map(|key| key.signs_from).filter(|from| *from <= now).max();
        if signs_from.is_none_or(|signs_from| key.signs_from >= signs_from) {
            return Ok(KeyRetirement::Signs);
        }
        query(sql::keys::RETIRE_SIGNING_KEY).bind(kid).bind(now.as_millis()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(KeyRetirement::Retired)
    }
}

pub(in crate::store) async fn insert_key(connection: &mut Connection, key: &SigningKeyRow) -> Result<()> {
    query(sql::keys::INSERT_SIGNING_KEY)
        .bind(&key.kid)
        .bind(&key.public_key)
        .bind(&key.sealed_private_key)
        .bind(key.created_at.as_millis())
        .bind(key.signs_from.as_millis())
        .bind(key.retires_at.map(Timestamp::as_millis))
        .execute(connection)
        .await?;
    Ok(())
}
