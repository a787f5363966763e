//! Sessions of all users: listed, and ended one by one or all of a user.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use types::api::{
    AdminActionFields, AdminActionRequest, AdminSessionList, AdminSessionQuery, AdminSessionsEnded, EndRule,
};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::ProblemCode;
use uuid::Uuid;

use super::administrator::Administrator;
use super::errors::{malformed, wrong_cursor};
use super::users::{limit_of, named};
use super::views;
use crate::admin::permissions::SESSIONS_END;
use crate::admin::{AdminError, Change, Place, SessionRule, UserKey};
use crate::auth::action_limits::LimitedAction;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::problem::ApiError;
use crate::http::recent_proof::ProvedBody;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::read_reason;
use crate::store::EndOutcome;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "adminListSessions",
    summary: "Sessions of all users",
    about: "Those that are signed in, by address, network, client, age and place. In pages.",
    query: Some(Parameters::of::<AdminSessionQuery>()),
    answers: &[Answer::json::<AdminSessionList>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/admin/sessions`.
pub async fn list(
    State(state): State<ApiState>,
    administrator: Administrator,
    Query(query): Query<AdminSessionQuery>,
) -> Result<Json<AdminSessionList>, ApiError> {
    let limit = limit_of(query.limit.as_ref())?;
    let after = match query.cursor.as_deref() {
        Some(cursor) => Some(read_cursor(cursor).ok_or_else(|| wrong_cursor("cursor"))?),
        None => None,
    };
    administrator.may_do(&state, LimitedAction::Search).await?;
    let user = named(&state, "user", query.user.as_deref()).await?;
    let rule = rule_of(query, user)?;
    let administration = &state.admin().administration;
    let (rows, next) = administration.live_sessions(&rule, after, limit).await?;
    let users = administration.users_of(&rows).await?;
    Ok(Json(AdminSessionList {
        sessions: views::sessions(&state, &administrator.token, &rows, &users),
        next_cursor: next.map(|place| cursor(&place)),
    }))
}

fn rule_of(query: AdminSessionQuery, user: Option<UserId>) -> Result<SessionRule, ApiError> {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let signed_in_before = filled(query.signed_in_before).map(|text| {
        Timestamp::parse_rfc3339(text.trim()).ok_or_else(|| malformed("signedInBefore", "Use a moment in UTC."))
    });
    let rule = EndRule {
        user,
        network: filled(query.network),
        client: filled(query.client),
        place: filled(query.place),
        signed_in_before: signed_in_before.transpose()?,
        all: None,
    };
    SessionRule::of(&rule).ok_or_else(|| malformed("network", "Use an address or a network, such as 192.0.2.0/24."))
}

/// What stands for the page after a session.
fn cursor(Place { created_at, ip, id }: &Place) -> String {
    format!("{}.{}.{ip}", created_at.as_millis(), id.0.simple())
}

fn read_cursor(cursor: &str) -> Option<Place> {
    let mut parts = cursor.splitn(3, '.');
    let created_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let id = SessionId(Uuid::try_parse(parts.next()?).ok()?);
    Some(Place { created_at, ip: parts.next()?.to_owned(), id })
}

/// What the calls that end sessions have in common.
const ENDS: Operation = Operation {
    body: Some(Payload::of::<AdminActionRequest>()),
    answers: &[Answer::json::<AdminSessionsEnded>(200, "Ended.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach],
    ..Operation::NONE
};

/// For the document of the API: [`end`].
pub const END: Operation = Operation {
    id: "adminEndSession",
    summary: "End a session of somebody",
    about: "Not of users whose roles reach further than those of whoever asks.",
    path: Some(Parameters::of::<SessionId>()),
    ..ENDS
};

/// `DELETE /api/admin/sessions/{id}`.
pub async fn end(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminSessionsEnded>, ApiError> {
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    let AdminActionFields { reason, password: _ } = body.body.fields;
    let reason = read_reason(reason);
    let actor = administrator.actor(&state, SESSIONS_END).await?;
    let administration = Arc::clone(&state.admin().administration);
    let ends = async move {
        let change = administration.end_session(&actor, id, reason.as_ref()).await?;
        Ok::<_, AdminError>(match change {
            Change::Done(outcome) => outcome,
            Change::Unchanged => EndOutcome::default(),
        })
    };
    ended(&state, ends).await
}

/// For the document of the API: [`disconnect`].
pub const DISCONNECT: Operation = Operation {
    id: "adminDisconnectSession",
    summary: "Disconnect a session of somebody",
    about: "Closes its event streams and sockets, on every server. The session goes on, and its client connects again. \
            Not of users whose roles reach further than those of whoever asks.",
    path: Some(Parameters::of::<SessionId>()),
    answers: &[Answer::empty(204, "Disconnected.")],
    problems: &[ProblemCode::NotFound, ProblemCode::AboveYourReach],
    ..Operation::NONE
};

/// `POST /api/admin/sessions/{id}/disconnect`.
pub async fn disconnect(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: SessionId = id.parse().map_err(|_| ApiError::not_found())?;
    let actor = administrator.actor(&state, SESSIONS_END).await?;
    let administration = Arc::clone(&state.admin().administration);
    let disconnects = async move { administration.disconnect_session(&actor, id).await };
    state.complete("disconnecting a session", disconnects).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// For the document of the API: [`end_all`].
pub const END_ALL: Operation = Operation {
    id: "adminEndUserSessions",
    summary: "End all sessions of a user",
    about: "No token of theirs passes any more. Not of users whose roles reach further than those of whoever asks.",
    path: Some(Parameters::of::<UserId>()),
    ..ENDS
};

/// `DELETE /api/admin/users/{id}/sessions`.
pub async fn end_all(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
    body: ProvedBody<AdminActionRequest>,
) -> Result<Json<AdminSessionsEnded>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::not_found())?;
    let AdminActionFields { reason, password: _ } = body.body.fields;
    let reason = read_reason(reason);
    let actor = administrator.actor(&state, SESSIONS_END).await?;
    let administration = Arc::clone(&state.admin().administration);
    let ends = async move { administration.end_sessions_of(&actor, &UserKey::Id(id), reason.as_ref()).await };
    ended(&state, ends).await
}

/// Ends sessions, whether or not the client waits for it, and enforces here what was committed.
async fn ended(
    state: &ApiState,
    ends: impl Future<Output = Result<EndOutcome, AdminError>> + Send + 'static,
) -> Result<Json<AdminSessionsEnded>, ApiError> {
    let sessions = Arc::clone(state.sessions());
    let ends = async move {
        let outcome = ends.await?;
        sessions.revocations().put_in_force(&outcome);
        Ok::<_, AdminError>(outcome)
    };
    let outcome = state.complete("end of sessions", ends).await??;
    let sessions_ended = u64::try_from(outcome.ended.len()).unwrap_or(u64::MAX);
    Ok(Json(AdminSessionsEnded { sessions_ended }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_whatever_the_address() {
        for ip in ["", "192.0.2.7", "2001:db8::1"] {
            let id = SessionId(Uuid::from_u128(7));
            let place = Place { created_at: Timestamp::from_millis(1_800_000_000_000), ip: ip.to_owned(), id };
            assert_eq!(read_cursor(&cursor(&place)), Some(place));
        }
        assert_eq!(read_cursor("1.2"), None);
    }
}
