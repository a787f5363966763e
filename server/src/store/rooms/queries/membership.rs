//! Who is in which room: entering, leaving, and the lists.

use types::api::{RoomId, RoomName};
use types::domain::{Timestamp, UserId};
use types::words::RoomMessageKind;

use super::super::accounts::users::lock_user;
use super::super::audit::insert_audit;
use super::super::sessions::history::lock_session;
use super::messages::{NewRoomMessage, insert_messages};
use super::{Connection, Database, Result, query, query_as};
use crate::store::db::retry_conflicts;
use crate::store::db::rows::{read_all, read_one};
use crate::store::rooms::rows::{
    HeldMembershipColumns, HeldMessageColumns, ParticipantColumns, RoomColumns, RoomSummaryColumns,
};
use crate::store::{
    Entrance, HeldByRooms, NewAudit, ParticipantRow, RoomEntry, RoomMessageRow, RoomRow, RoomSummaryRow, User, sql,
};

impl Database {
    pub(in crate::store) async fn create_room(&self, name: &RoomName, entry: &RoomEntry<'_>) -> Result<Entrance> {
        retry_conflicts!(self.try_create_room(name, entry))
    }

    async fn try_create_room(&self, name: &RoomName, entry: &RoomEntry<'_>) -> Result<Entrance> {
        let mut tx = self.begin().await?;
        let Some((user, until)) = lock_entering(&mut tx, entry).await? else { return Ok(Entrance::SessionEnded) };
        query(sql::rooms::INSERT_ROOM)
            .bind(entry.room_id.0)
            .bind(name.as_str())
            .bind(entry.at.as_millis())
            .execute(&mut *tx)
            .await?;
        let joined = enter(&mut tx, entry, &user, until, true).await?;
        tx.commit().await?;
        let room = RoomRow { id: entry.room_id, name: name.as_str().to_owned(), created_at: entry.at, joined: true };
        Ok(Entrance::Entered { room, joined })
    }

    pub(in crate::store) async fn enter_room(&self, entry: &RoomEntry<'_>) -> Result<Entrance> {
        retry_conflicts!(self.try_enter_room(entry))
    }

    async fn try_enter_room(&self, entry: &RoomEntry<'_>) -> Result<Entrance> {
        let mut tx = self.begin().await?;
        let Some((user, until)) = lock_entering(&mut tx, entry).await? else { return Ok(Entrance::SessionEnded) };
        let Some(room) = room_for(&mut tx, entry.room_id, entry.user_id).await? else {
            return Ok(Entrance::NoSuchRoom);
        };
        if !room.joined
            && let Some(refusal) = refusal(&mut tx, entry).await?
        {
            return Ok(refusal);
        }
        let joined = enter(&mut tx, entry, &user, until, false).await?;
        tx.commit().await?;
        Ok(Entrance::Entered { room: RoomRow { joined: true, ..room }, joined })
    }

    pub(in crate::store) async fn attend_room(&self, entry: &RoomEntry<'_>, is_away: bool) -> Result<bool> {
        retry_conflicts!(self.try_attend_room(entry, is_away))
    }

