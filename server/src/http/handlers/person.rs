//! The person: profile, password, activity.

use app::api::{Activity, ActivityEntry, FieldError, Profile};
use app::domain::{AccountType, Invalid, Password, Timestamp};
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::accounts::optional_name;
use super::sign_out::answer;
use crate::auth::accounts::Visitor;
use crate::http::authenticate::{Asker, Caller};
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{EndAnswer, EndRequest, Scope, person};
use crate::store::{Alongside, Audit, ProfileChange, User};

/// How many entries a page of activity has where the client does not say.
const PAGE: u8 = 30;
/// The most it may ask for.
const LONGEST_PAGE: u8 = 100;

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
    let name = optional_name(&mut fields);
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
    let change = state.accounts.prepare_password_change(caller.session_id, caller.user_id, &current, &new).await?;
    let request = EndRequest {
        user_id: caller.user_id,
        session_id: caller.session_id,
        epoch: Some(caller.epoch),
        scope: Scope::Others,
        client_reason: None,
        origin: visitor.origin,
        alongside: Some(Alongside::PasswordChange(change.ok_or_else(ApiError::not_found)?)),
    };
    let ended = state.sessions.end(request).await?;
    if matches!(ended, EndAnswer::Done { refused: true, .. }) {
        let invalid = Invalid::new("wrong-password", "Your password was changed in the meantime.");
        return Err(ApiError::invalid_field("currentPassword", &invalid));
    }
    if let Err(error) = state.accounts.tell_of_password_change(caller.user_id).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the mail about a new password is not queued");
    }
    Ok(answer(&state, false, ended))
}

/// Which page of activity, as it was asked for.
#[derive(Deserialize)]
pub struct Asked {
    cursor: Option<String>,
    limit: Option<String>,
}

/// Which page of activity.
struct Page {
    /// The last entry of the page before.
    before: Option<(Timestamp, Uuid)>,
    /// How many entries at most.
    limit: u8,
}

impl Asked {
    fn read(&self) -> Result<Page, ApiError> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, code: &str, message: String| {
            errors.push(FieldError { field: field.to_owned(), code: code.to_owned(), message });
        };
        let before = self.cursor.as_deref().and_then(|cursor| {
            let before = read_cursor(cursor);
            if before.is_none() {
                refuse("cursor", "malformed", "Use nextCursor of the page before.".to_owned());
            }
            before
        });
        let limit = self.limit.as_deref().map_or(Some(PAGE), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=LONGEST_PAGE).contains(limit));
        if limit.is_none() {
            refuse("limit", "out-of-range", format!("Use a whole number from 1 to {LONGEST_PAGE}."));
        }
        match limit {
            Some(limit) if errors.is_empty() => Ok(Page { before, limit }),
            _ => Err(ApiError::invalid_fields(errors)),
        }
    }
}

/// `GET /api/user/activity`: newest first.
pub async fn activity(
    State(state): State<ApiState>,
    asker: Asker,
    Query(page): Query<Asked>,
) -> Result<Json<Activity>, ApiError> {
    let Page { before, limit } = page.read()?;
    // One more than is shown tells whether there is a next page.
    let mut rows = state.sessions.store.activity(asker.user_id(), before, i64::from(limit) + 1).await?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next_cursor = rows.last().filter(|_| more).map(|last| format!("{}.{}", last.at.as_millis(), last.id.simple()));
    Ok(Json(Activity { entries: rows.into_iter().map(entry).collect(), next_cursor }))
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, Uuid)> {
    let (millis, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), Uuid::try_parse(id).ok()?))
}

/// An audit entry as its person sees it.
pub(super) fn entry(row: Audit) -> ActivityEntry {
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
