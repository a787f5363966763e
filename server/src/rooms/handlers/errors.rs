//! How calls about rooms fail, as HTTP says it.

use types::words::ProblemCode;

use crate::http::problem::{ApiError, ProblemExample};
use crate::rooms::actions::MOST_PARTICIPANTS;

/// The problems of this area.
pub const PROBLEMS: &[ProblemExample] = &[
    ProblemExample::new(ProblemCode::NotInRoom, not_in_room),
    ProblemExample::new(ProblemCode::RemovedFromRoom, removed_from_room),
    ProblemExample::new(ProblemCode::RoomFull, room_full),
];

/// `403`: the user is not in the room.
pub fn not_in_room() -> ApiError {
    ApiError::of(ProblemCode::NotInRoom, "You are not in this room")
        .with_detail("Join it first: what is said there is for those who are in it.")
}

/// `403`: a moderator removed the user not long ago.
pub fn removed_from_room() -> ApiError {
    ApiError::of(ProblemCode::RemovedFromRoom, "You were removed from this room")
        .with_detail("A moderator removed you. You can join again an hour after that: the list of rooms says when.")
}

/// `409`: as many are in the room as may be.
pub fn room_full() -> ApiError {
    ApiError::of(ProblemCode::RoomFull, "This room is full")
        .with_detail(format!("There can be {MOST_PARTICIPANTS} people in a room. Try again when somebody has left."))
}
