//! Everything that is held on a user, for the user: as a file, in words of its own that only this server writes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_DISPOSITION;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::api::examples::Example;
use types::api::{Acting, ActivityEntry, DeviceDescription, HistoryEntry, SecurityAlert};
use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AccountType, EndReason, OrOther, ProblemCode, SignInMethod, TokenDelivery};
use utoipa::ToSchema;

use super::profile::entry;
use crate::area::AllAreas;
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::http::operation::{Answer, Operation};
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::mail::{self, Mail};
use crate::sessions::show_alert;
use crate::store::{self, AlertRow, ExportData, Job, SessionEnd, SessionRow, User};

/// As many digits as a one-time code has.
const CODE_DIGITS: usize = 6;

/// The file.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Export {
    exported_at: Timestamp,
    profile: ExportedProfile,
    /// Ended ones too, oldest first.
    sessions: Vec<ExportedSession>,
    /// What was asked, and what was answered, oldest first.
    alerts: Vec<ExportedAlert>,
    /// Newest first.
    activity: Vec<ActivityEntry>,
    /// Oldest first.
    mail: Vec<ExportedMail>,
    /// What further areas hold, by their names.
    #[serde(flatten)]
    further: BTreeMap<String, Value>,
}

impl Example for Export {
    const EXAMPLE: &'static str = r#"{
        "exportedAt": "2026-11-29T09:30:00.000Z",
        "profile": {
            "id": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace",
            "accountType": "INDIVIDUAL", "roles": ["user"], "createdAt": "2026-11-01T12:00:00.000Z",
            "emailVerifiedAt": "2026-11-01T12:01:00.000Z", "passwordChangedAt": "2026-11-01T12:00:00.000Z",
            "lastLogout": null, "disabledAt": null
        },
        "sessions": [], "alerts": [], "activity": [],
        "mail": [{
            "to": "ada@example.com", "subject": "•••••• is your Latchkey code", "queuedAt": "2026-11-01T12:00:00.000Z",
            "sentAt": "2026-11-01T12:00:01.000Z"
        }]
    }"#;
}

/// The user. No hash of the password: it is of use only to whoever wants to find out the password.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedProfile {
    id: UserId,
    email: String,
    name: String,
    #[schema(value_type = OrOther<AccountType>)]
    account_type: AccountType,
    roles: Vec<String>,
    created_at: Timestamp,
    email_verified_at: Option<Timestamp>,
    password_changed_at: Timestamp,
    /// When all sessions were last ended at once.
    last_logout: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
}

/// A session with its whole life. No digest of a token.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedSession {
    session_id: SessionId,
    device_info: DeviceDescription,
    ip_address: String,
    place: Option<String>,
    user_agent: String,
    #[schema(value_type = OrOther<SignInMethod>)]
    signed_in_with: SignInMethod,
    #[schema(value_type = OrOther<TokenDelivery>)]
    token_delivery: TokenDelivery,
    remember_me: bool,
    created_at: Timestamp,
    last_active: Timestamp,
    last_refreshed: Timestamp,
    expires_at: Timestamp,
    max_expires_at: Timestamp,
    acting: Option<Acting>,
    ended: Option<ExportedEnd>,
    history: Vec<HistoryEntry>,
}

/// How a session ended.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedEnd {
    at: Timestamp,
    #[schema(value_type = OrOther<EndReason>)]
    reason: EndReason,
    ended_by: Option<SessionId>,
    ended_by_device: Option<String>,
}

/// A question that was asked: *Was this you?*
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedAlert {
    #[serde(flatten)]
    alert: SecurityAlert,
    answered_at: Option<Timestamp>,
    answered_by: Option<SessionId>,
}

/// A mail to the user, from outside.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedMail {
    to: String,
    subject: String,
    queued_at: Timestamp,
    sent_at: Option<Timestamp>,
}

