//! What users see of their devices: the list, a device's history, a new name.

use types::api::{Acting, HistoryEntry, ServerEvent, Session, SessionHistory, SessionUpdated};
use types::domain::{DeviceName, SessionId, Timestamp, UserId};
use types::words::{AuditAction, HistoryKind};
use uuid::Uuid;

use super::Devices;
use crate::events::Topic;
use crate::store::{NewAudit, NewHistoryEntry, Origin, SessionRow, StoreError};

impl Devices {
    /// A session as it is shown to somebody whose own is `current`.
    pub fn show(&self, row: &SessionRow, current: Option<SessionId>) -> Session {
        let now = self.context.now();
        let last_active = self.last_active.seen(row.id).map_or(row.last_active, |seen| seen.max(row.last_active));
        Session {
            session_id: row.id,
            current: current == Some(row.id),
            device_info: row.device.clone(),
            ip_address: row.origin.ip.clone(),
            place: row.place.clone(),
            created_at: row.created_at,
            last_active,
            active_now: current == Some(row.id) || self.is_active(row.user_id, row.id, last_active, now),
            expires_at: row.expires_at,
            signed_in_with: row.proofs.method().into(),
            user_agent: row.origin.user_agent.clone(),
            acting: row
                .acting
                .as_ref()
                .map(|acting| Acting { by: acting.actor_name.clone(), reason: acting.reason.clone() }),
        }
    }

    /// A page of the live sessions of a user: the current one first, where there is one, then by last active. Gives
    /// where the next page begins, if there is one.
    pub async fn list(
        &self,
        user_id: UserId,
        current: Option<SessionId>,
        before: Option<(Timestamp, Uuid)>,
        limit: usize,
    ) -> Result<(Vec<Session>, Option<(Timestamp, Uuid)>), StoreError> {
        let now = self.context.now();
        let first = match (current, before) {
            (Some(id), None) => self.context.store.sessions().live_session(user_id, id, now).await?,
            _ => None,
        };
        let most_rows = limit - usize::from(first.is_some());
        let after = before.unwrap_or((Timestamp::from_millis(i64::MAX), Uuid::max()));
        // One more than is shown tells whether there is a next page.
        let asked = i64::try_from(most_rows + 1).unwrap_or(i64::MAX);
        let mut rows = self.context.store.sessions().sessions_page(user_id, current, after, asked, now).await?;
        let is_more = rows.len() > most_rows;
        rows.truncate(most_rows);
        let last = rows.last().or(first.as_ref()).filter(|_| is_more);
        let next = last.map(|row| if Some(row.id) == current { after } else { (row.last_active, row.id.0) });
        let mut sessions: Vec<Session> = first.iter().chain(&rows).map(|row| self.show(row, current)).collect();
        sessions.sort_by_key(|session| (!session.current, std::cmp::Reverse(session.last_active)));
        Ok((sessions, next))
    }

    /// Renames a device. `None` where the user has no such live session.
    pub async fn rename(
        &self,
        user_id: UserId,
        session_id: SessionId,
        name: &DeviceName,
        asked_by: Option<SessionId>,
        origin: &Origin,
    ) -> Result<Option<Session>, StoreError> {
        let now = self.context.now();
        let entry = NewHistoryEntry {
            id: self.context.new_id(),
            session_id,
            at: now,
            kind: HistoryKind::Renamed,
            detail: Some(name.as_str().to_owned()),
            ip: origin.ip.clone(),
        };
        let audit = NewAudit {
            user_id: Some(user_id),
            actor_id: Some(user_id),
            session_id: Some(session_id),
            ..self.context.audit(AuditAction::SessionRenamed, origin)
        };
        let Some(row) =
            self.context.store.sessions().rename_session(user_id, session_id, name, &entry, &audit, now).await?
        else {
            return Ok(None);
        };
        let renamed = SessionUpdated {
            session_id,
            device_name: Some(row.device.device_name.clone()),
            last_active: None,
            active_now: None,
            expires_at: None,
        };
        self.context.events.publish(Topic::User(user_id), &ServerEvent::SessionUpdated(renamed), None);
        Ok(Some(self.show(&row, asked_by)))
    }

    /// The life of one of a user's sessions, ended ones too as long as they are kept.
    pub async fn history(&self, user_id: UserId, session_id: SessionId) -> Result<Option<SessionHistory>, StoreError> {
        let found = self.context.store.sessions().history(user_id, session_id).await?;
        Ok(found.map(|(row, entries)| SessionHistory {
            session_id,
            device_name: row.device.device_name,
            entries: entries
                .into_iter()
                .map(|entry| HistoryEntry {
                    at: entry.at,
                    kind: entry.kind,
                    detail: entry.detail,
                    ip_address: entry.ip,
                })
                .collect(),
        }))
    }

    /// Tells a user's other devices that one of them is (or is no longer) in use.
    pub fn publish_activity(&self, user_id: UserId, session_id: SessionId, active_now: bool) {
        // Its last request may be written down after its end; nobody should hear of it again.
        if self.list.has_ended(session_id) {
            return;
        }
        let changed = SessionUpdated {
            session_id,
            device_name: None,
            last_active: Some(self.context.now()),
            active_now: Some(active_now),
            expires_at: None,
        };
        let event = ServerEvent::SessionUpdated(changed);
        self.context.events.publish(Topic::User(user_id), &event, Some(session_id.into()));
    }

    /// Notifies all devices of a user, the one itself too, that a session was refreshed. By this its own streams know
    /// how long they may stay open, on every server.
    pub fn publish_new_end(&self, user_id: UserId, session_id: SessionId, expires_at: Timestamp) {
        let refreshed = SessionUpdated {
            session_id,
            device_name: None,
            last_active: None,
            active_now: None,
            expires_at: Some(expires_at),
        };
        self.context.events.publish(Topic::User(user_id), &ServerEvent::SessionUpdated(refreshed), None);
    }
}
