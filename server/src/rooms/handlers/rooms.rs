//! Rooms themselves: seeing, making, joining and leaving them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use types::api::{CreateRoomFields, CreateRoomRequest, Room, RoomId, RoomList, RoomName};
use types::domain::UserId;
use types::words::ProblemCode;

use super::errors::{not_in_room, removed_from_room, room_full};
use crate::auth::action_limits::LimitedAction;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::rooms::actions::Occupant;
use crate::rooms::views;
use crate::store::{Entrance, RoomRow};

/// The most rooms in the list.
const MOST_LISTED: i64 = 200;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "listRooms",
    summary: "All rooms",
    about: "Those where something was said last come first; 200 at the most. `removedUntil` says until when the user \
            cannot join one from which a moderator has removed them.",
    answers: &[Answer::json::<RoomList>(200, "The rooms.")],
    ..Operation::NONE
};

/// `GET /api/rooms`.
pub async fn list(State(state): State<ApiState>, InSession(who): InSession) -> Result<Json<RoomList>, ApiError> {
    let rooms = state.context.store.rooms().rooms(who.user_id, MOST_LISTED).await?;
    let now = state.context.now();
    Ok(Json(RoomList { rooms: rooms.into_iter().map(|room| views::summary(room, now)).collect() }))
}

/// For the document of the API: [`create`].
pub const CREATE: Operation = Operation {
    id: "createRoom",
    summary: "Make a room, and join it",
    body: Some(Payload::of::<CreateRoomRequest>()),
    answers: &[Answer::json::<Room>(201, "The room.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/rooms`.
pub async fn create(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Body { fields: CreateRoomFields { name }, mut errors }: Body<CreateRoomRequest>,
) -> Result<(StatusCode, Json<Room>), ApiError> {
    let name = errors.parse(name, RoomName::parse);
    let (name,) = errors.finish((name,))?;
    state.may_do(LimitedAction::Change, None, who.user_id).await?;
    let (rooms, who) = (Arc::clone(state.rooms()), Occupant::of(&who));
    let creates = async move { rooms.create(who, &name).await };
    let entrance = state.complete("new room", creates).await??;
    Ok((StatusCode::CREATED, Json(entered(&state, entrance).await?)))
}

/// For the document of the API: [`read`].
pub const READ: Operation = Operation {
    id: "getRoom",
    summary: "A room and who is in it",
    about: "For those who are in it.",
    path: Some(Parameters::of::<RoomId>()),
    answers: &[Answer::json::<Room>(200, "The room.")],
    problems: &[ProblemCode::NotFound, ProblemCode::NotInRoom],
    ..Operation::NONE
};

/// `GET /api/rooms/{id}`.
pub async fn read(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Path(id): Path<String>,
) -> Result<Json<Room>, ApiError> {
    let room = room_of(&state, &id, who.user_id).await?;
    Ok(Json(with_participants(&state, room).await?))
}

/// For the document of the API: [`join`].
pub const JOIN: Operation = Operation {
    id: "joinRoom",
    summary: "Join a room",
    about: "The session is present in it from now on, and the user in it as long as one of their sessions is. Without \
            a connection that stays open a session is present for `PRESENCE_TIMEOUT`; joining again prolongs it.",
    path: Some(Parameters::of::<RoomId>()),
    answers: &[Answer::json::<Room>(200, "The room.")],
    problems: &[
        ProblemCode::NotFound,
        ProblemCode::RemovedFromRoom,
        ProblemCode::RoomFull,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `POST /api/rooms/{id}/join`.
pub async fn join(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Path(id): Path<String>,
) -> Result<Json<Room>, ApiError> {
    let id: RoomId = id.parse().map_err(|_| ApiError::not_found())?;
    state.may_do(LimitedAction::Change, None, who.user_id).await?;
    let (rooms, who) = (Arc::clone(state.rooms()), Occupant::of(&who));
    let joins = async move { rooms.enter(who, id).await };
    let entrance = state.complete("joining a room", joins).await??;
    Ok(Json(entered(&state, entrance).await?))
}

/// For the document of the API: [`leave`].
pub const LEAVE: Operation = Operation {
    id: "leaveRoom",
    summary: "Leave a room",
    about: "With all sessions of the user.",
    path: Some(Parameters::of::<RoomId>()),
    answers: &[Answer::empty(204, "Left.")],
    problems: &[ProblemCode::NotFound, ProblemCode::NotInRoom],
    ..Operation::NONE
};

/// `POST /api/rooms/{id}/leave`.
pub async fn leave(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let room = room_of(&state, &id, who.user_id).await?;
    let (rooms, who) = (Arc::clone(state.rooms()), Occupant::of(&who));
    let leaves = async move { rooms.leave(who, room.id).await };
    if state.complete("leaving a room", leaves).await?? { Ok(StatusCode::NO_CONTENT) } else { Err(not_in_room()) }
}

/// The room of this id, where the user is in it.
pub async fn room_of(state: &ApiState, id: &str, user: UserId) -> Result<RoomRow, ApiError> {
    let id: RoomId = id.parse().map_err(|_| ApiError::not_found())?;
    let room = state.context.store.rooms().room(id, user).await?.ok_or_else(ApiError::not_found)?;
    if room.joined { Ok(room) } else { Err(not_in_room()) }
}

/// The room that somebody has entered, or why they have not.
async fn entered(state: &ApiState, entrance: Entrance) -> Result<Room, ApiError> {
    match entrance {
        Entrance::Entered { room, .. } => with_participants(state, room).await,
        Entrance::NoSuchRoom => Err(ApiError::not_found()),
        Entrance::Full => Err(room_full()),
        Entrance::Removed(_) => Err(removed_from_room()),
        Entrance::SessionEnded => Err(ApiError::session_ended()),
    }
}

async fn with_participants(state: &ApiState, room: RoomRow) -> Result<Room, ApiError> {
    let now = state.context.now();
    let participants = state.rooms().participants(room.id, now).await?;
    Ok(views::room(room, participants, now))
}
