//! Ending sessions of many users at once.
//!
//! The same as the end worker does command by command, with a few statements for all of them: the users are locked in
//! the order of their ids, then their sessions, then what ends with these, then the seals of the audit log, then the
//! head row of the revocation log.

use types::domain::{SessionId, UserId};
use types::words::AuditAction;
use uuid::Uuid;

use super::super::audit::insert_sealed_audit_of_sessions;
use super::super::revocations::log_and_commit;
use super::super::sessions::ends_with_session::StoredEnds;
use super::runs::count_in_run;
use super::{Connection, DIALECT, Database, Db, ROWS_PER_LARGE_INSERT, Result};
use crate::store::admin::rows::ListedColumns;
use crate::store::db::dialect::fill;
use crate::store::db::rows::read_all;
use crate::store::db::{Ids, retry_conflicts};
use crate::store::{EndOutcome, EndedSession, ListedEnd, MakeSeal, NewAudit, Revocation, RevokedSubject, sql};

/// Rows that one statement locks or marks. Statements of so many are kept prepared: they come again and again.
const ROWS_AT_ONCE: usize = ROWS_PER_LARGE_INSERT;

impl Database {
    pub(in crate::store) async fn end_listed_sessions(
        &self,
        ends: &ListedEnd,
        make_seal: MakeSeal<'_>,
        ids: Ids<'_>,
    ) -> Result<EndOutcome> {
        retry_conflicts!(self.try_end_listed_sessions(ends, make_seal, &mut *ids))
    }

    async fn try_end_listed_sessions(
        &self,
        ends: &ListedEnd,
        make_seal: MakeSeal<'_>,
        ids: Ids<'_>,
    ) -> Result<EndOutcome> {
        let mut users: Vec<UserId> = ends.sessions.iter().map(|(user, _)| *user).collect();
        users.sort_unstable();
        users.dedup();
        let mut sessions: Vec<SessionId> = ends.sessions.iter().map(|(_, session)| *session).collect();
        sessions.sort_unstable();

        let mut tx = self.begin_batch().await?;
        lock_users(&mut tx, &users).await?;
        let ended = mark(&mut tx, ends, &sessions).await?;
        let mut entries = Vec::with_capacity(ended.len());
        let (mut stored, mut outcome) = (StoredEnds::default(), EndOutcome::default());
        for (user_id, session) in ended {
            entries.push((ids(), user_id, session.id));
            stored.add(&session, user_id, ends.reason, None, ends.at);
            outcome.revocations.push(revocation(ends, user_id, &session));
            outcome.ended.push(session);
        }
        stored.carry_out(&mut tx, &mut outcome.departures).await?;
        if let Some(run) = ends.run {
            count_in_run(&mut tx, run, outcome.ended.len()).await?;
        }
        insert_sealed_audit_of_sessions(&mut tx, &entry(ends), &entries, make_seal).await?;
        log_and_commit(tx, &mut outcome.revocations.iter_mut().collect::<Vec<_>>()).await?;
        Ok(outcome)
    }
}

async fn lock_users(connection: &mut Connection, users: &[UserId]) -> Result<()> {
    for chunk in users.chunks(ROWS_AT_ONCE) {
        let statement = fill(sql::admin::LOCK_USERS, &DIALECT, chunk.len());
        let mut lock = sqlx::query_as::<Db, (Uuid,)>(statement);
        for user in chunk {
            lock = lock.bind(user.0);
        }
        lock.persistent(chunk.len() == ROWS_AT_ONCE).fetch_all(&mut *connection).await?;
    }
    Ok(())
}

/// Marks those that have not ended, and gives them in the order of their ids.
async fn mark(
    connection: &mut Connection,
    ends: &ListedEnd,
    sessions: &[SessionId],
) -> Result<Vec<(UserId, EndedSession)>> {
    let mut ended: Vec<(UserId, EndedSession)> = Vec::with_capacity(sessions.len());
    for chunk in sessions.chunks(ROWS_AT_ONCE) {
        let statement = fill(sql::admin::END_LISTED, &DIALECT, chunk.len());
        let mut end =
            sqlx::query_as::<Db, ListedColumns>(statement).bind(ends.at.as_millis()).bind(ends.reason.as_str());
        for session in chunk {
            end = end.bind(session.0);
        }
        let rows: Vec<ListedColumns> = end.persistent(chunk.len() == ROWS_AT_ONCE).fetch_all(&mut *connection).await?;
        ended.extend(read_all::<ListedColumns, (UserId, EndedSession)>(rows)?);
    }
    ended.sort_by_key(|(_, session)| session.id);
    Ok(ended)
}

/// What the audit log says of each of them.
fn entry(ends: &ListedEnd) -> NewAudit {
    NewAudit {
        actor_id: ends.actor_id,
        reason: Some(ends.reason),
        client_reason: ends.client_reason.clone(),
        ..NewAudit::new(Uuid::nil(), ends.at, AuditAction::SessionEnded, ends.origin.clone())
    }
}

fn revocation(ends: &ListedEnd, user_id: UserId, session: &EndedSession) -> Revocation {
    Revocation {
        // Known only once the head row is locked.
        position: 0,
        user_id,
        subject: RevokedSubject::Session(session.id),
        reason: Some(ends.reason),
        ended_by: None,
        ended_by_device: None,
        at: ends.at,
        remember_until: ends.remember_until.max(session.remember_until),
    }
}
