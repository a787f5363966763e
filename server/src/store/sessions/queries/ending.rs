//! Ending sessions, with their history, audit and log entries.
//!
//! All commands share one transaction. It locks the users in the order of their ids, then their sessions, then the head
//! row of the log. The head row comes last because every other transaction that ends sessions waits for it. What else
//! belongs to a session and is stored ends in between (`ends_with_session`).

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason};

use super::super::accounts::users::hold_user;
use super::super::alerts::answer_by_ending;
use super::super::audit::insert_audit;
use super::super::revocations::{log_and_commit, may_have_lost};
use super::ends_with_session::StoredEnds;
use super::history::{ended_entry, insert_history};
use super::{Connection, Database, Result, query, query_as};
use crate::store::db::rows::read_all;
use crate::store::db::{Ids, retry_conflicts};
use crate::store::sessions::rows::{EndedColumns, ReceiptColumns};
use crate::store::{
    Digest, EndCommand, EndOutcome, EndedSession, NewAudit, NewHistoryEntry, Origin, ReceiptRow, Revocation,
    RevokedSubject, RoomMessageRow, Selection, StoreError, sql,
};

impl Database {
    pub(in crate::store) async fn end_sessions(
        &self,
        commands: &[EndCommand],
        ids: Ids<'_>,
    ) -> Result<Vec<EndOutcome>> {
        retry_conflicts!(self.try_end_sessions(commands, &mut *ids))
    }

    async fn try_end_sessions(&self, commands: &[EndCommand], ids: Ids<'_>) -> Result<Vec<EndOutcome>> {
        let mut outcomes = vec![EndOutcome::default(); commands.len()];
        let mut order: Vec<usize> = (0..commands.len()).collect();
        order.sort_by_key(|&index| commands[index].selection.user_id());

        let mut tx = self.begin().await?;
        let mut locked: Option<(UserId, bool)> = None;
        let mut entries = EntryBatch::default();
        for &index in &order {
            let (command, outcome) = (&commands[index], &mut outcomes[index]);
            let user_id = command.selection.user_id();
            let is_known = match locked {
                Some((user, is_known)) if user == user_id => is_known,
                _ => hold_user(&mut tx, user_id).await?,
            };
            locked = Some((user_id, is_known));
            if is_known {
                carry_out(&mut tx, command, outcome, &mut entries, &mut *ids).await?;
            } else {
                end_unknown(&mut tx, command, outcome, &mut entries, &mut *ids).await?;
                end_all_of_unknown(&mut tx, command, outcome).await?;
            }
        }
        let mut departures = Vec::new();
        entries.write(&mut tx, &mut departures).await?;
        // They are enforced together.
        if let Some(first) = outcomes.first_mut() {
            first.departures = departures;
        }
        log_and_commit(tx, &mut in_order(&mut outcomes, &order)).await?;
        Ok(outcomes)
    }

