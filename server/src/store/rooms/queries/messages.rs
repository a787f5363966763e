//! What is said in rooms.

use types::api::{MessageText, RoomId};
use types::domain::{Timestamp, UserId};
use types::words::RoomMessageKind;

use super::super::accounts::users::lock_user;
use super::super::audit::insert_audit;
use super::{Connection, DIALECT, Database, Db, ROWS_PER_INSERT, Result, is_kept_prepared, query, query_as};
use crate::store::db::dialect::fill;
use crate::store::db::retry_conflicts;
use crate::store::db::rows::{read_all, read_one};
use crate::store::rooms::rows::{RoomColumns, RoomMessageColumns, RoomPositionColumns, RoomRemovalColumns};
use crate::store::{NewAudit, RoomMessageRow, RoomPosition, RoomRemovalRow, RoomRow, sql};

impl Database {
    pub(in crate::store) async fn post_message(
        &self,
        room: RoomId,
        user: UserId,
        text: &MessageText,
        at: Timestamp,
    ) -> Result<Option<RoomMessageRow>> {
        retry_conflicts!(self.try_post_message(room, user, text, at))
    }

    async fn try_post_message(
        &self,
        room_id: RoomId,
        user_id: UserId,
        text: &MessageText,
        at: Timestamp,
    ) -> Result<Option<RoomMessageRow>> {
        let mut tx = self.begin().await?;
        // Whoever leaves holds the same lock: nobody says anything after the room has said that they left.
        let Some(user) = lock_user(&mut tx, user_id).await? else { return Ok(None) };
        let room: Option<RoomColumns> =
            query_as(sql::rooms::ROOM).bind(room_id.0).bind(user_id.0).fetch_optional(&mut *tx).await?;
        let room: Option<RoomRow> = read_one(room)?;
        if room.is_none_or(|room| !room.joined) {
            return Ok(None);
        }
        let message = NewRoomMessage {
            room_id,
            sender_id: user_id,
            sender_name: user.name,
            kind: RoomMessageKind::Text,
            text: text.as_str().to_owned(),
        };
        let posted = insert_messages(&mut tx, vec![message], at).await?.pop();
        tx.commit().await?;
        Ok(posted)
    }

    pub(in crate::store) async fn messages_before(
        &self,
        room: RoomId,
        number: i64,
        limit: i64,
    ) -> Result<Vec<RoomMessageRow>> {
        self.messages(sql::rooms::MESSAGES_BEFORE, room, number, limit).await
    }

    pub(in crate::store) async fn messages_after(
        &self,
        room: RoomId,
        number: i64,
        limit: i64,
    ) -> Result<Vec<RoomMessageRow>> {
        self.messages(sql::rooms::MESSAGES_AFTER, room, number, limit).await
    }

    pub(in crate::store) async fn room_positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, RoomPosition)>> {
        let mut positions = Vec::with_capacity(rooms.len());
        for chunk in rooms.chunks(ROWS_PER_INSERT) {
            let statement = fill(sql::rooms::ROOM_POSITIONS, &DIALECT, chunk.len());
            let mut ask = sqlx::query_as::<Db, RoomPositionColumns>(statement);
            for room in chunk {
                ask = ask.bind(room.0);
            }
            let rows: Vec<RoomPositionColumns> = ask.persistent(false).fetch_all(self.readers()).await?;
            positions.extend(read_all::<RoomPositionColumns, (RoomId, RoomPosition)>(rows)?);
        }
        Ok(positions)
    }

    async fn messages(
        &self,
        statement: &'static str,
        room: RoomId,
        number: i64,
        limit: i64,
    ) -> Result<Vec<RoomMessageRow>> {
        let rows: Vec<RoomMessageColumns> =
            query_as(statement).bind(room.0).bind(number).bind(limit).fetch_all(self.readers()).await?;
        read_all(rows)
    }

    pub(in crate::store) async fn remove_message(
        &self,
        room: RoomId,
        number: i64,
        audit: &NewAudit,
    ) -> Result<Option<RoomMessageRow>> {
        let mut tx = self.begin().await?;
        // The room before its message, like an account that is deleted: it leaves the room, and its messages go.
        let removal: Option<(i64,)> =
            query_as(sql::rooms::NUMBER_REMOVAL).bind(room.0).fetch_optional(&mut *tx).await?;
        let Some((removal,)) = removal else { return Ok(None) };
        let row: Option<RoomMessageColumns> = query_as(sql::rooms::REMOVE_MESSAGE)
            .bind(room.0)
            .bind(number)
            .bind(audit.at.as_millis())
            .bind(audit.actor_id.map(|id| id.0))
            .bind(RoomMessageKind::Text.as_str())
            .bind(removal)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(removed) = read_one::<RoomMessageColumns, RoomMessageRow>(row)? else { return Ok(None) };
        let audit = NewAudit { user_id: Some(removed.sender_id), ..audit.clone() };
        insert_audit(&mut tx, &[audit]).await?;
        tx.commit().await?;
        Ok(Some(removed))
    }

    pub(in crate::store) async fn removals_after(
        &self,
        room: RoomId,
        removal: i64,
        limit: i64,
    ) -> Result<Vec<RoomRemovalRow>> {
        let rows: Vec<RoomRemovalColumns> = query_as(sql::rooms::REMOVALS_AFTER)
            .bind(room.0)
            .bind(removal)
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        read_all(rows)
    }

    pub(in crate::store) async fn delete_messages(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let done =
            query(sql::rooms::DELETE_MESSAGES).bind(before.as_millis()).bind(limit).execute(self.writer()).await?;
        Ok(done.rows_affected())
    }
}

