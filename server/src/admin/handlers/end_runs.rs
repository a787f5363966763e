//! Ends of sessions by rule: counted first, then carried out by a job, with a receipt that fills in.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use types::api::admin::{MOST_PAGE_ROWS, PAGE_ROWS};
use types::api::{
    EndByRuleFields, EndByRuleRequest, EndPreview, EndRule, EndRuleFields, EndRun, EndRunList, PageQuery,
};
use types::domain::{Invalid, Timestamp, UserId};
use types::words::{EndRunStatus, ProblemCode};
use uuid::Uuid;

use super::administrator::Administrator;
use super::views;
use super::views::Emails;
use crate::admin::permissions::{AUDIT_READ, SESSIONS_END, SESSIONS_READ};
use crate::admin::rule::parse_network;
use crate::admin::{Preview, SessionRule};
use crate::auth::action_limits::LimitedAction;
use crate::auth::tokens::Verified;
use crate::http::fields::{Body, FieldErrors};
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::paging::{Page, cursor};
use crate::http::problem::ApiError;
use crate::http::recent_proof::ProvedBody;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::read_reason;
use crate::store::EndRunRow;

/// How long a preview counts.
const COUNTS_FOR: Duration = Duration::from_secs(5);
/// The longest text that is looked for in a client or a place.
const LONGEST_TEXT: usize = 100;