    pub(in crate::store) async fn mark_notified(&self, ids: &[SessionId], at: Timestamp) -> Result<()> {
        // In order, so that two servers that mark the same sessions do not deadlock.
        let mut ids = ids.to_vec();
        ids.sort();
        let mut tx = self.begin().await?;
        for id in ids {
            query(sql::sessions::MARK_NOTIFIED).bind(id.0).bind(at.as_millis()).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    pub(in crate::store) async fn confirm_end(&self, id: SessionId, at: Timestamp) -> Result<bool> {
        let done = query(sql::sessions::CONFIRM_END).bind(id.0).bind(at.as_millis()).execute(self.writer()).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(in crate::store) async fn receipt(&self, digest: &Digest) -> Result<Vec<ReceiptRow>> {
        let rows: Vec<ReceiptColumns> =
            query_as(sql::sessions::RECEIPT).bind(&digest[..]).fetch_all(self.readers()).await?;
        read_all(rows)
    }
}

/// Carries out one command, except for its positions in the log.
pub(in crate::store) async fn carry_out(
    connection: &mut Connection,
    command: &EndCommand,
    outcome: &mut EndOutcome,
    entries: &mut EntryBatch,
    ids: Ids<'_>,
) -> Result<()> {
    if command.tried_for.is_some() && was_carried_out(connection, command).await? {
        return Ok(());
    }
    if !requester_was_alive(connection, command).await? {
        outcome.requester_ended = true;
        return Ok(());
    }
    end_selected(connection, command, outcome, entries, &mut *ids).await?;
    if outcome.ended.is_empty() {
        end_unknown(connection, command, outcome, entries, &mut *ids).await?;
    }
    Ok(())
}

async fn end_selected(
    connection: &mut Connection,
    command: &EndCommand,
    outcome: &mut EndOutcome,
    entries: &mut EntryBatch,
    ids: Ids<'_>,
) -> Result<()> {
    let ending = EndDetails::of(command, device_name(connection, command.ended_by).await?);
    let which = match command.selection {
        Selection::One { session_id, .. } => Which::One(session_id),
        Selection::Others { keep, .. } => Which::Others(keep),
        Selection::All { .. } => Which::All,
    };
    ending.carry_out(connection, which, outcome, entries, ids).await
}

/// The step for a transaction of another area: ends the sessions that a command selects, and writes their histories and
/// audit entries. The user's row is locked by then. Everything else must be done before the transaction ends with
/// [`log_and_commit`], which gets the revocations of the outcome.
pub(in crate::store) async fn end_in(
    connection: &mut Connection,
    command: &EndCommand,
    ids: Ids<'_>,
) -> Result<EndOutcome> {
    let (mut outcome, mut entries) = (EndOutcome::default(), EntryBatch::default());
    end_selected(connection, command, &mut outcome, &mut entries, ids).await?;
    entries.write(connection, &mut outcome.departures).await?;
    Ok(outcome)
}

/// Whether the requesting session was alive at the time of the request, if it ends others. A session that has itself
/// ended ends no other, however late the commit comes.
pub(in crate::store) async fn requester_was_alive(connection: &mut Connection, command: &EndCommand) -> Result<bool> {
    let Some(requester) = command.asks_for_others() else { return Ok(true) };
    let found: Option<(i64, Option<i64>)> = query_as(sql::sessions::REQUESTER)
        .bind(requester.0)
        .bind(command.selection.user_id().0)
        .fetch_optional(&mut *connection)
        .await?;
    let asked_at = command.at.as_millis();
    match found {
        Some((_, Some(ended_at))) => Ok(ended_at > asked_at),
        Some((expires_at, None)) => Ok(expires_at > asked_at),
        // The database was set back, or has deleted the session long after its end. Then its tokens have expired, or
        // the log has its end.
        None if command.token_until.is_some_and(|until| until > command.at) => {
            let revoked: Option<(i32,)> =
                query_as(sql::revocations::IS_REVOKED).bind(requester.0).fetch_optional(&mut *connection).await?;
            Ok(revoked.is_none())
        }
        None => Ok(false),
    }
}

/// Ends a session that its own token names and that the database does not know, because it was set back.
pub(in crate::store) async fn end_unknown(
    connection: &mut Connection,
    command: &EndCommand,
    outcome: &mut EndOutcome,
    entries: &mut EntryBatch,
    ids: Ids<'_>,
) -> Result<()> {
    let Some(session_id) = command.names_itself() else { return Ok(()) };
    let known: Option<(i32,)> =
        query_as(sql::sessions::IS_THERE).bind(session_id.0).fetch_optional(&mut *connection).await?;
    if known.is_some() {
        return Ok(());
    }
    let ending = EndDetails::of(command, None);
    // A refresh token does not say whose it is.
    let user_id = Some(ending.user_id).filter(|user_id| !user_id.0.is_nil());
    entries.audit.push(NewAudit {
        session_id: Some(session_id),
        user_id,
        ..ending.audit(ids(), AuditAction::SessionEnded)
    });
    outcome.revocations.push(ending.revocation(RevokedSubject::Session(session_id), command.remember_until));
    Ok(())
}

/// Ends all sessions of a user whom the database does not know, because it was set back, on the request of one of them.
/// Which sessions there were is not known, so none of their tokens passes any more, that of the requester included.
pub(in crate::store) async fn end_all_of_unknown(
    connection: &mut Connection,
    command: &EndCommand,
    outcome: &mut EndOutcome,
) -> Result<()> {
    let is_about_one = matches!(command.selection, Selection::One { .. });
    let is_good = command.token_until.is_some_and(|until| until > command.at);
    if is_about_one || !is_good {
        return Ok(());
    }
    if !requester_was_alive(connection, command).await? {
        outcome.requester_ended = true;
        return Ok(());
    }
    // As for a known user: above every epoch that was given before.
    let raised = RevokedSubject::Epoch((command.seen_epoch + 1).max(command.at.as_millis()));
    outcome.revocations.push(EndDetails::of(command, None).revocation(raised, command.remember_until));
    Ok(())
}

/// Whether an earlier try was committed: the sessions that it ended have its receipt.
pub(in crate::store) async fn was_carried_out(connection: &mut Connection, command: &EndCommand) -> Result<bool> {
    let Some(receipt) = &command.receipt else { return Ok(false) };
    let ended: Vec<ReceiptColumns> = query_as(sql::sessions::RECEIPT).bind(&receipt[..]).fetch_all(connection).await?;
    let ended: Vec<ReceiptRow> = read_all(ended)?;
    Ok(match command.selection {
        // Several commands for one session each may share a receipt.
        Selection::One { session_id, .. } => ended.iter().any(|row| row.session_id == session_id),
        Selection::Others { .. } | Selection::All { .. } => !ended.is_empty(),
    })
}

/// The history and audit entries of what ended, and what is stored and ends with it, of all commands together: each
/// statement is a trip to the database.
#[derive(Default)]
pub(in crate::store) struct EntryBatch {
    history: Vec<NewHistoryEntry>,
    audit: Vec<NewAudit>,
    stored: StoredEnds,
}

impl EntryBatch {
    /// Writes the entries collected so far, and ends what ends with the sessions. What rooms say of it is added to
    /// `departures`.
    pub async fn write(&mut self, connection: &mut Connection, departures: &mut Vec<RoomMessageRow>) -> Result<()> {
        insert_history(connection, &std::mem::take(&mut self.history)).await?;
        insert_audit(connection, &std::mem::take(&mut self.audit)).await?;
        self.stored.carry_out(connection, departures).await
    }
}

/// Which of a user's live sessions end.
pub(in crate::store) enum Which {
    One(SessionId),
    Others(SessionId),
    All,
}

/// How sessions of one user end: the same for each of them.
pub(in crate::store) struct EndDetails {
    pub user_id: UserId,
    pub reason: EndReason,
    pub client_reason: Option<String>,
    pub ended_by: Option<SessionId>,
    pub ended_by_device: Option<String>,
    pub actor_id: Option<UserId>,
    pub at: Timestamp,
    pub remember_until: Timestamp,
    pub origin: Origin,
    pub receipt: Option<Digest>,
    /// Where several end, those that began later stay.
    pub began_by: Timestamp,
    /// Where the epoch is raised, it must be higher than this.
    pub seen_epoch: i64,
}

impl EndDetails {
    /// As a command says.
    fn of(command: &EndCommand, ended_by_device: Option<String>) -> Self {
        Self {
            user_id: command.selection.user_id(),
            reason: command.reason,
            client_reason: command.client_reason.clone(),
            ended_by: command.ended_by,
            ended_by_device,
            actor_id: command.actor_id,
            at: command.at,
            remember_until: command.remember_until,
            origin: command.origin.clone(),
            receipt: command.receipt,
            began_by: command.tried_for.unwrap_or(Timestamp::from_millis(i64::MAX)),
            seen_epoch: command.seen_epoch,
        }
    }

    /// Marks the sessions as ended. Adds their entries to the batch, and to the outcome what ended and what must go to
    /// the log. The user's row is locked.
    pub async fn carry_out(
        &self,
        connection: &mut Connection,
        which: Which,
        outcome: &mut EndOutcome,
        entries: &mut EntryBatch,
        ids: Ids<'_>,
    ) -> Result<()> {
        let ended = self.mark(connection, &which).await?;
        for session in &ended {
            entries.history.push(ended_entry(ids(), session.id, self.at, self.reason.as_str(), &self.origin.ip));
            entries
                .audit
                .push(NewAudit { session_id: Some(session.id), ..self.audit(ids(), AuditAction::SessionEnded) });
            entries.stored.add(session, self.user_id, self.reason, self.ended_by, self.at);
        }
        // Making room for a sign-in answers no alert.
        let answers = self.reason != EndReason::Replaced;
        let ended_by = self.ended_by.filter(|by| answers && ended.iter().any(|session| session.id != *by));
        if let Some(ended_by) = ended_by {
            answer_by_ending(connection, self.user_id, ended_by, self.at).await?;
        }
        if matches!(which, Which::All) {
            let epoch = self.raise_epoch(connection).await?;
            let tokens = ended.iter().map(|session| session.remember_until).max().unwrap_or(self.remember_until);
            outcome.revocations.push(self.revocation(RevokedSubject::Epoch(epoch), tokens));
        } else {
            if matches!(which, Which::Others(_)) {
                self.cut_off_others(connection, outcome).await?;
            }
            outcome.revocations.extend(
                ended
                    .iter()
                    .map(|session| self.revocation(RevokedSubject::Session(session.id), session.remember_until)),
            );
        }
        outcome.ended.extend(ended);
        Ok(())
    }

    /// Refuses others that are not found. A token of an older system has no session. Where the database was set back,
    /// it has lost sessions whose tokens are good: then no token that was made so far passes any more. Sessions that
    /// are there, such as the one that stays, are refreshed.
    async fn cut_off_others(&self, connection: &mut Connection, outcome: &mut EndOutcome) -> Result<()> {
        if may_have_lost(connection, self.remember_until.since(self.at)).await? {
            let epoch = self.raise_epoch(connection).await?;
            let raised = self.revocation(RevokedSubject::Epoch(epoch), self.remember_until);
            outcome.revocations.push(Revocation { reason: None, ..raised });
        } else {
            query(sql::sessions::CUT_OFF)
                .bind(self.user_id.0)
                .bind(self.at.as_millis())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn mark(&self, connection: &mut Connection, which: &Which) -> Result<Vec<EndedSession>> {
        let (statement, session) = match which {
            Which::One(id) => (sql::sessions::END_ONE, Some(id)),
            Which::Others(id) => (sql::sessions::END_OTHERS, Some(id)),
            Which::All => (sql::sessions::END_ALL, None),
        };
        let mut end = query_as(statement)
            .bind(self.user_id.0)
            .bind(self.at.as_millis())
            .bind(self.reason.as_str())
            .bind(self.ended_by.map(|id| id.0))
            .bind(self.ended_by_device.as_deref())
            .bind(self.receipt.as_ref().map(|digest| &digest[..]));
        if let Some(id) = session {
            end = end.bind(id.0);
        }
        if !matches!(which, Which::One(_)) {
            end = end.bind(self.began_by.as_millis());
        }
        let rows: Vec<EndedColumns> = end.fetch_all(connection).await?;
        let mut ended: Vec<EndedSession> = read_all(rows)?;
        ended.sort_by_key(|session| session.id);
        Ok(ended)
    }

    async fn raise_epoch(&self, connection: &mut Connection) -> Result<i64> {
        let raised: Option<(i64,)> = query_as(sql::sessions::RAISE_EPOCH_AND_CUT_OFF)
            .bind(self.user_id.0)
            .bind(self.at.as_millis())
            .bind(self.seen_epoch)
            .fetch_optional(&mut *connection)
            .await?;
        raised.map(|(epoch,)| epoch).ok_or(StoreError::Unreadable("user"))
    }

    /// An entry about this user.
    pub fn audit(&self, id: uuid::Uuid, action: AuditAction) -> NewAudit {
        NewAudit {
            user_id: Some(self.user_id),
            actor_id: self.actor_id,
            reason: Some(self.reason),
            client_reason: self.client_reason.clone(),
            ..NewAudit::new(id, self.at, action, self.origin.clone())
        }
    }

    /// `tokens` is until when the tokens of the ended sessions require it to be remembered.
    fn revocation(&self, subject: RevokedSubject, tokens: Timestamp) -> Revocation {
        Revocation {
            // Known only once the head row is locked.
            position: 0,
            user_id: self.user_id,
            subject,
            reason: Some(self.reason),
            ended_by: self.ended_by,
            ended_by_device: self.ended_by_device.clone(),
            at: self.at,
            remember_until: self.remember_until.max(tokens),
        }
    }
}

/// The revocations of all outcomes, in the order in which the commands were carried out.
pub(in crate::store) fn in_order<'o>(outcomes: &'o mut [EndOutcome], order: &[usize]) -> Vec<&'o mut Revocation> {
    let mut place = vec![0; order.len()];
    for (position, &index) in order.iter().enumerate() {
        place[index] = position;
    }
    let mut by_place: Vec<(usize, &mut EndOutcome)> =
        outcomes.iter_mut().enumerate().map(|(index, outcome)| (place[index], outcome)).collect();
    by_place.sort_by_key(|(place, _)| *place);
    by_place.into_iter().flat_map(|(_, outcome)| outcome.revocations.iter_mut()).collect()
}

pub(in crate::store) async fn device_name(
    connection: &mut Connection,
    id: Option<SessionId>,
) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    let row: Option<(String,)> =
        query_as(sql::sessions::DEVICE_NAME).bind(id.0).fetch_optional(&mut *connection).await?;
    Ok(row.map(|(name,)| name))
}