/// For the document of the API: [`export`].
pub const EXPORT: Operation = Operation {
    id: "exportData",
    summary: "Everything that is held on the user",
    about: "As a file.",
    answers: &[Answer::json::<Export>(200, "The file.")],
    problems: &[ProblemCode::NotFound, ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `GET /api/user/export`.
pub async fn export(
    State(state): State<ApiState>,
    InSession(principal): InSession,
    from: RequestOrigin,
) -> Result<Response, ApiError> {
    state.may_do(LimitedAction::Export, Some(principal.session_id), principal.user_id).await?;
    let exported_at = state.context.clock.now();
    let held = state.accounts().export(&from, principal.user_id, principal.session_id).await?;
    let ExportData { user, sessions, alerts, audit, jobs } = held.ok_or_else(ApiError::not_found)?;
    let further = (state.parts.get::<AllAreas>().held)(&state.context.store, principal.user_id).await?;
    let export = Export {
        exported_at,
        profile: profile(user),
        sessions: sessions.into_iter().map(|(row, history)| session(row, history)).collect(),
        alerts: alerts.iter().map(alert).collect(),
        activity: audit.into_iter().map(|row| entry(row, state.sessions().devices().places())).collect(),
        mail: jobs.iter().filter_map(envelope).collect(),
        further,
    };
    let headers = [(CONTENT_DISPOSITION, "attachment; filename=\"latchkey-export.json\"")];
    Ok((headers, Json(export)).into_response())
}

fn profile(user: User) -> ExportedProfile {
    ExportedProfile {
        id: user.id,
        email: user.email,
        name: user.name,
        account_type: user.account_type,
        roles: user.roles,
        created_at: user.created_at,
        email_verified_at: user.email_verified_at,
        password_changed_at: user.password_changed_at,
        last_logout: user.last_logout,
        disabled_at: user.disabled_at,
    }
}

fn session(row: SessionRow, history: Vec<store::HistoryEntry>) -> ExportedSession {
    ExportedSession {
        session_id: row.id,
        device_info: row.device,
        ip_address: row.origin.ip,
        place: row.place,
        user_agent: row.origin.user_agent,
        signed_in_with: row.proofs.method(),
        token_delivery: row.delivery,
        remember_me: row.remember,
        created_at: row.created_at,
        last_active: row.last_active,
        last_refreshed: row.refreshed_at,
        expires_at: row.expires_at,
        max_expires_at: row.max_expires_at,
        acting: row.acting.map(|acting| Acting { by: acting.actor_name, reason: acting.reason }),
        ended: row.end.map(end),
        history: history.into_iter().map(moment).collect(),
    }
}

fn alert(row: &AlertRow) -> ExportedAlert {
    let answered = row.answered.as_ref();
    ExportedAlert {
        alert: show_alert(row),
        answered_at: answered.map(|answered| answered.at),
        answered_by: answered.and_then(|answered| answered.by),
    }
}

fn end(end: SessionEnd) -> ExportedEnd {
    ExportedEnd { at: end.at, reason: end.reason, ended_by: end.ended_by, ended_by_device: end.ended_by_device }
}

fn moment(entry: store::HistoryEntry) -> HistoryEntry {
    HistoryEntry { at: entry.at, kind: entry.kind, detail: entry.detail, ip_address: entry.ip }
}

/// A job from outside, where it is a mail.
fn envelope(job: &Job) -> Option<ExportedMail> {
    let mail = Mail::of(job).ok().filter(|_| job.kind == mail::KIND)?;
    Some(ExportedMail {
        subject: without_codes(&mail.content.subject),
        to: mail.to,
        queued_at: mail.queued_at,
        sent_at: mail.sent_at,
    })
}

/// The subject with dots in place of digits, where there are enough of them for a code: subjects name codes, and a code
/// proves that somebody reads the mail. Who is signed in need not be the one who does.
fn without_codes(subject: &str) -> String {
    if subject.chars().filter(char::is_ascii_digit).count() < CODE_DIGITS {
        return subject.to_owned();
    }
    subject.chars().map(|c| if c.is_ascii_digit() { '•' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_that_names_a_code_does_not_give_it_away_and_others_stay_as_they_are() {
        let subject = crate::accounts::mails::verification("123456").subject;
        let masked = without_codes(&subject);
        assert!(!masked.contains(|c: char| c.is_ascii_digit()) && masked.contains("Latchkey"), "{masked}");
        let subject = "iPhone 13 was signed out to protect your account";
        assert_eq!(without_codes(subject), subject);
    }
}
