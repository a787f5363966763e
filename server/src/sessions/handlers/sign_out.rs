//! Signing out: this device, all, all others, or one. Forgiving: whoever wants to be signed out ends up signed out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use types::api::request::Field;
use types::api::{
    EndSessionFields, EndSessionRequest, EndSessionsFields, EndSessionsRequest, LogoutAllFields, LogoutAllQuery,
    LogoutAllRequest, LogoutAnswer, LogoutFields, LogoutRequest,
};
use types::domain::{ClientReason, Invalid, SessionId, Timestamp, UserId};
use types::words::ProblemCode;
use uuid::Uuid;

use super::sessionless;
use super::stale_cookies::StaleCookies;
use crate::auth::origin::RequestOrigin;
use crate::auth::tokens::Verified;
use crate::http::cookies::set_cookie;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::principal::{InSession, Principal, bearer};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{CleanUpStep, EndAnswer, EndRequest, EndingError, Force, RequesterState, Scope};
use crate::store::{Origin, StoreError};

/// What a client that is signed out should forget.
const CLEAR_SITE_DATA: (HeaderName, HeaderValue) =
    (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"storage\""));

/// The session that requests an end, as its token shows it. The token need not be good any more.
struct EndRequester {
    user_id: UserId,
    actor_id: UserId,
    session_id: SessionId,
    epoch: Option<i64>,
    token_until: Option<Timestamp>,
    force: Force,
}

/// What somebody presents who wants to be signed out.
struct Presented {
    /// Their access token, run out or not.
    access: Option<Arc<Verified>>,
    /// The sessions of their refresh tokens: usually one, more where a browser has several cookies.
    refresh: Vec<SessionId>,
}

/// For the document of the API: [`logout`].
pub const LOGOUT: Operation = Operation {
    id: "logout",
    summary: "Sign out",
    about: "Whoever wants to be signed out ends up signed out: a token that is not good any more ends nothing, and is no problem.",
    body: Some(Payload::of::<LogoutRequest>()),
    answers: &[
        Answer::json::<LogoutAnswer>(200, "Done."),
        Answer::json::<LogoutAnswer>(202, "In force on this server, and everywhere once the database can be reached."),
    ],
    ..Operation::NONE
};

/// `POST /api/auth/logout`: by bearer token, or by refresh token. What cannot be read ends nothing, and keeps nobody
/// signed in.
pub async fn logout(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    Body { fields, .. }: Body<LogoutRequest>,
) -> Result<Response, ApiError> {
    let LogoutFields { reason, refresh_token } = fields;
    if let Some(token) = sessionless::presented(&state, &headers) {
        return Ok(token.logout(&state));
    }
    let presented = Presented::by(&state, &headers, refresh_token)?;
    let signs_out = !presented.acts();
    // From where somebody acts is not for the user to see.
    let origin = if signs_out { from.origin } else { Origin::default() };
    let ended = presented.ends(&state, read_reason(reason), origin).await?;
    Ok(answer(&state, signs_out, ended))
}

impl Presented {
    /// `401` where nothing is presented at all.
    fn by(state: &ApiState, headers: &HeaderMap, refresh_token: Field<Option<String>>) -> Result<Self, ApiError> {
        let access = bearer(headers).and_then(|token| state.sessions().revocations().verify_even_if_expired(token));
        if access.as_ref().is_some_and(|token| token.act.is_some()) {
            // The cookies of the browser are of whoever acts, who stays signed in.
            return Ok(Self { access, refresh: Vec::new() });
        }
        let in_cookies = state.cookie.presented(headers);
        let is_nothing = !headers.contains_key(AUTHORIZATION) && !refresh_token.is_given && in_cookies.is_empty();
        if is_nothing {
            return Err(ApiError::missing_token());
        }
        let refresh = match refresh_token.or_ignored() {
            Some(token) => state.sessions().refreshes().session_of(&token).into_iter().collect(),
            None if in_cookies.is_empty() => Vec::new(),
            None => match state.same_origin.check(headers) {
                Ok(()) => state.sessions().refreshes().sessions_of_browser(&in_cookies.tokens()),
                // A client with a good token need not be one of our pages. It must not use the cookies then.
                Err(_) if access.is_some() => Vec::new(),
                Err(refused) => return Err(refused),
            },
        };
        Ok(Self { access, refresh })
    }

    /// Whether it is the token of somebody who acts for the user.
    fn acts(&self) -> bool {
        self.access.as_ref().is_some_and(|token| token.act.is_some())
    }

