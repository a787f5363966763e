//! What is said in rooms: reading, saying something, and removing what somebody said.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use types::api::{
    MessageText, PageQuery, PostMessageFields, PostMessageRequest, RoomId, RoomMessage, RoomMessagePath, RoomMessages,
};
use types::domain::Invalid;
use types::words::ProblemCode;

use super::errors::not_in_room;
use super::rooms::room_of;
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::paging::Page;
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::rooms::actions::{Moderator, Occupant};
use crate::rooms::views;

/// The most messages in one answer.
const LONGEST_PAGE: u16 = 100;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "listRoomMessages",
    summary: "What was said in a room",
    about: "The latest first, in pages of 100. For those who are in it.",
    path: Some(Parameters::of::<RoomId>()),
    query: Some(Parameters::of::<PageQuery>()),
    answers: &[Answer::json::<RoomMessages>(200, "A page.")],
    problems: &[ProblemCode::NotFound, ProblemCode::NotInRoom, ProblemCode::InvalidFields],
    ..Operation::NONE
};

/// `GET /api/rooms/{id}/messages`.
pub async fn list(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<RoomMessages>, ApiError> {
    let (before, limit) = read_page(&page)?;
    let room = room_of(&state, &id, who.user_id).await?;
    // One more, to see whether there are older ones.
    let asked = i64::from(limit) + 1;
    let mut rows = state.context.store.rooms().messages_before(room.id, before, asked).await?;
    let are_older = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next_cursor = rows.last().filter(|_| are_older).map(|row| row.number.to_string());
    Ok(Json(RoomMessages { messages: rows.iter().map(views::message).collect(), next_cursor }))
}

/// Below which number the page begins, and how long it is.
fn read_page(asked: &PageQuery) -> Result<(i64, u16), ApiError> {
    let before = match asked.cursor.as_deref() {
        Some(cursor) => cursor.parse::<i64>().ok().filter(|number| *number > 0).ok_or_else(|| {
            ApiError::invalid_field("cursor", &Invalid::new("malformed", "Use nextCursor of the page before."))
        })?,
        None => i64::MAX,
    };
    let limit = PageQuery { cursor: None, limit: asked.limit.clone() };
    Ok((before, Page::read(&limit, LONGEST_PAGE, LONGEST_PAGE)?.limit))
}

/// For the document of the API: [`post`].
pub const POST: Operation = Operation {
    id: "postRoomMessage",
    summary: "Say something in a room",
    about: "For those who are in it.",
    path: Some(Parameters::of::<RoomId>()),
    body: Some(Payload::of::<PostMessageRequest>()),
    answers: &[Answer::json::<RoomMessage>(201, "The message.")],
    problems: &[ProblemCode::NotFound, ProblemCode::NotInRoom, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/rooms/{id}/messages`.
pub async fn post(
    State(state): State<ApiState>,
    InSession(who): InSession,
    Path(id): Path<String>,
    Body { fields: PostMessageFields { text }, mut errors }: Body<PostMessageRequest>,
) -> Result<(StatusCode, Json<RoomMessage>), ApiError> {
    let text = errors.parse(text, MessageText::parse);
    let (text,) = errors.finish((text,))?;
    let room = room_of(&state, &id, who.user_id).await?;
    state.may_do(LimitedAction::Message, None, who.user_id).await?;
    let (rooms, who) = (Arc::clone(state.rooms()), Occupant::of(&who));
    let posts = async move { rooms.post(who, room.id, &text).await };
    let posted = state.complete("message in a room", posts).await??.ok_or_else(not_in_room)?;
    Ok((StatusCode::CREATED, Json(views::message(&posted))))
}

/// For the document of the API: [`remove`].
pub const REMOVE: Operation = Operation {
    id: "removeRoomMessage",
    summary: "Remove what somebody said in a room",
    about: "Its text is deleted; that something was there stays.",
    path: Some(Parameters::of::<RoomMessagePath>()),
    answers: &[Answer::empty(204, "Removed.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `DELETE /api/rooms/{id}/messages/{message}`.
pub async fn remove(
    State(state): State<ApiState>,
    InSession(who): InSession,
    from: RequestOrigin,
    Path((id, message)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let id: RoomId = id.parse().map_err(|_| ApiError::not_found())?;
    let number: i64 = message.parse().map_err(|_| ApiError::not_found())?;
    let (rooms, by) = (Arc::clone(state.rooms()), Moderator { user_id: who.user_id, origin: from.origin });
    let removes = async move { rooms.remove_message(&by, id, number).await };
    let is_removed = state.complete("removal of a message", removes).await??;
    if is_removed { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}