/// For the document of the API: [`preview`].
pub const PREVIEW: Operation = Operation {
    id: "adminPreviewEndByRule",
    summary: "What a rule would end",
    about: "Counts it, and shows some of it. Nothing ends.",
    body: Some(Payload::of::<EndRule>()),
    answers: &[Answer::json::<EndPreview>(200, "What it would end.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/admin/sessions/preview`.
pub async fn preview(
    State(state): State<ApiState>,
    administrator: Administrator,
    Body { fields, mut errors }: Body<EndRule>,
) -> Result<Json<EndPreview>, ApiError> {
    let rule = read_rule(fields, &mut errors, "");
    let (rule,) = errors.finish((rule,))?;
    administrator.may_do(&state, LimitedAction::Rule).await?;
    must_be_about_somebody(&state, &rule, "").await?;
    let rule = SessionRule::of(&rule).ok_or_else(ApiError::not_found)?;
    let actor = administrator.actor(&state, SESSIONS_END).await?;
    let administration = &state.admin().administration;
    let stop_at = state.context.clock.monotonic() + COUNTS_FOR;
    let counted = administration.preview(&actor, &rule, Some(stop_at)).await?;
    let Preview { sessions, users, is_complete, spared, sample } = counted;
    // Whoever may end sessions and not see them is told how many there are.
    let sample = if administrator.token.has(SESSIONS_READ) { sample } else { Vec::new() };
    let of = administration.users_of(&sample).await?;
    let sample = views::sessions(&state, &administrator.token, &sample, &of);
    Ok(Json(EndPreview { sessions, users, complete: is_complete, spared, sample }))
}

/// For the document of the API: [`begin`].
pub const BEGIN: Operation = Operation {
    id: "adminEndByRule",
    summary: "End what a rule is about",
    about: "In batches, after this is answered; the receipt fills in meanwhile. What signs in later is not met. The \
            session that asks stays, and so do those of users whose roles reach further.",
    body: Some(Payload::of::<EndByRuleRequest>()),
    answers: &[Answer::json::<EndRun>(202, "The receipt.")],
    ..Operation::NONE
};

/// `POST /api/admin/sessions/end-by-rule`.
pub async fn begin(
    State(state): State<ApiState>,
    administrator: Administrator,
    ProvedBody { principal, body }: ProvedBody<EndByRuleRequest>,
) -> Result<(StatusCode, Json<EndRun>), ApiError> {
    let Body { fields, mut errors } = body;
    let EndByRuleFields { rule, reason, password: _ } = fields;
    let rule = read_rule(rule, &mut errors, "rule.");
    let (rule,) = errors.finish((rule,))?;
    let reason = read_reason(reason);
    administrator.may_do(&state, LimitedAction::Rule).await?;
    must_be_about_somebody(&state, &rule, "rule.").await?;
    // Whoever has lost the permission since their token was made is told so now, not by the receipt.
    administrator.actor(&state, SESSIONS_END).await?;
    let asked = (principal.user_id, principal.session_id);
    // Nothing may fail once it has begun.
    let emails = Emails::of(&state, &administrator.token, [Some(principal.user_id), rule.user]).await?;
    let administration = &state.admin().administration;
    let run = administration.begin_end_run(asked, administrator.origin, &rule, reason.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(receipt_of(run, Some(rule), &emails))))
}

/// For the document of the API: [`receipt`].
pub const RECEIPT: Operation = Operation {
    id: "adminGetEndRun",
    summary: "How far an end by rule has got",
    path: Some(Parameters::of::<EndRun>()),
    answers: &[Answer::json::<EndRun>(200, "The receipt.")],
    problems: &[ProblemCode::NotFound],
    ..Operation::NONE
};

/// `GET /api/admin/end-runs/{id}`.
pub async fn receipt(
    State(state): State<ApiState>,
    administrator: Administrator,
    Path(id): Path<String>,
) -> Result<Json<EndRun>, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::not_found())?;
    let run = state.admin().administration.end_run(id).await?.ok_or_else(ApiError::not_found)?;
    show(&state, &administrator.token, vec![run]).await?.pop().map(Json).ok_or_else(ApiError::not_found)
}

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "adminListEndRuns",
    summary: "Ends by rule",
    about: "The receipts of all of them, whoever asked, newest first, in pages. Rule, user and reason of others' are \
            only for whoever may read sessions or the audit log.",
    query: Some(Parameters::of::<PageQuery>()),
    answers: &[Answer::json::<EndRunList>(200, "A page.")],
    problems: &[ProblemCode::InvalidFields, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/admin/end-runs`: newest first.
pub async fn list(
    State(state): State<ApiState>,
    administrator: Administrator,
    Query(asked): Query<PageQuery>,
) -> Result<Json<EndRunList>, ApiError> {
    let Page { before, limit } = Page::read(&asked, PAGE_ROWS, MOST_PAGE_ROWS)?;
    administrator.may_do(&state, LimitedAction::Search).await?;
    let mut rows = state.admin().administration.end_runs(before, i64::from(limit) + 1).await?;
    let is_more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next_cursor = rows.last().filter(|_| is_more).map(|last| cursor(last.run.at, last.run.id));
    Ok(Json(EndRunList { runs: show(&state, &administrator.token, rows).await?, next_cursor }))
}

/// Receipts, with the addresses of whom they name.
async fn show(state: &ApiState, token: &Verified, rows: Vec<EndRunRow>) -> Result<Vec<EndRun>, ApiError> {
    let with_rule = |row: EndRunRow| {
        let rule: Option<EndRule> = serde_json::from_str(&row.run.rule).ok();
        (row, rule)
    };
    let rows: Vec<_> = rows.into_iter().map(with_rule).collect();
    let named = rows.iter().flat_map(|(row, rule)| [Some(row.run.actor_id), rule.as_ref().and_then(|rule| rule.user)]);
    let emails = Emails::of(state, token, named).await?;
    let sees_all = token.has(SESSIONS_READ) || token.has(AUDIT_READ);
    let shown = rows.into_iter().map(|(row, rule)| {
        let is_own = row.run.actor_id == token.user_id;
        let run = receipt_of(row, rule, &emails);
        // Networks, users and reasons are what sessions and the audit log tell.
        if sees_all || is_own { run } else { EndRun { rule: None, user: None, reason: None, ..run } }
    });
    Ok(shown.collect())
}

fn receipt_of(row: EndRunRow, rule: Option<EndRule>, emails: &Emails) -> EndRun {
    let status = match (row.finished_at, row.begun_at) {
        _ if row.was_stopped => EndRunStatus::Stopped,
        (Some(_), _) => EndRunStatus::Done,
        (None, Some(_)) => EndRunStatus::Ending,
        (None, None) => EndRunStatus::Waiting,
    };
    EndRun {
        id: row.run.id.to_string(),
        status: status.into(),
        user: rule.as_ref().and_then(|rule| rule.user).map(|user| emails.party(user)),
        rule,
        actor: Some(emails.party(row.run.actor_id)),
        reason: row.run.client_reason,
        created_at: row.run.at,
        finished_at: row.finished_at,
        total: row.total,
        ended: row.ended,
    }
}

/// Reads a rule. `within` is the name of the object that it stands in, with a dot. One that is about everything must
/// say so.
fn read_rule(fields: EndRuleFields, errors: &mut FieldErrors, within: &str) -> Option<EndRule> {
    let EndRuleFields { user, network, client, place, signed_in_before, all, unknown } = fields;
    errors.refuse_unknown(&unknown);
    let user = errors.parse_optional(user.filled(), |text| {
        text.parse::<UserId>().map_err(|_| Invalid::new("malformed", "This is not a user id."))
    });
    let network = errors.parse_optional(network.filled(), |text| {
        let wrong = || Invalid::new("malformed", "Use an address or a network, such as 192.0.2.0/24.");
        parse_network(text).map(|_| text.trim().to_owned()).ok_or_else(wrong)
    });
    let client = errors.parse_optional(client.filled(), parse_text);
    let place = errors.parse_optional(place.filled(), parse_text);
    let signed_in_before = errors.parse_optional(signed_in_before.filled(), |text| {
        Timestamp::parse_rfc3339(text).ok_or_else(|| Invalid::new("malformed", "Use a moment in UTC."))
    });
    let all = errors.take(all);
    let rule = EndRule {
        user: user?,
        network: network?,
        client: client?,
        place: place?,
        signed_in_before: signed_in_before?,
        all: all?,
    };
    let says_nothing = EndRule { all: None, ..rule.clone() } == EndRule::default();
    if says_nothing && rule.all != Some(true) {
        let invalid = Invalid::new("required", "Say which sessions, or that you mean all of them.");
        errors.refuse(&format!("{within}all"), &invalid);
        return None;
    }
    Some(rule)
}

/// An id that is mistyped would end nothing, and look as if there had been nothing to end.
async fn must_be_about_somebody(state: &ApiState, rule: &EndRule, within: &str) -> Result<(), ApiError> {
    let Some(user) = rule.user else { return Ok(()) };
    if state.admin().administration.users_named(vec![user]).await?.contains_key(&user) {
        return Ok(());
    }
    let invalid = Invalid::new("unknown-user", "There is nobody with this id.");
    Err(ApiError::invalid_field(&format!("{within}user"), &invalid))
}

fn parse_text(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TEXT {
        return Err(Invalid::new("out-of-range", format!("Use 1 to {LONGEST_TEXT} characters.")));
    }
    Ok(text.to_owned())
}
