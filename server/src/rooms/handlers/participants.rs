//! Removing somebody from a room.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::StatusCode;
use types::api::{RoomId, RoomParticipantPath};
use types::domain::UserId;
use types::words::ProblemCode;

use crate::auth::origin::RequestOrigin;
use crate::http::operation::{Answer, Operation, Parameters};
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::rooms::actions::Moderator;

/// For the document of the API: [`remove`].
pub const REMOVE: Operation = Operation {
    id: "removeRoomParticipant",
    summary: "Remove somebody from a room",
    about: "They stay signed in, and can join it again after an hour.",
    path: Some(Parameters::of::<RoomParticipantPath>()),
    answers: &[Answer::empty(204, "Removed.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `DELETE /api/rooms/{id}/participants/{user}`.
pub async fn remove(
    State(state): State<ApiState>,
    InSession(who): InSession,
    from: RequestOrigin,
    Path((id, user)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let id: RoomId = id.parse().map_err(|_| ApiError::not_found())?;
    let user: UserId = user.parse().map_err(|_| ApiError::not_found())?;
    let (rooms, by) = (Arc::clone(state.rooms()), Moderator { user_id: who.user_id, origin: from.origin });
    let removes = async move { rooms.remove_participant(&by, id, user).await };
    let is_removed = state.complete("removal from a room", removes).await??;
    if is_removed { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}
