//! The audit log and its seals.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason};
use uuid::Uuid;

use super::{
    Connection, DIALECT, Database, Db, ROWS_PER_INSERT, ROWS_PER_LARGE_INSERT, Result, is_kept_prepared,
    lock_audit_seals, query, query_as,
};
use crate::store::audit::rows::{AuditColumns, EntryColumns, SealColumns, SealedColumns};
use crate::store::db::dialect::fill;
use crate::store::db::rows::read_all;
use crate::store::{
    Audit, AuditFilter, AuditSeal, AuditSearch, EntrySeal, MakeSeal, NewAudit, SealedAudit, SealedBatch, StoreError,
    StoredAudit, Unsealed, sql,
};

impl Database {
    pub(in crate::store) async fn append_audit(&self, audit: &NewAudit) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        Ok(tx.commit().await?)
    }

    pub(in crate::store) async fn activity(
        &self,
        id: UserId,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Audit>> {
        let (at, entry) = before.map_or((i64::MAX, Uuid::max()), |(at, entry)| (at.as_millis(), entry));
        let rows: Vec<AuditColumns> = query_as(sql::audit::ACTIVITY)
            .bind(id.0)
            .bind(at)
            .bind(entry)
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        read_all(rows)
    }

    pub(in crate::store) async fn stored_entries(
        &self,
        filter: &AuditFilter,
        after: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<StoredAudit>> {
        // No entry has the smallest id: what begins at `from` is later than this.
        let (at, id) = after.map_or((filter.from.as_millis(), Uuid::nil()), |(at, id)| (at.as_millis(), id));
        let statement = if filter.user.is_some() { sql::audit::ENTRIES_OF_USER } else { sql::audit::ENTRIES };
        let mut entries = query_as::<EntryColumns>(statement)
            .bind(at)
            .bind(id)
            .bind(filter.to.as_millis())
            .bind(filter.action.as_deref().unwrap_or_default())
            .bind(limit);
        if let Some(user) = filter.user {
            entries = entries.bind(user.0);
        }
        let rows = entries.fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(StoredAudit::from).collect())
    }

    pub(in crate::store) async fn search_entries(&self, search: &AuditSearch, limit: i64) -> Result<Vec<StoredAudit>> {
        let (at, id) = search.before;
        let rows = query_as::<EntryColumns>(statement_of(search))
            .bind(at.as_millis())
            .bind(id)
            .bind(search.from.as_millis())
            .bind(search.action.as_deref().unwrap_or_default())
            .bind(search.address.as_deref().unwrap_or_default())
            .bind(search.user.is_none())
            .bind(search.user.map_or(Uuid::nil(), |user| user.0))
            .bind(search.actor.is_none())
            .bind(search.actor.map_or(Uuid::nil(), |actor| actor.0))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(StoredAudit::from).collect())
    }

    pub(in crate::store) async fn count_entries(
        &self,
        action: AuditAction,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(i64, u64)>> {
        let rows: Vec<(i64, i64)> = query_as(sql::audit::COUNT_ENTRIES)
            .bind(action.as_str())
            .bind(from.as_millis())
            .bind(to.as_millis())
            .fetch_all(self.readers())
            .await?;
        Ok(counts(rows))
    }

    pub(in crate::store) async fn stored_counts(&self, action: AuditAction, from_hour: i64) -> Result<Vec<(i64, u64)>> {
        let rows: Vec<(i64, i64)> =
            query_as(sql::audit::STORED_COUNTS).bind(action.as_str()).bind(from_hour).fetch_all(self.readers()).await?;
        Ok(counts(rows))
    }

    pub(in crate::store) async fn store_counts(&self, action: AuditAction, counts: &[(i64, u64)]) -> Result<()> {
        let mut tx = self.begin().await?;
        for (hour, entries) in counts {
            query(sql::audit::STORE_COUNT)
                .bind(action.as_str())
                .bind(*hour)
                .bind(i64::try_from(*entries).unwrap_or(i64::MAX))
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    pub(in crate::store) async fn seal_entries(
        &self,
        make_seal: MakeSeal<'_>,
        limit: i64,
    ) -> Result<Option<AuditSeal>> {
        let mut tx = self.begin().await?;
        lock_audit_seals(&mut tx).await?;
        let rows: Vec<EntryColumns> = query_as(sql::audit::UNSEALED).bind(limit).fetch_all(&mut *tx).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let entries: Vec<StoredAudit> = rows.into_iter().map(StoredAudit::from).collect();
        let next = next_seal(&mut tx, make_seal, &entries).await?;
        let SealedBatch { seal, entries: sealed } = next.ok_or(StoreError::Unreadable("position in the audit log"))?;
        let sealed: Vec<(Uuid, EntrySeal)> = entries.iter().map(|entry| entry.id).zip(sealed).collect();
        seal_listed(&mut tx, &sealed).await?;
        insert_seal(&mut tx, &seal).await?;
        tx.commit().await?;
        Ok(Some(seal))
    }

    pub(in crate::store) async fn seal(&self, number: i64) -> Result<Option<AuditSeal>> {
        let rows: Vec<SealColumns> = query_as(sql::audit::SEAL).bind(number).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().next().map(AuditSeal::from))
    }

    pub(in crate::store) async fn newest_seal(&self) -> Result<Option<AuditSeal>> {
        let rows: Vec<SealColumns> = query_as(sql::audit::NEWEST_SEAL).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().next().map(AuditSeal::from))
    }

    pub(in crate::store) async fn seals_after(&self, after: i64, limit: i64) -> Result<Vec<AuditSeal>> {
        let rows: Vec<SealColumns> =
            query_as(sql::audit::SEALS_AFTER).bind(after).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(AuditSeal::from).collect())
    }

    pub(in crate::store) async fn sealed_after(&self, after: (i64, Uuid), limit: i64) -> Result<Vec<SealedAudit>> {
        let (position, id) = after;
        let rows: Vec<SealedColumns> =
            query_as(sql::audit::SEALED_AFTER).bind(position).bind(id).bind(limit).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(SealedAudit::from).collect())
    }

    pub(in crate::store) async fn count_unsealed(&self) -> Result<u64> {
        let (count,): (i64,) = query_as(sql::audit::COUNT_UNSEALED).fetch_one(self.readers()).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// The statement whose index has the fewest entries that are no answer.
fn statement_of(search: &AuditSearch) -> &'static str {
    if search.user.is_some() {
        sql::audit::ENTRIES_BEFORE_OF_USER
    } else if search.actor.is_some() {
        sql::audit::ENTRIES_BEFORE_BY_ACTOR
    } else if search.address.as_deref().is_some_and(|address| !address.is_empty()) {
        sql::audit::ENTRIES_BEFORE_AT_ADDRESS
    } else if search.action.is_some() {
        sql::audit::ENTRIES_BEFORE_OF_ACTION
    } else {
        sql::audit::ENTRIES_BEFORE
    }
}

