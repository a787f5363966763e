//! Recording a sign-in: a session begins, and others may end to make room for it.

use std::collections::BTreeSet;

use types::domain::{AlertId, SessionId, Timestamp, UserId};
use types::words::{AlertKind, EndReason};
use uuid::Uuid;

use super::super::accounts::browsers::{acquaint, hold, sessions_in};
use super::super::accounts::users::lock_user;
use super::super::alerts::{device_history, insert_alert};
use super::super::audit::insert_audit;
use super::super::revocations::log_and_commit;
use super::ending::{EndDetails, EntryBatch, Which};
use super::history::insert_history;
use super::{Connection, Database, Result, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::db::{Ids, retry_conflicts};
use crate::store::sessions::rows::SessionColumns;
use crate::store::{
    EndOutcome, NewAlert, NewAudit, NewSession, SessionLimit, SessionRow, SignIn, SignInEntries, SigningBrowser, User,
    sql,
};

impl Database {
    pub(in crate::store) async fn record_sign_in(
        &self,
        session: &NewSession,
        limit: Option<SessionLimit<'_>>,
        browser: Option<&SigningBrowser>,
        entries: SignInEntries<'_>,
        ids: Ids<'_>,
    ) -> Result<SignIn> {
        retry_conflicts!(self.try_record_sign_in(session, limit, browser, entries, &mut *ids))
    }

    async fn try_record_sign_in(
        &self,
        session: &NewSession,
        limit: Option<SessionLimit<'_>>,
        browser: Option<&SigningBrowser>,
        SignInEntries { audit, history, alert }: SignInEntries<'_>,
        ids: Ids<'_>,
    ) -> Result<SignIn> {
        let mut tx = self.begin().await?;
        let mut held = None;
        let mut before = Vec::new();
        if let Some(browser) = browser {
            let one = hold(&mut tx, browser, session.at).await?;
            if browser.one_session {
                before = sessions_in(&mut tx, &one, browser).await?;
            }
            held = Some((browser, one));
        }
        let user = match lock_users(&mut tx, session.user_id, &before).await? {
            Some(user) if user.disabled_at.is_none() => user,
            _ => return Ok(SignIn::NoSuchUser),
        };
        let mut replaced = EndOutcome::default();
        let mut entries = EntryBatch::default();
        if let Some((browser, _)) = &held {
            for (id, owner) in before {
                let ending = EndDetails { user_id: owner, ..replacement(session, browser.remember_until, audit) };
                ending.carry_out(&mut tx, Which::One(id), &mut replaced, &mut entries, &mut *ids).await?;
            }
        }
        if let Some(limit) = limit {
            let live = live_sessions(&mut tx, session).await?;
            let Some(leaving) = (limit.sessions_to_end)(&live) else { return Ok(SignIn::LimitReached(live)) };
            let ending = replacement(session, limit.remember_until, audit);
            for id in leaving {
                ending.carry_out(&mut tx, Which::One(id), &mut replaced, &mut entries, &mut *ids).await?;
            }
        }
        let in_browser = held.as_ref().filter(|(browser, _)| browser.one_session).map(|(_, held)| held.id);
        let is_new = (alert.is_new)(&device_history(&mut tx, session.user_id, session.id).await?);
        insert_session(&mut tx, session, in_browser).await?;
        if is_new {
            insert_alert(&mut tx, &new_alert(alert.id, session)).await?;
        }
        insert_history(&mut tx, std::slice::from_ref(history)).await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        entries.write(&mut tx, &mut replaced.departures).await?;
        if let Some((browser, held)) = &held {
            acquaint(&mut tx, held, browser, session.user_id, session.at).await?;
        }
        log_and_commit(tx, &mut replaced.revocations.iter_mut().collect::<Vec<_>>()).await?;
        Ok(SignIn::Done { user: Box::new(user), replaced, is_new })
    }
}

/// The alert about a device that has just signed in.
pub(in crate::store) fn new_alert(id: AlertId, session: &NewSession) -> NewAlert {
    NewAlert {
        id,
        kind: AlertKind::NewSignIn,
        session_id: session.id,
        at: session.at,
        ip: session.origin.ip.clone(),
        place: session.place.clone(),
    }
}

/// Locks the user who signs in, and the user whose session the browser had, in the order of their ids. Returns the
/// former.
pub(in crate::store) async fn lock_users(
    connection: &mut Connection,
    user_id: UserId,
    before: &[(SessionId, UserId)],
) -> Result<Option<User>> {
    let users: BTreeSet<UserId> = before.iter().map(|(_, owner)| *owner).chain([user_id]).collect();
    let mut user = None;
    for id in users {
        let locked = lock_user(connection, id).await?;
        if id == user_id {
            user = locked;
        }
    }
    Ok(user)
}

pub(in crate::store) async fn live_sessions(
    connection: &mut Connection,
    session: &NewSession,
) -> Result<Vec<SessionRow>> {
    let rows: Vec<SessionColumns> = query_as(sql::sessions::LIVE_SESSIONS)
        .bind(session.user_id.0)
        .bind(session.at.as_millis())
        .fetch_all(&mut *connection)
        .await?;
    read_all(rows)
}

/// How the sessions that make room end: by the new one.
pub(in crate::store) fn replacement(session: &NewSession, remember_until: Timestamp, audit: &NewAudit) -> EndDetails {
    EndDetails {
        user_id: session.user_id,
        reason: EndReason::Replaced,
        client_reason: None,
        ended_by: Some(session.id),
        ended_by_device: Some(session.device.device_name.clone()),
        actor_id: audit.actor_id,
        at: session.at,
        remember_until,
        origin: session.origin.clone(),
        receipt: None,
        began_by: Timestamp::from_millis(i64::MAX),
        seen_epoch: 0,
    }
}

pub(in crate::store) async fn insert_session(
    connection: &mut Connection,
    session: &NewSession,
    browser: Option<Uuid>,
) -> Result<()> {
    let expires_at = session.expires_at.min(session.max_expires_at);
    query(sql::sessions::INSERT_SESSION)
        .bind(session.id.0)
        .bind(session.user_id.0)
        .bind(session.at.as_millis())
        .bind(expires_at.as_millis())
        .bind(session.max_expires_at.as_millis())
        .bind(&session.device.device_name)
        .bind(&session.device.platform)
        .bind(session.device.browser.as_deref())
        .bind(session.device.os.as_deref())
        .bind(session.device.kind.as_str())
        .bind(session.device.app_version.as_deref())
        .bind(&session.origin.ip)
        .bind(&session.origin.user_agent)
        .bind(session.proofs.method().as_str())
        .bind(session.delivery.as_str())
        .bind(session.remember)
        .bind(&session.refresh_digest[..])
        .bind(session.place.as_deref())
        .bind(session.remember_until.as_millis())
        .bind(browser)
        .bind(session.proofs.to_json())
        .execute(&mut *connection)
        .await?;
    Ok(())
}