    async fn try_attend_room(&self, entry: &RoomEntry<'_>, is_away: bool) -> Result<bool> {
        let mut tx = self.begin().await?;
        let Some((_, until)) = lock_entering(&mut tx, entry).await? else { return Ok(false) };
        let room = room_for(&mut tx, entry.room_id, entry.user_id).await?;
        if room.is_none_or(|room| !room.joined) {
            return Ok(false);
        }
        be_present(&mut tx, entry, until, is_away).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(in crate::store) async fn leave_room(
        &self,
        room: RoomId,
        user: UserId,
        at: Timestamp,
    ) -> Result<Option<RoomMessageRow>> {
        retry_conflicts!(self.try_leave_room(room, user, at, None))
    }

    pub(in crate::store) async fn remove_participant(
        &self,
        room: RoomId,
        user: UserId,
        audit: &NewAudit,
    ) -> Result<Option<RoomMessageRow>> {
        retry_conflicts!(self.try_leave_room(room, user, audit.at, Some(audit)))
    }

    /// `removal` is the entry of whoever removes the user, where somebody does.
    async fn try_leave_room(
        &self,
        room_id: RoomId,
        user_id: UserId,
        at: Timestamp,
        removal: Option<&NewAudit>,
    ) -> Result<Option<RoomMessageRow>> {
        let mut tx = self.begin().await?;
        let Some(user) = lock_user(&mut tx, user_id).await? else { return Ok(None) };
        query(sql::rooms::END_PRESENCE_IN).bind(user_id.0).bind(room_id.0).execute(&mut *tx).await?;
        let left = query(sql::rooms::LEAVE)
            .bind(room_id.0)
            .bind(user_id.0)
            .bind(at.as_millis())
            .bind(removal.map(|_| at.as_millis()))
            .execute(&mut *tx)
            .await?;
        if left.rows_affected() == 0 {
            return Ok(None);
        }
        let kind = if removal.is_some() { RoomMessageKind::Removed } else { RoomMessageKind::Left };
        let message = NewRoomMessage::system(room_id, user_id, user.name, kind);
        let said = insert_messages(&mut tx, vec![message], at).await?.pop();
        if let Some(audit) = removal {
            insert_audit(&mut tx, std::slice::from_ref(audit)).await?;
        }
        tx.commit().await?;
        Ok(said)
    }

    pub(in crate::store) async fn rooms(&self, user: UserId, limit: i64) -> Result<Vec<RoomSummaryRow>> {
        let rows: Vec<RoomSummaryColumns> =
            query_as(sql::rooms::ROOMS).bind(user.0).bind(limit).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn room(&self, id: RoomId, user: UserId) -> Result<Option<RoomRow>> {
        let row: Option<RoomColumns> =
            query_as(sql::rooms::ROOM).bind(id.0).bind(user.0).fetch_optional(self.readers()).await?;
        read_one(row)
    }

    pub(in crate::store) async fn participants(&self, id: RoomId, now: Timestamp) -> Result<Vec<ParticipantRow>> {
        self.participants_by(sql::rooms::PARTICIPANTS, id, now).await
    }

    pub(in crate::store) async fn participants_heard(&self, id: RoomId, now: Timestamp) -> Result<Vec<ParticipantRow>> {
        self.participants_by(sql::rooms::PARTICIPANTS_HEARD, id, now).await
    }

    async fn participants_by(
        &self,
        statement: &'static str,
        id: RoomId,
        now: Timestamp,
    ) -> Result<Vec<ParticipantRow>> {
        let rows: Vec<ParticipantColumns> =
            query_as(statement).bind(id.0).bind(now.as_millis()).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn forget_former_members(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let done = query(sql::rooms::FORGET_FORMER_MEMBERS)
            .bind(before.as_millis())
            .bind(limit)
            .execute(self.writer())
            .await?;
        Ok(done.rows_affected())
    }

    pub(in crate::store) async fn held_by_rooms(&self, user: UserId) -> Result<HeldByRooms> {
        let mut tx = self.begin_snapshot().await?;
        let memberships: Vec<HeldMembershipColumns> =
            query_as(sql::rooms::MEMBERSHIPS_OF).bind(user.0).fetch_all(&mut *tx).await?;
        let messages: Vec<HeldMessageColumns> =
            query_as(sql::rooms::MESSAGES_OF).bind(user.0).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        Ok(HeldByRooms { memberships: read_all(memberships)?, messages: read_all(messages)? })
    }
}

/// Locks the user and the session that enters, and gives the user, and until when the session may be present. `None`
/// where it is over: nothing of it gets into a room that its end has already left.
async fn lock_entering(connection: &mut Connection, entry: &RoomEntry<'_>) -> Result<Option<(User, Timestamp)>> {
    let Some(user) = lock_user(&mut *connection, entry.user_id).await? else { return Ok(None) };
    let session = lock_session(connection, entry.session_id).await?;
    let lives = session
        .filter(|session| session.user_id == entry.user_id && session.end.is_none() && session.expires_at > entry.at);
    Ok(lives.map(|session| (user, entry.until.min(session.expires_at))))
}

async fn room_for(connection: &mut Connection, id: RoomId, user: UserId) -> Result<Option<RoomRow>> {
    let row: Option<RoomColumns> =
        query_as(sql::rooms::ROOM).bind(id.0).bind(user.0).fetch_optional(&mut *connection).await?;
    read_one(row)
}

/// Why somebody who is not in a room does not get in.
async fn refusal(connection: &mut Connection, entry: &RoomEntry<'_>) -> Result<Option<Entrance>> {
    let before: Option<(Option<i64>, Option<i64>)> = query_as(sql::rooms::MEMBERSHIP)
        .bind(entry.room_id.0)
        .bind(entry.user_id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let removed_at = before.and_then(|(_, removed_at)| removed_at).map(Timestamp::from_millis);
    if let Some(at) = removed_at.filter(|at| *at > entry.removed_after) {
        return Ok(Some(Entrance::Removed(at)));
    }
    let (members,): (i64,) =
        query_as(sql::rooms::COUNT_MEMBERS).bind(entry.room_id.0).fetch_one(&mut *connection).await?;
    Ok((members >= entry.most).then_some(Entrance::Full))
}

/// The session is present from now on, and the user in the room. Gives what the room says of it, where they were not.
async fn enter(
    connection: &mut Connection,
    entry: &RoomEntry<'_>,
    user: &User,
    until: Timestamp,
    is_creator: bool,
) -> Result<Option<RoomMessageRow>> {
    let joined = query(sql::rooms::JOIN)
        .bind(entry.room_id.0)
        .bind(entry.user_id.0)
        .bind(is_creator)
        .bind(entry.at.as_millis())
        .execute(&mut *connection)
        .await?;
    be_present(connection, entry, until, false).await?;
    if joined.rows_affected() == 0 {
        return Ok(None);
    }
    let message = NewRoomMessage::system(entry.room_id, entry.user_id, user.name.clone(), RoomMessageKind::Joined);
    Ok(insert_messages(connection, vec![message], entry.at).await?.pop())
}

/// The session is present until then.
async fn be_present(connection: &mut Connection, entry: &RoomEntry<'_>, until: Timestamp, is_away: bool) -> Result<()> {
    query(sql::rooms::ENTER)
        .bind(entry.room_id.0)
        .bind(entry.session_id.0)
        .bind(entry.user_id.0)
        .bind(entry.server)
        .bind(entry.at.as_millis())
        .bind(until.as_millis())
        .bind(is_away)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