fn counts(rows: Vec<(i64, i64)>) -> Vec<(i64, u64)> {
    rows.into_iter().map(|(hour, entries)| (hour, entries.unsigned_abs())).collect()
}

/// Makes the seal that follows the newest one; `None` where no position is left, which somebody has put in that stands
/// at the end of all. Nobody else seals until the transaction ends.
async fn next_seal(
    connection: &mut Connection,
    make_seal: MakeSeal<'_>,
    entries: &[StoredAudit],
) -> Result<Option<SealedBatch>> {
    let newest: Vec<SealColumns> = query_as(sql::audit::NEWEST_SEAL).fetch_all(&mut *connection).await?;
    let newest = newest.into_iter().next().map(AuditSeal::from);
    let (last_position,): (i64,) = query_as(sql::audit::LAST_POSITION).fetch_one(&mut *connection).await?;
    let unsealed = Unsealed { newest: newest.as_ref(), last_position, entries };
    Ok(unsealed.has_room().then(|| make_seal(unsealed)))
}

async fn seal_listed(connection: &mut Connection, sealed: &[(Uuid, EntrySeal)]) -> Result<()> {
    for chunk in sealed.chunks(ROWS_PER_INSERT) {
        let mut update = sqlx::query::<Db>(fill(sql::audit::SEAL_ENTRIES, &DIALECT, chunk.len()));
        for (id, seal) in chunk {
            update = update
                .bind(id)
                .bind(seal.position)
                .bind(seal.origin.salt.as_deref())
                .bind(seal.origin.digest.as_deref())
                .bind(seal.client_reason.salt.as_deref())
                .bind(seal.client_reason.digest.as_deref())
                .bind(seal.mark.as_deref());
        }
        let done = update.persistent(is_kept_prepared(chunk.len())).execute(&mut *connection).await?;
        // The rows are locked: a seal of an entry that is not sealed would be worse than none.
        if done.rows_affected() != u64::try_from(chunk.len()).unwrap_or(u64::MAX) {
            return Err(StoreError::Unreadable("audit entry"));
        }
    }
    Ok(())
}

