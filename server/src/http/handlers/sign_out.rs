//! Signing out: this device, all, all others, or one. Forgiving: whoever wants to be signed out ends up signed out.

use app::api::LogoutAnswer;
use app::domain::{ClientReason, Invalid, SessionId, UserId};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::legacy;
use super::sign_in::set_cookie;
use crate::auth::accounts::Visitor;
use crate::http::authenticate::{Asker, Caller, bearer};
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{EndAnswer, EndRequest, Scope};
use crate::store::{Origin, Standing, StoreError};

/// What a client that is signed out should forget.
const CLEAR_SITE_DATA: (HeaderName, HeaderValue) =
    (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"storage\""));

/// Whoever wants to leave, by a token that need not be good any more.
struct Leaving {
    user_id: UserId,
    session_id: SessionId,
    epoch: Option<i64>,
}

/// `POST /api/auth/logout`: by bearer token, or by refresh token.
pub async fn logout(
    State(state): State<ApiState>,
    visitor: Visitor,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    let reason = reason(&fields);
    if let Some(token) = legacy::presented(&state, &headers) {
        return Ok(token.logout(&state));
    }
    let in_body = fields.optional_or_ignored("refreshToken", |text| Ok(text.to_owned()));
    let session_id = match by_access_token(&state, &headers) {
        Ok(leaving) => {
            let ended = state.sessions.end(leaving.wants(Scope::This, reason, visitor.origin)).await?;
            return Ok(answer(&state, true, ended));
        }
        Err(refused) => by_refresh_token(&state, &headers, in_body)?.ok_or(refused)?,
    };
    let ended = match state.sessions.store.session(session_id).await {
        Ok(None) => nothing_to_end(),
        Ok(Some(row)) => {
            let leaving = Leaving { user_id: row.user_id, session_id, epoch: None };
            state.sessions.end(leaving.wants(Scope::This, reason, visitor.origin)).await?
        }
        Err(error @ StoreError::Unavailable(_)) => {
            let (rest, is_written) = state.sessions.end_later(session_id, reason, visitor.origin).ok_or(error)?;
            state.tasks.spawn("late sign-out", rest);
            // Where the task broke, the session is refused here at least.
            let _ = is_written.await;
            EndAnswer::Pending
        }
        Err(error) => return Err(error.into()),
    };
    Ok(answer(&state, true, ended))
}

/// Who leaves, by an access token that may have run out.
fn by_access_token(state: &ApiState, headers: &HeaderMap) -> Result<Leaving, ApiError> {
    let token = bearer(headers).ok_or_else(ApiError::missing_token)?;
    let verified = state.sessions.tokens.verify_even_if_expired(token, state.sessions.clock.now());
    let verified = verified.map_err(|_| ApiError::invalid_token())?;
    let (user_id, session_id, epoch) = (verified.user_id, verified.session_id, Some(verified.epoch));
    Ok(Leaving { user_id, session_id, epoch })
}

/// The session whose refresh token is presented, in the body or in the cookie, if one is.
fn by_refresh_token(
    state: &ApiState,
    headers: &HeaderMap,
    in_body: Option<String>,
) -> Result<Option<SessionId>, ApiError> {
    let token = match (in_body, state.cookie.read(headers)) {
        (Some(token), _) => token,
        (None, Some(cookie)) => {
            state.same_origin.check(headers)?;
            cookie
        }
        (None, None) => return Ok(None),
    };
    state.sessions.session_of(&token).map(Some).ok_or_else(ApiError::invalid_token)
}

impl Leaving {
    fn wants(self, scope: Scope, client_reason: Option<ClientReason>, origin: Origin) -> EndRequest {
        let Self { user_id, session_id, epoch } = self;
        EndRequest { user_id, session_id, epoch, scope, client_reason, origin, alongside: None }
    }
}

/// `keepCurrent` in the address, because many clients send no body with `DELETE`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeepCurrent {
    keep_current: Option<bool>,
}

/// `POST /api/auth/logout-all` and `DELETE /api/auth/sessions`: an expired token will do, one whose session has ended ends nothing.
pub async fn logout_all(
    State(state): State<ApiState>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(asked): Query<KeepCurrent>,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let keep_current = fields.optional_bool("keepCurrent");
    let reason = reason(&fields);
    let (keep_current,) = fields.finish((keep_current,))?;
    let keep_current = keep_current.or(asked.keep_current).unwrap_or(false);
    if let Some(token) = legacy::presented(&state, &headers) {
        return token.logout_all(&state, keep_current, reason, visitor.origin).await;
    }
    let leaving = by_access_token(&state, &headers)?;
    let standing = leaving.standing(&state).await;
    if matches!(standing, Some(Standing::Ended(_) | Standing::Unknown)) {
        return Ok(answer(&state, true, nothing_to_end()));
    }
    let scope = if keep_current { Scope::Others } else { Scope::All };
    let ended = state.sessions.end(leaving.wants(scope, reason, visitor.origin)).await?;
    Ok(answer(&state, !keep_current, ended))
}

impl Leaving {
    /// What the database says of the session; `None` where it is away.
    async fn standing(&self, state: &ApiState) -> Option<Standing> {
        let now = state.sessions.clock.now();
        let epoch = self.epoch.unwrap_or(i64::MAX);
        state.sessions.store.standing(self.session_id, self.user_id, epoch, now).await.ok()
    }
}

