//! Is it there, and is it up to date?

use types::domain::Timestamp;

use super::{Database, Db, MIGRATOR, Result, query, query_as};
use crate::store::{StoreError, sql};

impl Database {
    pub(in crate::store) async fn ping(&self) -> Result<()> {
        query("SELECT 1").execute(self.readers()).await?;
        Ok(())
    }

    pub(in crate::store) async fn time(&self) -> Result<Timestamp> {
        let rows: Vec<(i64,)> = query_as(sql::maintenance::TIME).fetch_all(self.readers()).await?;
        let (millis,) = rows.first().ok_or(StoreError::Unreadable("time"))?;
        Ok(Timestamp::from_millis(*millis))
    }

    pub(in crate::store) async fn missing_migrations(&self) -> Result<Vec<String>> {
        let all = self.migrations().await?.into_iter();
        Ok(all.filter(|(_, was_run)| !was_run).map(|(name, _)| name).collect())
    }

    pub(in crate::store) async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        // Where nothing was ever migrated the table is missing, which is no failure.
        let applied: Vec<(i64,)> = match sqlx::query_as::<Db, _>("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(self.readers())
            .await
        {
            Ok(applied) => applied,
            Err(error) if is_missing_table(&error) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let state = MIGRATOR.iter().map(|migration| {
            let name = format!("{:04} {}", migration.version, migration.description);
            (name, applied.contains(&(migration.version,)))
        });
        Ok(state.collect())
    }
}

/// SQLSTATE `undefined_table`; SQLite has no code of its own for it.
pub(in crate::store) fn is_missing_table(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table"))
}
