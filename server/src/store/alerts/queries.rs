//! *Was this you?*

use types::domain::{AlertId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::audit::insert_audit;
use super::{Connection, Database, Result, query, query_as};
use crate::store::alerts::rows::{AlertColumns, KnownDeviceColumns};
use crate::store::db::rows::{read_all, read_one};
use crate::store::{AlertRow, DeviceHistory, KnownDevice, NewAlert, NewAnswer, NewAudit, sql};

impl Database {
    pub(in crate::store) async fn open_alerts(
        &self,
        user: UserId,
        asked_by: Option<SessionId>,
        now: Timestamp,
        limit: i64,
    ) -> Result<(Vec<AlertRow>, u64)> {
        let asked_by = asked_by.map_or(Uuid::nil(), |id| id.0);
        let rows: Vec<AlertColumns> = query_as(sql::alerts::OPEN_ALERTS)
            .bind(user.0)
            .bind(now.as_millis())
            .bind(asked_by)
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        let (total,): (i64,) =
            query_as(sql::alerts::COUNT_OPEN_ALERTS).bind(user.0).bind(asked_by).fetch_one(self.readers()).await?;
        Ok((read_all(rows)?, total.unsigned_abs()))
    }

    pub(in crate::store) async fn alert(&self, user: UserId, id: AlertId, now: Timestamp) -> Result<Option<AlertRow>> {
        let row: Option<AlertColumns> = query_as(sql::alerts::ALERT)
            .bind(user.0)
            .bind(now.as_millis())
            .bind(id.0)
            .fetch_optional(self.readers())
            .await?;
        read_one(row)
    }

    pub(in crate::store) async fn is_in_question(&self, id: SessionId) -> Result<bool> {
        let (in_question,): (bool,) = query_as(sql::alerts::IN_QUESTION).bind(id.0).fetch_one(self.readers()).await?;
        Ok(in_question)
    }

    pub(in crate::store) async fn answer_alert(
        &self,
        user: UserId,
        id: AlertId,
        answer: &NewAnswer,
        audit: &NewAudit,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = query(sql::alerts::ANSWER_ALERT)
            .bind(id.0)
            .bind(user.0)
            .bind(answer.answer.as_str())
            .bind(answer.at.as_millis())
            .bind(answer.by.0)
            .bind(answer.confirms)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Raises an alert about a session that is there; false where the same was raised before.
pub(in crate::store) async fn insert_alert(connection: &mut Connection, alert: &NewAlert) -> Result<bool> {
    let done = query(sql::alerts::INSERT_ALERT)
        .bind(alert.id.0)
        .bind(alert.session_id.0)
        .bind(alert.kind.as_str())
        .bind(alert.at.as_millis())
        .bind(&alert.ip)
        .bind(alert.place.as_deref())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// What the user has signed in with before the session `but`.
pub(in crate::store) async fn device_history(
    connection: &mut Connection,
    user: UserId,
    but: SessionId,
) -> Result<DeviceHistory> {
    let rows: Vec<KnownDeviceColumns> =
        query_as(sql::alerts::KNOWN_DEVICES).bind(user.0).bind(but.0).fetch_all(&mut *connection).await?;
    let devices: Vec<KnownDevice> = rows.into_iter().map(KnownDevice::from).collect();
    let has_signed_in = if devices.is_empty() {
        let (has,): (bool,) = query_as(sql::alerts::HAS_SIGNED_IN).bind(user.0).fetch_one(&mut *connection).await?;
        has
    } else {
        true
    };
    Ok(DeviceHistory { devices, has_signed_in })
}

/// Answers what is asked about sessions that `ended_by` has just ended at `at`.
pub(in crate::store) async fn answer_by_ending(
    connection: &mut Connection,
    user: UserId,
    ended_by: SessionId,
    at: Timestamp,
) -> Result<()> {
    query(sql::alerts::ANSWER_BY_ENDING).bind(user.0).bind(at.as_millis()).bind(ended_by.0).execute(connection).await?;
    Ok(())
}

/// Every alert about a user, answered or not, oldest first.
pub(in crate::store) async fn alerts_of(connection: &mut Connection, user: UserId) -> Result<Vec<AlertRow>> {
    let rows: Vec<AlertColumns> =
        query_as(sql::alerts::ALERTS_OF).bind(user.0).bind(i64::MAX).fetch_all(&mut *connection).await?;
    read_all(rows)
}
