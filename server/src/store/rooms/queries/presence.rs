//! Which sessions are present in which rooms, and who leaves a room with the last of theirs.
//!
//! Whoever ends a presence holds the lock of its user, so that nobody else ends or begins another one of that user
//! meanwhile: what is asked after the lock is as it stays until the commit.

use std::collections::BTreeMap;

use types::api::RoomId;
use types::domain::{SessionId, Timestamp, UserId};
use types::words::RoomMessageKind;
use uuid::Uuid;

use super::messages::{NewRoomMessage, insert_messages};
use super::{Connection, DIALECT, Database, Db, Result, query_as};
use crate::store::db::dialect::fill;
use crate::store::db::retry_conflicts;
use crate::store::{DepartingSession, Heartbeat, PresenceSweep, RoomMessageRow, sql};

/// Values that one statement names.
const VALUES_AT_ONCE: usize = 200;

impl Database {
    pub(in crate::store) async fn heartbeat(
        &self,
        beats: &[Heartbeat],
        now: Timestamp,
    ) -> Result<Vec<(SessionId, RoomId)>> {
        self.prolong(sql::rooms::HEARTBEAT, beats, now).await
    }

    pub(in crate::store) async fn prolong_presence(
        &self,
        beats: &[Heartbeat],
        now: Timestamp,
    ) -> Result<Vec<(SessionId, RoomId)>> {
        self.prolong(sql::rooms::PROLONG_PRESENCE, beats, now).await
    }

    async fn prolong(
        &self,
        statement: &'static str,
        beats: &[Heartbeat],
        now: Timestamp,
    ) -> Result<Vec<(SessionId, RoomId)>> {
        let mut beats = beats.to_vec();
        // Those that are alike beside each other, and these in the order in which they are locked.
        beats.sort_unstable();
        let is_alike = |one: &Heartbeat, other: &Heartbeat| (one.until, one.is_away) == (other.until, other.is_away);
        let chunks: Vec<&[Heartbeat]> =
            beats.chunk_by(is_alike).flat_map(|alike| alike.chunks(VALUES_AT_ONCE / 2)).collect();
        let mut present = Vec::with_capacity(beats.len());
        for chunk in chunks {
            let Some(first) = chunk.first() else { continue };
            // Each for itself: nobody waits for the locks of all.
            let mut tx = self.begin().await?;
            let mut prolong = sqlx::query_as::<Db, (Uuid, Uuid)>(fill(statement, &DIALECT, chunk.len()))
                .bind(now.as_millis())
                .bind(first.until.as_millis())
                .bind(first.is_away);
            for beat in chunk {
                prolong = prolong.bind(beat.session_id.0).bind(beat.room_id.0);
            }
            let rows: Vec<(Uuid, Uuid)> = prolong.persistent(false).fetch_all(&mut *tx).await?;
            tx.commit().await?;
            present.extend(rows.into_iter().map(|(session, room)| (SessionId(session), RoomId(room))));
        }
        present.sort_unstable();
        Ok(present)
    }

