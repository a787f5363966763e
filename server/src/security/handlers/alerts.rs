//! *Was this you?*: what is asked, and the answers.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use types::api::{AlertList, AnswerAlertFields, AnswerAlertRequest, LogoutAnswer};
use types::domain::{AlertId, Invalid, Password};
use types::words::{AlertAnswer, ProblemCode};

use super::errors::{alert_about_this_session, device_in_question};
use crate::auth::origin::RequestOrigin;
use crate::auth::tokens::Verified;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Parameters, Payload};
use crate::http::principal::{InSession, Principal};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::answer as ended_answer;
use crate::sessions::{EndAnswer, EndRequest, Force, Scope, Word};
use crate::store::AlertRow;

/// For the document of the API: [`list`].
pub const LIST: Operation = Operation {
    id: "listAlerts",
    summary: "What nobody has answered yet",
    about: "*Was this you?*, newest first. What is about the session that asks is not in it.",
    answers: &[Answer::json::<AlertList>(200, "The newest ones.")],
    ..Operation::NONE
};

/// `GET /api/user/alerts`: what nobody has answered yet.
pub async fn list(State(state): State<ApiState>, principal: Principal) -> Result<Json<AlertList>, ApiError> {
    Ok(Json(state.sessions().alerts().open(principal.user_id(), principal.session_id()).await?))
}

/// For the document of the API: [`answer`].
pub const ANSWER: Operation = Operation {
    id: "answerAlert",
    summary: "Answer an alert",
    about: "The session that it is about answers nothing.",
    path: Some(Parameters::of::<AlertId>()),
    body: Some(Payload::of::<AnswerAlertRequest>()),
    answers: &[
        Answer::json::<LogoutAnswer>(200, "Done."),
        Answer::json::<LogoutAnswer>(202, "In force on this server, and everywhere once the database can be reached."),
    ],
    problems: &[
        ProblemCode::NotFound,
        ProblemCode::AlertAboutThisSession,
        ProblemCode::DeviceInQuestion,
        ProblemCode::InsufficientUserAuthentication,
        ProblemCode::TooManyRequests,
    ],
    ..Operation::NONE
};

/// `POST /api/user/alerts/{id}`: answers one. The session that it is about answers nothing.
pub async fn answer(
    State(state): State<ApiState>,
    InSession(principal): InSession,
    from: RequestOrigin,
    Path(id): Path<String>,
    Body { fields, mut errors }: Body<AnswerAlertRequest>,
) -> Result<Response, ApiError> {
    let AnswerAlertFields { answer, password } = fields;
    let answer = errors.parse(answer, |text| {
        AlertAnswer::parse(text).ok_or_else(|| Invalid::new("unknown-value", "Use me, not_me or end_session."))
    });
    let password = errors.parse_optional(password, Password::parse_existing);
    let (answer, password) = errors.finish((answer, password))?;
    let id: AlertId = id.parse().map_err(|_| ApiError::not_found())?;
    let alert = state.sessions().alerts().find(principal.user_id, id).await?.ok_or_else(ApiError::not_found)?;
    if alert.session_id == principal.session_id {
        return Err(alert_about_this_session());
    }
    match answer {
        AlertAnswer::Me => confirm(&state, &principal, &from, &alert, password.as_ref()).await,
        AlertAnswer::NotMe | AlertAnswer::EndSession => deny(&state, &principal, from, &alert, answer).await,
    }
}

/// *It was me.* From a device that is in question itself only with proof, and the user hears of it by mail.
async fn confirm(
    state: &ApiState,
    principal: &Verified,
    from: &RequestOrigin,
    alert: &AlertRow,
    password: Option<&Password>,
) -> Result<Response, ApiError> {
    let found = state.sessions().alerts().word_of(principal.session_id, alert).await?;
    let (word, session) = found.ok_or_else(ApiError::session_ended)?;
    match word {
        Word::Counts => {}
        Word::IsWorthless => return Err(device_in_question()),
        Word::NeedsProof => {
            state.step_up.step_up(principal, password).await?;
        }
    }
    let confirms = word == Word::Counts;
    let (by, origin) = (principal.session_id, &from.origin);
    let is_first =
        state.sessions().alerts().answer(principal.user_id, alert, AlertAnswer::Me, by, confirms, origin).await?;
    if is_first && !confirms {
        state.accounts().notify_of_confirmation(principal.user_id, &alert.device, &session.device).await?;
    }
    let message = "Thank you: this device is yours.".to_owned();
    Ok(Json(LogoutAnswer { success: true, message, ..LogoutAnswer::default() }).into_response())
}

/// *It was not me*: signs out that device, or all others. Somebody who answered before does not stand in the way.
async fn deny(
    state: &ApiState,
    principal: &Verified,
    from: RequestOrigin,
    alert: &AlertRow,
    answer: AlertAnswer,
) -> Result<Response, ApiError> {
    let (user_id, session_id) = (principal.user_id, principal.session_id);
    let noted = state.sessions().alerts().answer(user_id, alert, answer, session_id, false, &from.origin).await;
    if let Err(error) = noted {
        // Whoever is not wanted is signed out all the same; where even that has to wait, the question stays.
        tracing::warn!(error = &error as &dyn std::error::Error, "alert answer write failed");
    }
    let scope = if answer == AlertAnswer::NotMe { Scope::Others } else { Scope::Other(alert.session_id) };
    let request = EndRequest {
        user_id,
        actor_id: user_id,
        session_id,
        epoch: Some(principal.epoch),
        token_until: Some(principal.expires_at),
        force: Force::Held,
        scope,
        client_reason: None,
        origin: from.origin,
    };
    let ended = state.sessions().terminations().end(request).await?;
    if ended == EndAnswer::RequesterEnded {
        return Err(ApiError::session_ended());
    }
    Ok(ended_answer(state, false, ended))
}
