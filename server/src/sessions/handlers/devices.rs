//! Devices: the current one, the list, names, histories, receipts.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use types::api::{PageQuery, Receipt, RenameFields, RenameRequest, Session, SessionHistory, SessionList, WhoAmI};
use types::domain::{DeviceName, SessionId};
use types::words::ProblemCode;

use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::paging::{Page, cursor};
use crate::http::principal::{Principal, bearer};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::user_summary;

/// For the document of the API: [`current`].
pub const CURRENT: Operation = Operation {
    id: "getCurrentSession",
    summary: "The session and the user of a token",
    about: "Without a look into the database.",
    answers: &[Answer::json::<WhoAmI>(200, "What the token says.")],
    ..Operation::NONE
};

/// `GET /api/auth/session`: all of it from the token. A token of an older system says who, and that there is no
/// session.
pub async fn current(principal: Principal) -> Response {
    match principal {
        Principal::Session(principal) => {
            ([(CONTENT_TYPE, "application/json")], principal.who_am_i.clone()).into_response()
        }
        Principal::Sessionless(user) => {
            Json(WhoAmI { session_id: None, session: None, user: user_summary(&user) }).into_response()
        }
    }
}

/// The most sessions in one answer.
const LONGEST_PAGE: u16 = 200;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "listSessions",
    summary: "The sessions of the user",
    about: "In pages, the current one first.",
    query: Some(Parameters::of::<PageQuery>()),
    answers: &[Answer::json::<SessionList>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields],
    ..Operation::NONE
};

/// `GET /api/auth/sessions`: in pages, the current one first.
pub async fn list(
    State(state): State<ApiState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<SessionList>, ApiError> {
    let Page { before, limit } = Page::read(&page, LONGEST_PAGE, LONGEST_PAGE)?;
    let (sessions, more) = state
        .sessions()
        .devices()
        .list(principal.user_id(), principal.session_id(), before, usize::from(limit))
        .await?;
    let total = match more {
        Some(_) => Some(
            state.context.store.sessions().count_sessions_of(principal.user_id(), state.context.clock.now()).await?,
        ),
        None => None,
    };
    Ok(Json(SessionList { sessions, next_cursor: more.map(|(at, id)| cursor(at, id)), total }))
}

/// For the document of the API: [`rename`].
pub const RENAME: Operation = Operation {
    id: "renameSession",
    summary: "Give a session another name",
    path: Some(Parameters::of::<SessionId>()),
    body: Some(Payload::of::<RenameRequest>()),
    answers: &[Answer::json::<Session>(200, "The session as renamed.")],
    problems: &[ProblemCode::NotFound, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `PATCH /api/auth/sessions/{id}`.
pub async fn rename(
    State(state): State<ApiState>,
    principal: Principal,
    from: RequestOrigin,
    Path(id): Path<String>,
    Body { fields: RenameFields { device_name }, mut errors }: Body<RenameRequest>,
) -> Result<Json<Session>, ApiError> {
    let name = errors.parse(device_name, DeviceName::parse);
    let (name,) = errors.finish((name,))?;
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    state.may_do(LimitedAction::Change, principal.session_id(), principal.user_id()).await?;
    let renamed =
        state.sessions().devices().rename(principal.user_id(), id, &name, principal.session_id(), &from.origin).await?;
    renamed.map(Json).ok_or_else(ApiError::not_found)
}

/// For the document of the API: [`history`].
pub const HISTORY: Operation = Operation {
    id: "getSessionHistory",
    summary: "The life of a session",
    about: "Oldest first.",
    path: Some(Parameters::of::<SessionId>()),
    answers: &[Answer::json::<SessionHistory>(200, "Its life.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `GET /api/auth/sessions/{id}/history`.
pub async fn history(
    State(state): State<ApiState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<SessionHistory>, ApiError> {
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    let found = state.sessions().devices().history(principal.user_id(), id).await?;
    found.map(Json).ok_or_else(ApiError::not_found)
}

/// For the document of the API: [`receipt`].
pub const RECEIPT: Operation = Operation {
    id: "getReceipt",
    summary: "How far a sign-out has got",
    path: Some(Parameters::of::<Receipt>()),
    answers: &[Answer::json::<Receipt>(200, "Which devices were notified.")],
    ..Operation::NONE
};

/// `GET /api/auth/receipts/{id}`: whoever knows the id may read it; the one who asked is signed out by then.
pub async fn receipt(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<Receipt>, ApiError> {
    state.sessions().terminations().receipt(&id).await?.map(Json).ok_or_else(ApiError::not_found)
}

/// For the document of the API: [`confirm_ended`].
pub const CONFIRM_ENDED: Operation = Operation {
    id: "confirmSessionEnded",
    summary: "Confirm that this client has signed itself out",
    about: "For the receipt of whoever ended the session. The token need not be good any more.",
    answers: &[Answer::empty(204, "Noted.")],
    ..Operation::NONE
};

/// `POST /api/auth/session/ended`: a browser confirms that it has signed itself out. The token need not be good any
/// more.
pub async fn confirm_ended(
    State(state): State<ApiState>,
    _: RequestOrigin,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let token = bearer(&headers).ok_or_else(ApiError::missing_token)?;
    state.sessions().terminations().confirm_end(token).await?;
    Ok(StatusCode::NO_CONTENT)
}