    pub(in crate::store) async fn gone_grey(
        &self,
        since: Timestamp,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(RoomId, UserId)>> {
        let rows: Vec<(Uuid, Uuid)> = query_as(sql::rooms::GONE_GREY)
            .bind(since.as_millis())
            .bind(before.as_millis())
            .bind(now.as_millis())
            .fetch_all(self.readers())
            .await?;
        Ok(rows.into_iter().map(|(room, user)| (RoomId(room), UserId(user))).collect())
    }

    pub(in crate::store) async fn sweep_presence(&self, now: Timestamp, limit: i64) -> Result<PresenceSweep> {
        retry_conflicts!(self.try_sweep_presence(now, limit))
    }

    async fn try_sweep_presence(&self, now: Timestamp, limit: i64) -> Result<PresenceSweep> {
        let users = self.users_to_sweep(now, limit).await?;
        if users.is_empty() {
            return Ok(PresenceSweep::default());
        }
        let mut tx = self.begin().await?;
        lock_users(&mut tx, &users).await?;
        let mut sweep = PresenceSweep::default();
        // Who is without presence has left.
        let mut kinds: BTreeMap<UserId, RoomMessageKind> =
            users.iter().map(|user| (*user, RoomMessageKind::Left)).collect();
        for (user, has_expired) in end_run_out(&mut tx, &users, now).await? {
            sweep.ended += 1;
            if has_expired {
                kinds.insert(user, RoomMessageKind::SessionExpired);
            }
        }
        sweep.departures = leave_where_absent(&mut tx, &kinds, now).await?;
        tx.commit().await?;
        Ok(sweep)
    }

    /// Users of whom a presence has run out, or a membership has none; in the order of their ids.
    async fn users_to_sweep(&self, now: Timestamp, limit: i64) -> Result<Vec<UserId>> {
        let run_out: Vec<(Uuid,)> =
            query_as(sql::rooms::RUN_OUT).bind(now.as_millis()).bind(limit).fetch_all(self.readers()).await?;
        let absent: Vec<(Uuid,)> =
            query_as(sql::rooms::MEMBERS_WITHOUT_PRESENCE).bind(limit).fetch_all(self.readers()).await?;
        let mut users: Vec<UserId> = run_out.into_iter().chain(absent).map(|(id,)| UserId(id)).collect();
        users.sort_unstable();
        users.dedup();
        users.truncate(VALUES_AT_ONCE);
        Ok(users)
    }
}

/// The step for a transaction that ends sessions: ends their presence, and has users leave the rooms in which none of
/// their sessions is present any more. Gives what is said of it there. The users are locked by then. Where nobody was
/// in a room, nothing is asked.
pub(in crate::store) async fn leave_with_sessions(
    connection: &mut Connection,
    departing: &[DepartingSession],
) -> Result<Vec<RoomMessageRow>> {
    let Some(at) = departing.iter().map(|session| session.at).max() else { return Ok(Vec::new()) };
    let mut sessions: Vec<SessionId> = departing.iter().map(|session| session.session_id).collect();
    sessions.sort_unstable();
    end_presences(connection, &sessions).await?;
    leave_where_absent(connection, &kinds_of(departing), at).await
}

/// What rooms say of the users of these sessions. Who signs out on all devices has signed out, whatever is said of the
/// other devices.
fn kinds_of(departing: &[DepartingSession]) -> BTreeMap<UserId, RoomMessageKind> {
    let mut kinds = BTreeMap::new();
    for session in departing {
        let kind = kinds.entry(session.user_id).or_insert_with(|| session.kind());
        if session.kind() == RoomMessageKind::SignedOut {
            *kind = RoomMessageKind::SignedOut;
        }
    }
    kinds
}

/// Ends the presence of sessions, which are in order, in all their rooms.
async fn end_presences(connection: &mut Connection, sessions: &[SessionId]) -> Result<()> {
    for chunk in sessions.chunks(VALUES_AT_ONCE) {
        let mut end = sqlx::query::<Db>(fill(sql::rooms::END_PRESENCE, &DIALECT, chunk.len()));
        for session in chunk {
            end = end.bind(session.0);
        }
        end.persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Ends what has run out of these users. Gives whose it was, and whether their session has expired.
async fn end_run_out(connection: &mut Connection, users: &[UserId], now: Timestamp) -> Result<Vec<(UserId, bool)>> {
    let statement = fill(sql::rooms::END_RUN_OUT, &DIALECT, users.len());
    let mut end = sqlx::query_as::<Db, (Uuid, Option<i64>)>(statement).bind(now.as_millis());
    for user in users {
        end = end.bind(user.0);
    }
    let rows: Vec<(Uuid, Option<i64>)> = end.persistent(false).fetch_all(&mut *connection).await?;
    // A heartbeat goes by the token, which has whole seconds, and runs out up to one before its session.
    let has_expired =
        |expires_at: Option<i64>| expires_at.is_some_and(|at| Timestamp::from_millis(at).as_secs() <= now.as_secs());
    Ok(rows.into_iter().map(|(user, expires_at)| (UserId(user), has_expired(expires_at))).collect())
}

async fn lock_users(connection: &mut Connection, users: &[UserId]) -> Result<()> {
    let mut lock = sqlx::query_as::<Db, (Uuid,)>(fill(sql::admin::LOCK_USERS, &DIALECT, users.len()));
    for user in users {
        lock = lock.bind(user.0);
    }
    lock.persistent(false).fetch_all(&mut *connection).await?;
    Ok(())
}

/// Has users leave every room in which none of their sessions is present. Gives what is said of it there.
async fn leave_where_absent(
    connection: &mut Connection,
    kinds: &BTreeMap<UserId, RoomMessageKind>,
    at: Timestamp,
) -> Result<Vec<RoomMessageRow>> {
    let users: Vec<UserId> = kinds.keys().copied().collect();
    let mut left: Vec<(Uuid, Uuid, String)> = Vec::new();
    for chunk in users.chunks(VALUES_AT_ONCE) {
        let statement = fill(sql::rooms::LEAVE_ABSENT, &DIALECT, chunk.len());
        let mut leave = sqlx::query_as::<Db, (Uuid, Uuid, String)>(statement).bind(at.as_millis());
        for user in chunk {
            leave = leave.bind(user.0);
        }
        left.extend(leave.persistent(false).fetch_all(&mut *connection).await?);
    }
    // Rooms are locked in the order of their ids.
    left.sort_unstable();
    let messages = left.into_iter().map(|(room, user, name)| {
        let kind = kinds.get(&UserId(user)).copied().unwrap_or(RoomMessageKind::Left);
        NewRoomMessage::system(RoomId(room), UserId(user), name, kind)
    });
    insert_messages(connection, messages.collect(), at).await
}
