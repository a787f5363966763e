//! Everything that is held on one user, as of one moment.

use std::collections::HashMap;

use types::domain::{SessionId, UserId};
use uuid::Uuid;

use super::super::alerts::alerts_of;
use super::super::sessions::history::with_its_end;
use super::users::user_by_id;
use super::{Database, Result, query_as};
use crate::store::audit::rows::AuditColumns;
use crate::store::db::rows::read_all;
use crate::store::jobs::rows::JobColumns;
use crate::store::sessions::rows::{HistoryOfColumns, SessionColumns};
use crate::store::{ExportData, HistoryEntry, SessionRow, sql};

impl Database {
    pub(in crate::store) async fn export_data(&self, id: UserId) -> Result<Option<ExportData>> {
        let mut tx = self.begin_snapshot().await?;
        let Some(user) = user_by_id(&mut tx, id).await? else { return Ok(None) };
        let sessions: Vec<SessionColumns> = query_as(sql::sessions::SESSIONS_OF).bind(id.0).fetch_all(&mut *tx).await?;
        let entries: Vec<HistoryOfColumns> =
            query_as(sql::sessions::HISTORIES_OF).bind(id.0).fetch_all(&mut *tx).await?;
        let audit: Vec<AuditColumns> = query_as(sql::audit::ACTIVITY)
            .bind(id.0)
            .bind(i64::MAX)
            .bind(Uuid::max())
            .bind(i64::MAX)
            .fetch_all(&mut *tx)
            .await?;
        let jobs: Vec<JobColumns> = query_as(sql::jobs::JOBS_CONCERNING).bind(&user.email).fetch_all(&mut *tx).await?;
        let alerts = alerts_of(&mut tx, id).await?;
        tx.commit().await?;
        let sessions = with_histories(read_all(sessions)?, read_all(entries)?);
        Ok(Some(ExportData { user, sessions, alerts, audit: read_all(audit)?, jobs: read_all(jobs)? }))
    }
}

/// Each session with its own entries, in their order, and its end.
pub(in crate::store) fn with_histories(
    sessions: Vec<SessionRow>,
    entries: Vec<(SessionId, HistoryEntry)>,
) -> Vec<(SessionRow, Vec<HistoryEntry>)> {
    let mut histories: HashMap<SessionId, Vec<HistoryEntry>> = HashMap::new();
    for (session, entry) in entries {
        histories.entry(session).or_default().push(entry);
    }
    sessions
        .into_iter()
        .map(|session| {
            let history = with_its_end(&session, histories.remove(&session.id).unwrap_or_default());
            (session, history)
        })
        .collect()
}