pub(in crate::store) async fn insert_seal(connection: &mut Connection, seal: &AuditSeal) -> Result<()> {
    query(sql::audit::INSERT_SEAL)
        .bind(seal.number)
        .bind(seal.version)
        .bind(seal.sealed_at.as_millis())
        .bind(seal.first_position)
        .bind(seal.last_position)
        .bind(&seal.root)
        .bind(&seal.previous)
        .bind(&seal.public_key)
        .bind(&seal.signature)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(in crate::store) async fn insert_audit(connection: &mut Connection, entries: &[NewAudit]) -> Result<()> {
    for chunk in entries.chunks(ROWS_PER_INSERT) {
        let mut insert = sqlx::query::<Db>(fill(sql::audit::INSERT_AUDIT, &DIALECT, chunk.len()));
        for entry in chunk {
            insert = insert
                .bind(entry.id)
                .bind(entry.at.as_millis())
                .bind(entry.user_id.map(|id| id.0))
                .bind(entry.actor_id.map(|id| id.0))
                .bind(entry.session_id.map(|id| id.0))
                .bind(entry.action.as_str())
                .bind(entry.reason.map(EndReason::as_str))
                .bind(entry.client_reason.as_deref())
                .bind(&entry.origin.ip)
                .bind(&entry.origin.user_agent)
                .bind(entry.detail.as_deref());
        }
        insert.persistent(is_kept_prepared(chunk.len())).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Inserts entries that say the same as `like` of sessions, each given with the id of its entry and its user, and seals
/// them at once. Whoever seals waits until the transaction ends, so this comes late in it. Where nothing can be sealed
/// any more they are inserted unsealed: what is done to the audit log keeps no session alive.
pub(in crate::store) async fn insert_sealed_audit_of_sessions(
    connection: &mut Connection,
    like: &NewAudit,
    sessions: &[(Uuid, UserId, SessionId)],
    make_seal: MakeSeal<'_>,
) -> Result<()> {
    if sessions.is_empty() {
        return Ok(());
    }
    lock_audit_seals(&mut *connection).await?;
    let of_session = |(id, user, session): &(Uuid, UserId, SessionId)| NewAudit {
        id: *id,
        user_id: Some(*user),
        session_id: Some(*session),
        ..like.clone()
    };
    let entries: Vec<StoredAudit> = sessions.iter().map(|session| StoredAudit::from(of_session(session))).collect();
    let Some(SealedBatch { seal, entries: sealed }) = next_seal(&mut *connection, make_seal, &entries).await? else {
        let entries: Vec<NewAudit> = sessions.iter().map(of_session).collect();
        return insert_audit(connection, &entries).await;
    };
    for (sessions, sealed) in sessions.chunks(ROWS_PER_LARGE_INSERT).zip(sealed.chunks(ROWS_PER_LARGE_INSERT)) {
        let mut insert = sqlx::query::<Db>(fill(sql::audit::INSERT_SEALED_ALIKE, &DIALECT, sessions.len()))
            .bind(like.at.as_millis())
            .bind(like.actor_id.map(|id| id.0))
            .bind(like.action.as_str())
            .bind(like.reason.map(EndReason::as_str))
            .bind(like.client_reason.as_deref())
            .bind(&like.origin.ip)
            .bind(&like.origin.user_agent)
            .bind(like.detail.as_deref());
        for ((entry, user, session), seal) in sessions.iter().zip(sealed) {
            insert = insert
                .bind(*entry)
                .bind(user.0)
                .bind(session.0)
                .bind(seal.position)
                .bind(seal.origin.salt.as_deref())
                .bind(seal.origin.digest.as_deref())
                .bind(seal.client_reason.salt.as_deref())
                .bind(seal.client_reason.digest.as_deref())
                .bind(seal.mark.as_deref());
        }
        insert.persistent(is_kept_prepared(sessions.len())).execute(&mut *connection).await?;
    }
    insert_seal(connection, &seal).await
}
