//! The revocation log.

use std::time::Duration;

use types::domain::{Timestamp, UserId};
use types::words::EndReason;

use super::{
    Connection, DIALECT, Database, Db, ROWS_PER_INSERT, ROWS_PER_LARGE_INSERT, Result, Transaction, is_kept_prepared,
    query, query_as,
};
use crate::store::db::dialect::fill;
use crate::store::db::rows::read_all;
use crate::store::revocations::rows::{RevocationColumns, TailColumns};
use crate::store::{Revocation, RevokedSubject, Tail, sql};

impl Database {
    pub(in crate::store) async fn bump_epoch(
        &self,
        id: UserId,
        at: Timestamp,
        remember_until: Timestamp,
    ) -> Result<Option<Revocation>> {
        let mut tx = self.begin().await?;
        let raised: Option<(i64,)> = query_as(sql::sessions::RAISE_EPOCH).bind(id.0).fetch_optional(&mut *tx).await?;
        log_epoch(tx, id, raised, at, remember_until).await
    }

    pub(in crate::store) async fn raise_epoch_to(
        &self,
        id: UserId,
        least: i64,
        at: Timestamp,
        remember_until: Timestamp,
    ) -> Result<Option<Revocation>> {
        let mut tx = self.begin().await?;
        let raised: Option<(i64,)> =
            query_as(sql::revocations::RAISE_EPOCH_TO).bind(id.0).bind(least).fetch_optional(&mut *tx).await?;
        log_epoch(tx, id, raised, at, remember_until).await
    }

    pub(in crate::store) async fn note_restart(&self) -> Result<()> {
        query(sql::revocations::NOTE_RESTART).execute(self.writer()).await?;
        Ok(())
    }

    pub(in crate::store) async fn log_revocation(
        &self,
        user: UserId,
        subject: RevokedSubject,
        at: Timestamp,
        remember_until: Timestamp,
    ) -> Result<Revocation> {
        log_one(self.begin().await?, user, subject, at, remember_until).await
    }

    pub(in crate::store) async fn revocations_from(&self, position: i64) -> Result<Tail> {
        let rows: Vec<TailColumns> =
            query_as(sql::revocations::REVOCATIONS_FROM).bind(position).fetch_all(self.tail_pool()).await?;
        rows.try_into()
    }

    pub(in crate::store) async fn live_revocations(&self, after: i64, limit: i64) -> Result<Vec<Revocation>> {
        let rows: Vec<RevocationColumns> =
            query_as(sql::revocations::LIVE_REVOCATIONS).bind(after).bind(limit).fetch_all(self.tail_pool()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn count_live_revocations(&self) -> Result<u64> {
        let counts: Vec<(i64,)> =
            query_as(sql::revocations::COUNT_LIVE_REVOCATIONS).fetch_all(self.tail_pool()).await?;
        Ok(counts.first().map_or(0, |(count,)| count.unsigned_abs()))
    }
}

/// Whether something that was committed within the last `within` before now may be lost: another database answers than
/// before, or did so for the first time no longer ago than that.
pub(in crate::store) async fn may_have_lost(connection: &mut Connection, within: Duration) -> Result<bool> {
    let (has_restarted, restarted_at, now): (bool, Option<i64>, i64) =
        query_as(sql::revocations::RESTARTED).fetch_one(&mut *connection).await?;
    let lost_until = restarted_at.map(|at| Timestamp::from_millis(at).plus(within));
    Ok(has_restarted || lost_until.is_some_and(|until| until > Timestamp::from_millis(now)))
}

/// Writes a raised epoch to the log and commits. `None` where nothing was raised.
pub(in crate::store) async fn log_epoch(
    mut tx: Transaction,
    user_id: UserId,
    raised: Option<(i64,)>,
    at: Timestamp,
    remember_until: Timestamp,
) -> Result<Option<Revocation>> {
    let Some((epoch,)) = raised else { return Ok(None) };
    let (tokens,): (Option<i64>,) =
        query_as(sql::revocations::REMEMBERED_OF).bind(user_id.0).fetch_one(&mut *tx).await?;
    let remember_until = remember_until.max(Timestamp::from_millis(tokens.unwrap_or(0)));
    log_one(tx, user_id, RevokedSubject::Epoch(epoch), at, remember_until).await.map(Some)
}

/// Writes one revocation to the log and commits. A raised epoch has no reason: the sessions stay.
pub(in crate::store) async fn log_one(
    tx: Transaction,
    user_id: UserId,
    subject: RevokedSubject,
    at: Timestamp,
    remember_until: Timestamp,
) -> Result<Revocation> {
    let mut revocation = Revocation {
        position: 0,
        user_id,
        subject,
        reason: matches!(subject, RevokedSubject::Session(_)).then_some(EndReason::AdminRevoked),
        ended_by: None,
        ended_by_device: None,
        at,
        remember_until,
    };
    log_and_commit(tx, &mut [&mut revocation]).await?;
    Ok(revocation)
}

/// Ends a transaction that revokes something: gives the revocations their positions in the log, writes them and
/// commits. It takes the transaction, because every other server that revokes something waits from the lock of the head
/// row on, so nothing may come in between.
pub(in crate::store) async fn log_and_commit(mut tx: Transaction, revocations: &mut [&mut Revocation]) -> Result<()> {
    append_revocations(&mut tx, revocations).await?;
    Ok(tx.commit().await?)
}

async fn append_revocations(connection: &mut Connection, revocations: &mut [&mut Revocation]) -> Result<()> {
    let Ok(count @ 1..) = i64::try_from(revocations.len()) else { return Ok(()) };
    let (head,): (i64,) = query_as(sql::revocations::ADVANCE_HEAD).bind(count).fetch_one(&mut *connection).await?;
    for (position, revocation) in (head - count + 1..).zip(revocations.iter_mut()) {
        revocation.position = position;
    }
    let most = if revocations.len() < ROWS_PER_LARGE_INSERT { ROWS_PER_INSERT } else { ROWS_PER_LARGE_INSERT };
    for chunk in revocations.chunks(most) {
        let mut insert = sqlx::query::<Db>(fill(sql::revocations::INSERT_REVOCATION, &DIALECT, chunk.len()));
        for revocation in chunk {
            let (session, epoch) = match revocation.subject {
                RevokedSubject::Session(id) => (Some(id.0), None),
                RevokedSubject::Epoch(epoch) => (None, Some(epoch)),
            };
            insert = insert
                .bind(revocation.position)
                .bind(revocation.user_id.0)
                .bind(session)
                .bind(epoch)
                .bind(revocation.reason.map(EndReason::as_str))
                .bind(revocation.ended_by.map(|id| id.0))
                .bind(revocation.ended_by_device.as_deref())
                .bind(revocation.at.as_millis())
                .bind(revocation.remember_until.as_millis());
        }
        insert.persistent(is_kept_prepared(chunk.len())).execute(&mut *connection).await?;
    }
    Ok(())
}
