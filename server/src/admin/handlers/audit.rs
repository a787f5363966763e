//! The audit log: searched, followed, and given out as a stream.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::Value;
use types::api::admin::{MOST_PAGE_ROWS, PAGE_ROWS};
use types::api::{AuditEntry, AuditPage, AuditQuery, PageQuery};
use types::domain::{Invalid, Timestamp, UserId};
use types::words::{AuditAction, AuditFormat, OrOther, ProblemCode, Vocabulary as _};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

use super::administrator::Administrator;
use super::errors::{is_plain, malformed, wrong_cursor};
use super::users::named;
use super::views::Emails;
use crate::audit::{ExportError, ExportFormat, export_page};
use crate::auth::action_limits::LimitedAction;
use crate::auth::tokens::Verified;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::paging::{Page, cursor};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::{AuditFilter, AuditSearch, NewAudit, Standing, StoredAudit};

/// An entry may be committed so long after the moment that it says, behind entries that somebody has seen already.
const COMMITTED_WITHIN: Duration = Duration::from_secs(5);

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "adminListAudit",
    summary: "The audit log",
    about: "Newest first, in pages. `after` follows it: ask again every few seconds.",
    query: Some(Parameters::of::<AuditQuery>()),
    answers: &[Answer::json::<AuditPage>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/admin/audit`: newest first.
pub async fn list(
    State(state): State<ApiState>,
    administrator: Administrator,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let asked = PageQuery { cursor: query.cursor.clone(), limit: query.limit.clone() };
    let Page { before, limit } = Page::read(&asked, PAGE_ROWS, MOST_PAGE_ROWS)?;
    administrator.may_do(&state, LimitedAction::Search).await?;
    let Asked { from, to, user, actor, action, address } = Asked::read(&state, &query).await?;
    let after = match query.after.clone() {
        // A cursor is the same, whichever way it is gone from.
        Some(cursor) => {
            let after = Page::read(&PageQuery { cursor: Some(cursor), limit: None }, PAGE_ROWS, MOST_PAGE_ROWS);
            after.map_err(|_| wrong_cursor("after"))?.before
        }
        None => None,
    };
    let from = after.map_or(from, |(at, _)| from.max(at.minus(COMMITTED_WITHIN)));
    // No entry has the smallest id: those of that very moment are not before it.
    let before = before.map_or((to, Uuid::nil()), |before| before.min((to, Uuid::nil())));
    let search = AuditSearch { from, before, user, actor, action, address };
    let mut rows = state.context.store.audit().search_entries(&search, i64::from(limit) + 1).await?;
    let is_more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next_cursor = rows.last().filter(|_| is_more).map(|last| cursor(last.at, last.id));
    let newest_cursor = rows.first().map(|first| cursor(first.at, first.id)).or(query.after);
    let named = rows.iter().flat_map(|row| [row.user_id, row.actor_id]);
    let emails = Emails::of(&state, &administrator.token, named).await?;
    let entries = rows.into_iter().map(|row| show(row, &emails)).collect();
    Ok(Json(AuditPage { entries, next_cursor, newest_cursor }))
}

/// What is asked for, read.
struct Asked {
    from: Timestamp,
    to: Timestamp,
    user: Option<UserId>,
    actor: Option<UserId>,
    action: Option<String>,
    address: Option<String>,
}

impl Asked {
    async fn read(state: &ApiState, query: &AuditQuery) -> Result<Self, ApiError> {
        is_plain("address", query.address.as_deref())?;
        Ok(Self {
            from: moment("from", query.from.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MIN)),
            to: moment("to", query.to.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MAX)),
            user: named(state, "user", query.user.as_deref()).await?,
            actor: named(state, "actor", query.actor.as_deref()).await?,
            action: action(query.action.as_ref())?,
            address: filled(query.address.as_ref()).map(str::to_owned),
        })
    }
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// An entry of no such name is ever written: an empty list would hide a slip of the pen.
fn action(text: Option<&String>) -> Result<Option<String>, ApiError> {
    let read = |text: &str| {
        AuditAction::of_name(text).map(|action| action.as_str().to_owned()).ok_or_else(|| {
            let message = format!("There is no such action. There are {}.", AuditAction::NAMES.join(", "));
            ApiError::invalid_field("action", &Invalid::new("unknown-action", message))
        })
    };
    filled(text).map(read).transpose()
}

fn moment(field: &str, text: Option<&String>) -> Result<Option<Timestamp>, ApiError> {
    let read = |text| Timestamp::parse_rfc3339(text).ok_or_else(|| malformed(field, "Use a moment in UTC."));
    filled(text).map(read).transpose()
}

fn show(row: StoredAudit, emails: &Emails) -> AuditEntry {
    let party = |user_id: UserId| emails.party(user_id);
    let action: OrOther<AuditAction> = OrOther::of_name(&row.action);
    let (roles, detail) = if action == AuditAction::RolesChanged {
        (row.detail.and_then(|detail| serde_json::from_str(&detail).ok()), None)
    } else {
        (None, row.detail)
    };
    AuditEntry {
        id: row.id.to_string(),
        at: row.at,
        action,
        user: row.user_id.map(party),
        actor: row.actor_id.filter(|actor| Some(*actor) != row.user_id).map(party),
        session_id: row.session_id,
        reason: row.reason.as_deref().map(OrOther::of_name),
        client_reason: row.client_reason,
        roles,
        detail,
        ip_address: row.origin.ip,
        user_agent: row.origin.user_agent,
    }
}

/// The lines of an export.
const LINES: Payload = Payload {
    name: || Cow::Borrowed("AuditLines"),
    schema: || ObjectBuilder::new().schema_type(Type::String).into(),
    parts: |_| {},
    example: || Value::String("{\"id\":\"0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60\",\"action\":\"sign_in\"}\n".to_owned()),
    read: |example| serde_json::from_value::<String>(example).map(|_| ()),
};

/// For the document of the API: [`export`].
pub const EXPORT: Operation = Operation {
    id: "adminExportAudit",
    summary: "The audit log as a file",
    about: "Oldest first, a JSON object a line; with `format=csv`, comma-separated values (`text/csv`) under a line of \
            names. It is written down that it was given out. It breaks off where the session ends meanwhile; a file that \
            breaks off was not given out whole.",
    query: Some(Parameters::of::<AuditQuery>()),
    answers: &[Answer::of(200, "The entries.", AuditFormat::Ndjson.media_type(), LINES)],
    problems: &[ProblemCode::InvalidFields, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// Ends an export with the session that asked for it, however much of it is still to come.
async fn require_live_session(state: &ApiState, token: &Verified) -> Result<(), ExportError> {
    let Verified { user_id, session_id, epoch, .. } = *token;
    let context = &state.context;
    match context.store.sessions().standing(session_id, user_id, epoch, context.now()).await? {
        Standing::Good => Ok(()),
        Standing::Ended(_) | Standing::OldEpoch | Standing::Unknown => Err(ExportError::SignedOut),
    }
}

/// `GET /api/admin/audit/export`: oldest first, as it is read.
pub async fn export(
    State(state): State<ApiState>,
    administrator: Administrator,
    Query(query): Query<AuditQuery>,
) -> Result<Response, ApiError> {
    let file = query.format.as_deref().map_or(Some(AuditFormat::Ndjson), AuditFormat::parse);
    let file = file.ok_or_else(|| malformed("format", "Use ndjson or csv."))?;
    let (format, media_type) = match file {
        AuditFormat::Ndjson => (ExportFormat::Ndjson, file.media_type().to_owned()),
        AuditFormat::Csv => (ExportFormat::Csv, format!("{}; charset=utf-8", file.media_type())),
    };
    administrator.may_do(&state, LimitedAction::AuditExport).await?;
    let Asked { from, to, user, actor, action, address } = Asked::read(&state, &query).await?;
    let audit = NewAudit {
        actor_id: Some(administrator.token.user_id),
        session_id: Some(administrator.token.session_id),
        ..state.context.audit(AuditAction::AuditExported, &administrator.origin)
    };
    state.context.store.audit().append_audit(&audit).await?;
    let filter = AuditFilter { from, to, user, action };
    let is_meant = move |entry: &StoredAudit| {
        actor.is_none_or(|actor| entry.actor_id == Some(actor))
            && address.as_ref().is_none_or(|address| entry.origin.ip == *address)
    };
    let begin = Some((state, administrator.token, filter, is_meant, None));
    let lines = stream::try_unfold(begin, move |at| async move {
        let Some((state, token, filter, is_meant, after)) = at else { return Ok(None) };
        require_live_session(&state, &token).await?;
        let (text, next) = export_page(&state.context.store, &filter, format, after, &is_meant).await?;
        let rest = next.map(|next| (state, token, filter, is_meant, Some(next)));
        Ok::<_, ExportError>(Some((Bytes::from(text), rest)))
    });
    let disposition = format!("attachment; filename=\"{}\"", file.file_name());
    let headers = [(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(lines)).into_response())
}