/// A message that has no number yet.
pub(in crate::store) struct NewRoomMessage {
    pub room_id: RoomId,
    pub sender_id: UserId,
    pub sender_name: String,
    pub kind: RoomMessageKind,
    pub text: String,
}

impl NewRoomMessage {
    /// What a room says of somebody.
    pub const fn system(room_id: RoomId, sender_id: UserId, sender_name: String, kind: RoomMessageKind) -> Self {
        Self { room_id, sender_id, sender_name, kind, text: String::new() }
    }
}

/// Writes messages, which are in the order of their rooms, and gives them numbers. It comes last before the commit, or
/// before the head row of the log: whoever else says something in these rooms waits for it. Whom a message is about is
/// locked by then, because a reference to a user waits for whoever holds the user.
pub(in crate::store) async fn insert_messages(
    connection: &mut Connection,
    messages: Vec<NewRoomMessage>,
    at: Timestamp,
) -> Result<Vec<RoomMessageRow>> {
    let mut written: Vec<RoomMessageRow> = Vec::with_capacity(messages.len());
    let mut messages = messages.into_iter().peekable();
    while let Some(first) = messages.next() {
        let room_id = first.room_id;
        let mut of_room = vec![first];
        while let Some(next) = messages.next_if(|next| next.room_id == room_id) {
            of_room.push(next);
        }
        let count = i64::try_from(of_room.len()).unwrap_or(i64::MAX);
        let last: Option<(i64,)> = query_as(sql::rooms::ADVANCE)
            .bind(room_id.0)
            .bind(count)
            .bind(at.as_millis())
            .fetch_optional(&mut *connection)
            .await?;
        // A room that is gone says nothing.
        let Some((last,)) = last else { continue };
        written
            .extend(of_room.into_iter().zip(last - count + 1..).map(|(message, number)| numbered(message, number, at)));
    }
    for chunk in written.chunks(ROWS_PER_INSERT) {
        let mut insert = sqlx::query::<Db>(fill(sql::rooms::INSERT_MESSAGES, &DIALECT, chunk.len()));
        for message in chunk {
            insert = insert
                .bind(message.room_id.0)
                .bind(message.number)
                .bind(message.sender_id.0)
                .bind(&message.sender_name)
                .bind(message.kind.name())
                .bind(&message.text)
                .bind(message.sent_at.as_millis());
        }
        insert.persistent(is_kept_prepared(chunk.len())).execute(&mut *connection).await?;
    }
    Ok(written)
}

fn numbered(message: NewRoomMessage, number: i64, at: Timestamp) -> RoomMessageRow {
    let NewRoomMessage { room_id, sender_id, sender_name, kind, text } = message;
    RoomMessageRow { room_id, number, sender_id, sender_name, kind: kind.into(), text, sent_at: at, removed_at: None }
}