    /// Ends the sessions that can be made out: one, unless somebody has mixed two.
    async fn ends(self, state: &ApiState, reason: Option<ClientReason>, origin: Origin) -> Result<EndAnswer, ApiError> {
        let (mut ended, mut by_access) = (nothing_to_end(), None);
        if let Some(token) = self.access {
            by_access = Some(token.session_id);
            let requester = EndRequester::by(&token, Force::Full);
            ended = state
                .sessions()
                .terminations()
                .end(requester.request(Scope::This, reason.clone(), origin.clone()))
                .await?;
        }
        for session_id in self.refresh.into_iter().filter(|session_id| by_access != Some(*session_id)) {
            ended = ended.and(end_by_refresh_token(state, session_id, reason.clone(), origin.clone()).await?);
        }
        Ok(ended)
    }
}

/// Ends a session of which only the id is known, by its refresh token.
async fn end_by_refresh_token(
    state: &ApiState,
    session_id: SessionId,
    reason: Option<ClientReason>,
    origin: Origin,
) -> Result<EndAnswer, ApiError> {
    match state.context.store.sessions().session(session_id).await {
        Ok(found) => {
            // One that the database does not know, because it was set back, is revoked all the same.
            let user_id = found.map_or(UserId(Uuid::nil()), |row| row.user_id);
            let requester = EndRequester {
                user_id,
                actor_id: user_id,
                session_id,
                epoch: None,
                token_until: None,
                force: Force::Full,
            };
            Ok(state.sessions().terminations().end(requester.request(Scope::This, reason, origin)).await?)
        }
        Err(error @ StoreError::Unavailable(_)) => {
            let Some((rest, is_written)) = state.sessions().terminations().end_unresolved(session_id, reason, origin)
            else {
                return Err(error.into());
            };
            state.context.tasks.spawn("unresolved sign-out", rest);
            // Where the task broke, the session is refused here at least.
            if is_written.await == Ok(true) {
                Ok(EndAnswer::Pending)
            } else {
                Err(EndingError::Unwritten(Arc::new(error)).into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

impl EndRequester {
    fn by(token: &Verified, force: Force) -> Self {
        let Verified { user_id, session_id, epoch, expires_at, act, .. } = *token;
        let actor_id = act.map_or(user_id, |act| act.sub);
        Self { user_id, actor_id, session_id, epoch: Some(epoch), token_until: Some(expires_at), force }
    }

    fn request(self, scope: Scope, client_reason: Option<ClientReason>, origin: Origin) -> EndRequest {
        let Self { user_id, actor_id, session_id, epoch, token_until, force } = self;
        EndRequest { user_id, actor_id, session_id, epoch, token_until, force, scope, client_reason, origin }
    }
}

/// For the document of the API: [`logout_all`].
pub const LOGOUT_ALL: Operation = Operation {
    id: "logoutAll",
    summary: "Sign out everywhere",
    about: "Ends all sessions of the user, or all but this one.",
    query: Some(Parameters::of::<LogoutAllQuery>()),
    body: Some(Payload::of::<LogoutAllRequest>()),
    answers: &[
        Answer::json::<LogoutAnswer>(200, "Done."),
        Answer::json::<LogoutAnswer>(202, "In force on this server, and everywhere once the database can be reached."),
    ],
    problems: &[
        ProblemCode::InvalidToken,
        ProblemCode::TokenExpired,
        ProblemCode::SessionRequired,
        ProblemCode::NotWhileActing,
    ],
    ..Operation::NONE
};

/// The same, as `DELETE` of all sessions.
pub const END_ALL: Operation = Operation { id: "endAllSessions", ..LOGOUT_ALL };

/// `POST /api/auth/logout-all` and `DELETE /api/auth/sessions`: an expired token will do, one whose session has ended
/// ends nothing, and one that cannot be read ends no more than it does at [`logout`].
pub async fn logout_all(
    State(state): State<ApiState>,
    from: RequestOrigin,
    headers: HeaderMap,
    Query(asked): Query<LogoutAllQuery>,
    Body { fields, mut errors }: Body<LogoutAllRequest>,
) -> Result<Response, ApiError> {
    let LogoutAllFields { keep_current, reason, refresh_token } = fields;
    let keep_current = errors.take(keep_current);
    let reason = read_reason(reason);
    let presented = Presented::by(&state, &headers, refresh_token);
    let (keep_current,) = errors.finish((keep_current,))?;
    let keep_current = keep_current.or(asked.keep_current).unwrap_or(false);
    if let Some(token) = sessionless::presented(&state, &headers) {
        return token.logout_all(&state, keep_current, reason, from.origin).await;
    }
    if !headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::missing_token());
    }
    let mut presented = presented?;
    if presented.acts() {
        return Err(ApiError::not_while_acting());
    }
    let Some(token) = presented.access.take() else {
        let ended = presented.ends(&state, reason, from.origin).await?;
        return Ok(answer(&state, true, ended));
    };
    let (scope, force) = match state.sessions().revocations().requester_state(&token).await {
        RequesterState::MayEndOthers(force) => (if keep_current { Scope::Others } else { Scope::All }, force),
        RequesterState::IsBeingEnded => (Scope::This, Force::Full),
        RequesterState::HasEnded => return Ok(answer(&state, true, nothing_to_end())),
    };
    let ended = state
        .sessions()
        .terminations()
        .end(EndRequester::by(&token, force).request(scope, reason, from.origin))
        .await?;
    let this_device = scope != Scope::Others || ended == EndAnswer::RequesterEnded;
    Ok(answer(&state, this_device, ended))
}

/// For the document of the API: [`end_session`].
pub const END_SESSION: Operation = Operation {
    id: "endSession",
    summary: "End a session of the user",
    path: Some(Parameters::of::<SessionId>()),
    body: Some(Payload::of::<EndSessionRequest>()),
    answers: &[
        Answer::json::<LogoutAnswer>(200, "Done."),
        Answer::json::<LogoutAnswer>(202, "In force on this server, and everywhere once the database can be reached."),
    ],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `DELETE /api/auth/sessions/{id}`: one of the user's own; another user's does not exist.
pub async fn end_session(
    State(state): State<ApiState>,
    principal: Principal,
    from: RequestOrigin,
    Path(id): Path<String>,
    Body { fields: EndSessionFields { reason }, .. }: Body<EndSessionRequest>,
) -> Result<Response, ApiError> {
    let reason = read_reason(reason);
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    let principal = match principal {
        Principal::Session(principal) => principal,
        Principal::Sessionless(user) => return sessionless::end_session(&state, &user, id, reason, from.origin).await,
    };
    let requester = EndRequester::by(&principal, Force::Held);
    let this = id == principal.session_id;
    let scope = if this { Scope::This } else { Scope::Other(id) };
    let ended = state.sessions().terminations().end(requester.request(scope, reason, from.origin)).await?;
    if ended == EndAnswer::RequesterEnded {
        return Err(ApiError::session_ended());
    }
    check_that_it_was_theirs(&state, principal.user_id, id, &ended).await?;
    Ok(answer(&state, this, ended))
}

/// The most sessions that one call ends by their ids.
const MOST_AT_ONCE: usize = 100;

/// For the document of the API: [`end_several`].
pub const END_SEVERAL: Operation = Operation {
    id: "endSessions",
    summary: "End several sessions of the user",
    about: "Under one receipt. Those that are not the user’s, or have ended before, are not counted.",
    body: Some(Payload::of::<EndSessionsRequest>()),
    answers: &[
        Answer::json::<LogoutAnswer>(200, "Done."),
        Answer::json::<LogoutAnswer>(202, "In force on this server, and everywhere once the database can be reached."),
    ],
    ..Operation::NONE
};

/// `POST /api/auth/sessions/end`: several of the user's own. Those of others, or that have ended before, are not
/// counted.
pub async fn end_several(
    State(state): State<ApiState>,
    InSession(principal): InSession,
    from: RequestOrigin,
    Body { fields, mut errors }: Body<EndSessionsRequest>,
) -> Result<Response, ApiError> {
    let EndSessionsFields { session_ids, reason } = fields;
    let reason = read_reason(reason);
    let this = principal.session_id;
    let ids = errors.parse_list(session_ids, MOST_AT_ONCE, |text| match text.parse::<SessionId>() {
        Ok(id) if id == this => Err(Invalid::new("this-session", "To end the session you are using, call logout.")),
        Ok(id) => Ok(id),
        Err(_) => Err(Invalid::new("malformed", "This is not a session id.")),
    });
    let (ids,) = errors.finish((ids,))?;
    let requester = EndRequester::by(&principal, Force::Held);
    let ended =
        state.sessions().terminations().end_several(requester.request(Scope::This, reason, from.origin), &ids).await?;
    if ended == EndAnswer::RequesterEnded {
        return Err(ApiError::session_ended());
    }
    Ok(answer(&state, false, ended))
}

/// Where nothing was ended: `404` unless the session is this user's and had ended before.
pub async fn check_that_it_was_theirs(
    state: &ApiState,
    user_id: UserId,
    id: SessionId,
    ended: &EndAnswer,
) -> Result<(), ApiError> {
    if matches!(ended, EndAnswer::Done { sessions_ended: 0, .. }) {
        let row = state.context.store.sessions().session(id).await?;
        row.filter(|row| row.user_id == user_id).ok_or_else(ApiError::not_found)?;
    }
    Ok(())
}

/// The client's own words, cut to what is stored. A bad reason is no reason to refuse a sign-out.
pub fn read_reason(reason: Field<Option<String>>) -> Option<ClientReason> {
    let given = reason.or_ignored()?;
    let cleaned: String = given.chars().filter(|c| !c.is_control()).take(ClientReason::MAX_CHARS).collect();
    ClientReason::parse(&cleaned).ok()
}

/// The answer where there is no session left to end.
pub fn nothing_to_end() -> EndAnswer {
    EndAnswer::Done { sessions_ended: 0, receipt: None, failed: Vec::new() }
}

/// The answer of a call that ends sessions and does nothing else. `this_device` is whether the client itself is signed
/// out by it.
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
    let (status, body) = logout_answer(this_device, ended, words);
    let response = (status, Json(body)).into_response();
    if this_device { forgetting(state, response) } else { response }
}

/// What such an answer says.
pub fn logout_answer(
    this_device: bool,
    ended: EndAnswer,
    words: impl FnOnce(u64) -> String,
) -> (StatusCode, LogoutAnswer) {
    let ended = if ended == EndAnswer::RequesterEnded { nothing_to_end() } else { ended };
    match ended {
        EndAnswer::Done { sessions_ended, receipt, failed } => {
            let (message, warning) = (words(sessions_ended), warning_of(&failed));
            let body =
                LogoutAnswer { success: true, message, sessions_ended, receipt, warning, ..LogoutAnswer::default() };
            (StatusCode::OK, body)
        }
        EndAnswer::Pending | EndAnswer::RequesterEnded => {
            let warning = "The database can’t be reached. This server has signed the device out already; the others will follow as soon as they can.";
            let message = if this_device { "You’re signed out." } else { "The device is being signed out." };
            let body = LogoutAnswer {
                success: true,
                message: message.to_owned(),
                warning: Some(warning.to_owned()),
                ..LogoutAnswer::default()
            };
            (StatusCode::ACCEPTED, body)
        }
    }
}

/// What of the clean-up failed, where something did. The sign-out itself holds.
fn warning_of(failed: &[CleanUpStep]) -> Option<String> {
    let mut steps: Vec<&str> = failed.iter().map(|step| step.in_words).collect();
    steps.dedup();
    if steps.is_empty() {
        return None;
    }
    Some(format!("The sign-out holds. Not everything could be cleaned up at once: {}.", steps.join(", ")))
}

/// Has the client forget what it holds.
pub fn forgetting(state: &ApiState, mut response: Response) -> Response {
    let (name, value) = CLEAR_SITE_DATA;
    response.headers_mut().insert(name, value);
    set_cookie(&mut response, &state.cookie.clear_untagged());
    StaleCookies::clear_ended(state, &mut response);
    response
}

fn message(this_device: bool, ended: u64) -> String {
    match (this_device, ended) {
        (true, 0 | 1) => "You’re signed out.".to_owned(),
        (true, ended) => format!("You’re signed out on all {ended} devices."),
        (false, 0) => "There was no other device to sign out.".to_owned(),
        (false, 1) => "1 device is signed out.".to_owned(),
        (false, ended) => format!("{ended} devices are signed out."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::revocations::OTHER_SERVERS;

    const TICKETS: CleanUpStep = CleanUpStep { name: "tickets", in_words: "collecting the tickets" };

    #[test]
    fn an_answer_names_what_of_the_clean_up_failed_while_the_sign_out_holds() {
        let ended =
            |failed: &[CleanUpStep]| EndAnswer::Done { sessions_ended: 1, receipt: None, failed: failed.to_vec() };
        let answer = |ended: EndAnswer| logout_answer(true, ended, |ended| message(true, ended));
        let (status, body) = answer(ended(&[]));
        assert_eq!((status, body.warning), (StatusCode::OK, None));
        let both = ended(&[TICKETS]).and(ended(&[TICKETS, OTHER_SERVERS]));
        let (status, body) = answer(both);
        assert_eq!((status, body.success, body.sessions_ended), (StatusCode::OK, true, 2));
        let warning = body.warning.expect("a warning");
        assert!(warning.contains("collecting the tickets, telling the other servers"), "{warning}");
    }
}
