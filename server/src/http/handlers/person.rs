//! The person: profile, password, activity.

use app::api::{Activity, ActivityEntry, Profile};
use app::domain::{AccountType, DisplayName, Invalid, Password, Timestamp};
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::sign_out::answer;
use crate::auth::accounts::Visitor;
use crate::http::authenticate::{Asker, Caller};
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{EndAnswer, EndRequest, Scope, person};
use crate::store::{Audit, ProfileChange, User};

/// How many entries a page of activity has.
const PAGE: i64 = 30;

/// `GET /api/user/profile`.
pub async fn profile(State(state): State<ApiState>, asker: Asker) -> Result<Json<Profile>, ApiError> {
    let user = state.sessions.store.user_by_id(asker.user_id()).await?;
    user.map(|user| Json(show(&user))).ok_or_else(ApiError::not_found)
}

/// `PATCH /api/user/profile`: what is absent stays.
pub async fn update_profile(
    State(state): State<ApiState>,
    asker: Asker,
    visitor: Visitor,
    mut fields: Fields,
) -> Result<Json<Profile>, ApiError> {
    let name = fields.optional("name", DisplayName::parse);
    let account_type = fields.optional("accountType", AccountType::parse);
    let (name, account_type) = fields.finish((name, account_type))?;
    let change = ProfileChange { name, account_type };
    let user_id = asker.user_id();
    let user = state.accounts.update_profile(&visitor, user_id, &change).await?;
    let user = user.ok_or_else(ApiError::not_found)?;
    let renewed = app::api::UserUpdated { user_id };
    state.sessions.hub.publish(user_id, &app::api::ServerEvent::UserUpdated(renewed), None);
    Ok(Json(show(&user)))
}

fn show(user: &User) -> Profile {
    Profile {
        person: person(user),
        account_type: user.account_type,
        created_at: user.created_at,
        password_changed_at: user.password_changed_at,
    }
}

/// `POST /api/user/password`: changes it and ends the other sessions, in one transaction.
pub async fn change_password(
    State(state): State<ApiState>,
    Caller(caller): Caller,
    visitor: Visitor,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let current = fields.required("currentPassword", Password::parse_existing);
    let new = fields.required("newPassword", Password::parse_new);
    let (current, new) = fields.finish((current, new))?;
    let change = state.accounts.prepare_password_change(&visitor, caller.user_id, &current, &new).await?;
    let request = EndRequest {
        user_id: caller.user_id,
        session_id: caller.session_id,
        epoch: Some(caller.epoch),
        scope: Scope::Others,
        client_reason: None,
        origin: visitor.origin,
        password: Some(change.ok_or_else(ApiError::not_found)?),
    };
    let ended = state.sessions.end(request).await?;
    if matches!(ended, EndAnswer::Done { password_conflict: true, .. }) {
        let invalid = Invalid::new("wrong-password", "Your password was changed in the meantime.");
        return Err(ApiError::invalid_field("currentPassword", &invalid));
    }
    if let Err(error) = state.accounts.tell_of_password_change(caller.user_id).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the mail about a new password is not queued");
    }
    Ok(answer(&state, false, ended))
}

/// Where a page of activity begins.
#[derive(Deserialize)]
pub struct Page {
    cursor: Option<String>,
}

/// `GET /api/user/activity`: newest first.
pub async fn activity(
    State(state): State<ApiState>,
    asker: Asker,
    Query(page): Query<Page>,
) -> Result<Json<Activity>, ApiError> {
    let before = match page.cursor.as_deref() {
        None => None,
        Some(cursor) => Some(read_cursor(cursor).ok_or_else(|| {
            ApiError::invalid_field("cursor", &Invalid::new("malformed", "Use nextCursor of the page before."))
        })?),
    };
    let mut rows = state.sessions.store.activity(asker.user_id(), before, PAGE + 1).await?;
    let more = rows.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let next_cursor = rows.last().filter(|_| more).map(|last| format!("{}.{}", last.at.as_millis(), last.id.simple()));
    Ok(Json(Activity { entries: rows.into_iter().map(entry).collect(), next_cursor }))
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (millis, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), Uuid::try_parse(id).ok()?))
}

fn entry(row: Audit) -> ActivityEntry {
    ActivityEntry {
        id: row.id.to_string(),
        at: row.at,
        action: row.action,
        reason: row.reason,
        client_reason: row.client_reason,
        session_id: row.session_id,
        device_name: row.device_name,
        ip_address: row.origin.ip,
        user_agent: row.origin.user_agent,
    }
}