/// `DELETE /api/auth/sessions/{id}`: one of the caller's own; another person's does not exist.
pub async fn end_session(
    State(state): State<ApiState>,
    asker: Asker,
    visitor: Visitor,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, ApiError> {
    let reason = reason(&fields);
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    let caller = match asker {
        Asker::Session(caller) => caller,
        Asker::Legacy(user) => return legacy::end_session(&state, &user, id, reason, visitor.origin).await,
    };
    let leaving = Leaving { user_id: caller.user_id, session_id: caller.session_id, epoch: Some(caller.epoch) };
    let this = id == caller.session_id;
    let scope = if this { Scope::This } else { Scope::Other(id) };
    let ended = state.sessions.end(leaving.wants(scope, reason, visitor.origin)).await?;
    check_that_it_was_theirs(&state, caller.user_id, id, &ended).await?;
    Ok(answer(&state, this, ended))
}

/// The most sessions that one call ends by their ids.
const MOST_AT_ONCE: usize = 100;

/// `POST /api/auth/sessions/end`: several of the caller's own. Those of others, or that have ended before, are not counted.
pub async fn end_several(
    State(state): State<ApiState>,
    Caller(caller): Caller,
    visitor: Visitor,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let reason = reason(&fields);
    let this = caller.session_id;
    let ids = fields.list("sessionIds", MOST_AT_ONCE, |text| match text.parse::<SessionId>() {
        Ok(id) if id == this => Err(Invalid::new("this-session", "The session that asks is ended by logout.")),
        Ok(id) => Ok(id),
        Err(_) => Err(Invalid::new("malformed", "This is no session id.")),
    });
    let (ids,) = fields.finish((ids,))?;
    let leaving = Leaving { user_id: caller.user_id, session_id: this, epoch: Some(caller.epoch) };
    let ended = state.sessions.end_several(leaving.wants(Scope::This, reason, visitor.origin), &ids).await?;
    Ok(answer(&state, false, ended))
}

/// Where nothing was ended, it had ended before, which is as good, or it is not this person's.
pub async fn check_that_it_was_theirs(
    state: &ApiState,
    user_id: UserId,
    id: SessionId,
    ended: &EndAnswer,
) -> Result<(), ApiError> {
    if matches!(ended, EndAnswer::Done { sessions_ended: 0, .. }) {
        let row = state.sessions.store.session(id).await?;
        row.filter(|row| row.user_id == user_id).ok_or_else(ApiError::not_found)?;
    }
    Ok(())
}

/// The client's own words, cut to what is kept: a bad reason must not keep anybody signed in.
fn reason(fields: &Fields) -> Option<ClientReason> {
    let clipped = |text: &str| {
        let kept: String = text.chars().filter(|c| !c.is_control()).take(ClientReason::MAX_CHARS).collect();
        ClientReason::parse(&kept)
    };
    fields.optional_or_ignored("reason", clipped)
}

/// What it comes to where there is no session to be ended any more.
pub fn nothing_to_end() -> EndAnswer {
    EndAnswer::Done { sessions_ended: 0, receipt: None, refused: false }
}

/// The answer of a call that ends sessions and does nothing else. `this_device` is whether the client itself is signed out by it.
pub fn answer(state: &ApiState, this_device: bool, ended: EndAnswer) -> Response {
    answer_in_words(state, this_device, ended, |sessions_ended| message(this_device, sessions_ended))
}

/// The answer of every call that ends sessions. `words` says what was done, by how many there were.
pub fn answer_in_words(
    state: &ApiState,
    this_device: bool,
    ended: EndAnswer,
    words: impl FnOnce(u64) -> String,
) -> Response {
    let (status, body) = match ended {
        EndAnswer::Done { sessions_ended, receipt, .. } => {
            let message = words(sessions_ended);
            (StatusCode::OK, LogoutAnswer { success: true, message, sessions_ended, warning: None, receipt })
        }
        EndAnswer::Pending => {
            let warning = "The database cannot be reached. This server refuses the session from now on, and keeps trying to tell the others.";
            let message = if this_device { "You are signed out." } else { "The device is being signed out." };
            let body = LogoutAnswer {
                success: true,
                message: message.to_owned(),
                sessions_ended: 0,
                warning: Some(warning.to_owned()),
                receipt: None,
            };
            (StatusCode::ACCEPTED, body)
        }
    };
    let response = (status, Json(body)).into_response();
    if this_device { forgetting(state, response) } else { response }
}

/// Has the client forget what it holds.
pub fn forgetting(state: &ApiState, mut response: Response) -> Response {
    let (name, value) = CLEAR_SITE_DATA;
    response.headers_mut().insert(name, value);
    set_cookie(&mut response, &state.cookie.clear());
    response
}

fn message(this_device: bool, ended: u64) -> String {
    match (this_device, ended) {
        (true, 0 | 1) => "You are signed out.".to_owned(),
        (true, ended) => format!("You are signed out on all {ended} devices."),
        (false, 0) => "There was no other device to sign out.".to_owned(),
        (false, 1) => "1 device is signed out.".to_owned(),
        (false, ended) => format!("{ended} devices are signed out."),
    }
}
