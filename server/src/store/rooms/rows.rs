//! Rows as the database has them.

use sqlx::FromRow;
use types::api::RoomId;
use types::domain::{Timestamp, UserId};
use types::words::OrOther;
use uuid::Uuid;

use crate::store::db::rows::{RowResult, moment};
use crate::store::{
    HeldMembership, HeldMessage, ParticipantRow, RoomMessageRow, RoomPosition, RoomRemovalRow, RoomRow, RoomSummaryRow,
    StoreError,
};

#[derive(FromRow)]
pub struct RoomColumns {
    id: Uuid,
    name: String,
    created_at: i64,
    joined: bool,
}

impl TryFrom<RoomColumns> for RoomRow {
    type Error = StoreError;

    fn try_from(row: RoomColumns) -> RowResult<Self> {
        let RoomColumns { id, name, created_at, joined } = row;
        Ok(Self { id: RoomId(id), name, created_at: Timestamp::from_millis(created_at), joined })
    }
}

#[derive(FromRow)]
pub struct RoomSummaryColumns {
    id: Uuid,
    name: String,
    last_message_at: i64,
    participants: i64,
    joined: bool,
    removed_at: Option<i64>,
}

impl TryFrom<RoomSummaryColumns> for RoomSummaryRow {
    type Error = StoreError;

    fn try_from(row: RoomSummaryColumns) -> RowResult<Self> {
        Ok(Self {
            id: RoomId(row.id),
            name: row.name,
            participants: row.participants.unsigned_abs(),
            joined: row.joined,
            last_message_at: Timestamp::from_millis(row.last_message_at),
            removed_at: moment(row.removed_at),
        })
    }
}

#[derive(FromRow)]
pub struct ParticipantColumns {
    user_id: Uuid,
    name: String,
    joined_at: i64,
    heartbeat_at: Option<i64>,
    here_at: Option<i64>,
}

impl TryFrom<ParticipantColumns> for ParticipantRow {
    type Error = StoreError;

    fn try_from(row: ParticipantColumns) -> RowResult<Self> {
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
pub struct RoomMessageColumns {
    room_id: Uuid,
    number: i64,
    sender_id: Uuid,
    sender_name: String,
    kind: String,
    text: String,
    sent_at: i64,
    removed_at: Option<i64>,
}

impl TryFrom<RoomMessageColumns> for RoomMessageRow {
    type Error = StoreError;

    fn try_from(row: RoomMessageColumns) -> RowResult<Self> {
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
pub struct RoomPositionColumns {
    id: Uuid,
    last_number: i64,
    last_removal: i64,
}

impl TryFrom<RoomPositionColumns> for (RoomId, RoomPosition) {
    type Error = StoreError;

    fn try_from(row: RoomPositionColumns) -> RowResult<Self> {
        let RoomPositionColumns { id, last_number, last_removal } = row;
        Ok((RoomId(id), RoomPosition { last_number, last_removal }))
    }
}

#[derive(FromRow)]
pub struct RoomRemovalColumns {
    removal: i64,
    number: i64,
    removed_at: i64,
}

impl TryFrom<RoomRemovalColumns> for RoomRemovalRow {
    type Error = StoreError;

    fn try_from(row: RoomRemovalColumns) -> RowResult<Self> {
        let RoomRemovalColumns { removal, number, removed_at } = row;
        Ok(Self { removal, number, removed_at: Timestamp::from_millis(removed_at) })
    }
}

#[derive(FromRow)]
pub struct HeldMembershipColumns {
    room: String,
    is_creator: bool,
    joined_at: i64,
    left_at: Option<i64>,
}

impl TryFrom<HeldMembershipColumns> for HeldMembership {
    type Error = StoreError;

    fn try_from(row: HeldMembershipColumns) -> RowResult<Self> {
        let HeldMembershipColumns { room, is_creator, joined_at, left_at } = row;
        Ok(Self { room, is_creator, joined_at: Timestamp::from_millis(joined_at), left_at: moment(left_at) })
    }
}

#[derive(FromRow)]
pub struct HeldMessageColumns {
    room: String,
    kind: String,
    text: String,
    sent_at: i64,
}

impl TryFrom<HeldMessageColumns> for HeldMessage {
    type Error = StoreError;

    fn try_from(row: HeldMessageColumns) -> RowResult<Self> {
        let HeldMessageColumns { room, kind, text, sent_at } = row;
        Ok(Self { room, kind: OrOther::of_name(&kind), text, at: Timestamp::from_millis(sent_at) })
    }
}
