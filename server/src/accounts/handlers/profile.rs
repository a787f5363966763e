//! The user: profile, password, activity.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use types::api::{
    Acting, Activity, ActivityEntry, LogoutAnswer, PageQuery, PasswordChangeFields, PasswordChangeRequest, Profile,
    ProfilePatch, ProfilePatchFields,
};
use types::domain::{Invalid, Password};
use types::words::{AuditAction, ProblemCode};

use super::registration::{NameFields, optional_name, parse_account_type};
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::events::Topic;
use crate::geoip::Places;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::paging::{Page, cursor};
use crate::http::principal::{InSession, Principal};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::answer;
use crate::sessions::{AccountOwner, user_summary};
use crate::store::{Audit, ProfileChange, User};

/// How many entries a page of activity has where the client does not say.
const PAGE: u16 = 30;
/// The most it may ask for.
const LONGEST_PAGE: u16 = 100;

/// For the document of the API: [`profile`].
pub const PROFILE: Operation = Operation {
    id: "getProfile",
    summary: "The user",
    answers: &[Answer::json::<Profile>(200, "The user.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `GET /api/user/profile`.
pub async fn profile(State(state): State<ApiState>, principal: Principal) -> Result<Json<Profile>, ApiError> {
    let user = state.context.store.accounts().user_by_id(principal.user_id()).await?;
    user.map(|user| Json(show(&user))).ok_or_else(ApiError::not_found)
}

/// For the document of the API: [`update_profile`].
pub const UPDATE_PROFILE: Operation = Operation {
    id: "updateProfile",
    summary: "Change name or account type",
    about: "What is absent stays.",
    body: Some(Payload::of::<ProfilePatch>()),
    answers: &[Answer::json::<Profile>(200, "The user as changed.")],
    problems: &[ProblemCode::NotFound, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `PATCH /api/user/profile`: what is absent stays.
pub async fn update_profile(
    State(state): State<ApiState>,
    principal: Principal,
    from: RequestOrigin,
    Body { fields, mut errors }: Body<ProfilePatch>,
) -> Result<Json<Profile>, ApiError> {
    let ProfilePatchFields { name, first_name, last_name, account_type } = fields;
    let name = optional_name(&mut errors, NameFields { whole: name, first: first_name, last: last_name });
    let account_type = errors.parse_optional(account_type, parse_account_type);
    let (name, account_type) = errors.finish((name, account_type))?;
    let change = ProfileChange { name, account_type };
    let user_id = principal.user_id();
    state.may_do(LimitedAction::Change, principal.session_id(), user_id).await?;
    let acting = principal.actor().map(|act| act.sub).zip(principal.session_id());
    let user = state.accounts().update_profile(&from, user_id, acting, &change).await?;
    let user = user.ok_or_else(ApiError::not_found)?;
    let updated = types::api::UserUpdated { user_id };
    state.context.events.publish(Topic::User(user_id), &types::api::ServerEvent::UserUpdated(updated), None);
    Ok(Json(show(&user)))
}

fn show(user: &User) -> Profile {
    Profile {
        user: user_summary(user),
        account_type: user.account_type.into(),
        created_at: user.created_at,
        password_changed_at: user.password_changed_at,
    }
}

/// For the document of the API: [`change_password`].
pub const CHANGE_PASSWORD: Operation = Operation {
    id: "changePassword",
    summary: "Change the password",
    about: "Ends the other sessions.",
    body: Some(Payload::of::<PasswordChangeRequest>()),
    answers: &[Answer::json::<LogoutAnswer>(200, "Done.")],
    problems: &[ProblemCode::NotFound, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/user/password`: changes it and ends the other sessions, in one transaction.
pub async fn change_password(
    State(state): State<ApiState>,
    InSession(principal): InSession,
    from: RequestOrigin,
    Body { fields, mut errors }: Body<PasswordChangeRequest>,
) -> Result<Response, ApiError> {
    let PasswordChangeFields { current_password, new_password } = fields;
    let current = errors.parse(current_password, Password::parse_existing);
    let new = errors.parse(new_password, Password::parse_new);
    let (current, new) = errors.finish((current, new))?;
    let change =
        state.accounts().prepare_password_change(principal.session_id, principal.user_id, &current, &new).await?;
    let change = change.ok_or_else(ApiError::not_found)?;
    let owner = AccountOwner::of(&principal, from.origin);
    let terminations = Arc::clone(state.sessions().terminations());
    let changes = async move { terminations.change_password(owner, &change).await };
    let Some(ended) = state.complete("password change", changes).await?? else {
        let invalid =
            Invalid::new("wrong-password", "Your password has just been changed elsewhere. Enter the new one.");
        return Err(ApiError::invalid_field("currentPassword", &invalid));
    };
    if let Err(error) = state.accounts().notify_of_password_change(principal.user_id).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "mail queueing failed");
    }
    Ok(answer(&state, false, ended))
}

/// For the document of the API: [`activity`].
pub const ACTIVITY: Operation = Operation {
    id: "listActivity",
    summary: "What happened to the account",
    about: "Newest first, in pages.",
    query: Some(Parameters::of::<PageQuery>()),
    answers: &[Answer::json::<Activity>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields],
    ..Operation::NONE
};

/// `GET /api/user/activity`: newest first.
pub async fn activity(
    State(state): State<ApiState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Activity>, ApiError> {
    let Page { before, limit } = Page::read(&page, PAGE, LONGEST_PAGE)?;
    // One more than is shown tells whether there is a next page.
    let mut rows = state.context.store.audit().activity(principal.user_id(), before, i64::from(limit) + 1).await?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next_cursor = rows.last().filter(|_| more).map(|last| cursor(last.at, last.id));
    Ok(Json(Activity {
        entries: rows.into_iter().map(|row| entry(row, state.sessions().devices().places())).collect(),
        next_cursor,
    }))
}

/// An audit entry as its user sees it.
pub fn entry(row: Audit, places: &Places) -> ActivityEntry {
    let is_of_roles = row.action == AuditAction::RolesChanged;
    ActivityEntry {
        id: row.id.to_string(),
        at: row.at,
        action: row.action,
        reason: row.reason.map(Into::into),
        client_reason: row.client_reason,
        roles: row.detail.filter(|_| is_of_roles).and_then(|detail| serde_json::from_str(&detail).ok()),
        session_id: row.session_id,
        device_name: row.device_name,
        acting: row.acting.map(|(by, reason)| Acting { by, reason }),
        place: places.of(&row.origin.ip),
        ip_address: row.origin.ip,
        user_agent: row.origin.user_agent,
    }
}
