//! Rows as the database has them.

use sqlx::FromRow;
use types::api::RoomId;
use types::domain::{Timestamp, UserId};
use types::words::OrOther;
use uuid::Uuid;

use crate::store::db::rows::{Read, moment};
use crate::store::{HeldMembership, HeldMessage, ParticipantRow, RoomMessageRow, RoomRow, RoomSummaryRow, StoreError};

#[derive(FromRow)]
pub struct RoomRecord {
    id: Uuid,
    name: String,
    created_at: i64,
    joined: bool,
}

impl TryFrom<RoomRecord> for RoomRow {
    type Error = StoreError;

    fn try_from(row: RoomRecord) -> Read<Self> {
        let RoomRecord { id, name, created_at, joined } = row;
        Ok(Self { id: RoomId(id), name, created_at: Timestamp::from_millis(created_at), joined })
    }
}

#[derive(FromRow)]
pub struct RoomSummaryRecord {
    id: Uuid,
    name: String,
    last_message_at: i64,
    participants: i64,
    joined: bool,
}

impl TryFrom<RoomSummaryRecord> for RoomSummaryRow {
    type Error = StoreError;

    fn try_from(row: RoomSummaryRecord) -> Read<Self> {
        Ok(Self {
            id: RoomId(row.id),
            name: row.name,
            participants: row.participants.unsigned_abs(),
            joined: row.joined,
            last_message_at: Timestamp::from_millis(row.last_message_at),
        })
    }
}

#[derive(FromRow)]
pub struct ParticipantRecord {
    user_id: Uuid,
    name: String,
    joined_at: i64,
    heartbeat_at: Option<i64>,
    here_at: Option<i64>,
}

impl TryFrom<ParticipantRecord> for ParticipantRow {
    type Error = StoreError;

    fn try_from(row: ParticipantRecord) -> Read<Self> {
        Ok(Self {
            user_id: UserId(row.user_id),
            name: row.name,
            joined_at: Timestamp::from_millis(row.joined_at),
            heartbeat_at: moment(row.heartbeat_at),
            here_at: moment(row.here_at),
        })
    }
}

#[derive(FromRow)]
pub struct RoomMessageRecord {
    room_id: Uuid,
    number: i64,
    sender_id: Uuid,
    sender_name: String,
    kind: String,
    text: String,
    sent_at: i64,
    removed_at: Option<i64>,
}

impl TryFrom<RoomMessageRecord> for RoomMessageRow {
    type Error = StoreError;

    fn try_from(row: RoomMessageRecord) -> Read<Self> {
        Ok(Self {
            room_id: RoomId(row.room_id),
            number: row.number,
            sender_id: UserId(row.sender_id),
            sender_name: row.sender_name,
            kind: OrOther::of_name(&row.kind),
            text: row.text,
            sent_at: Timestamp::from_millis(row.sent_at),
            removed_at: moment(row.removed_at),
        })
    }
}

#[derive(FromRow)]
pub struct HeldMembershipRecord {
    room: String,
    is_creator: bool,
    joined_at: i64,
    left_at: Option<i64>,
}

impl TryFrom<HeldMembershipRecord> for HeldMembership {
    type Error = StoreError;

    fn try_from(row: HeldMembershipRecord) -> Read<Self> {
        let HeldMembershipRecord { room, is_creator, joined_at, left_at } = row;
        Ok(Self { room, is_creator, joined_at: Timestamp::from_millis(joined_at), left_at: moment(left_at) })
    }
}

#[derive(FromRow)]
pub struct HeldMessageRecord {
    room: String,
    kind: String,
    text: String,
    sent_at: i64,
}

impl TryFrom<HeldMessageRecord> for HeldMessage {
    type Error = StoreError;

    fn try_from(row: HeldMessageRecord) -> Read<Self> {
        let HeldMessageRecord { room, kind, text, sent_at } = row;
        Ok(Self { room, kind: OrOther::of_name(&kind), text, at: Timestamp::from_millis(sent_at) })
    }
}
