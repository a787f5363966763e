//! A forgotten password: asking for a link, and setting a new one with it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use types::api::{
    AcceptedAnswer, ForgotPasswordFields, ForgotPasswordRequest, LogoutAnswer, ResetPasswordFields,
    ResetPasswordRequest,
};
use types::domain::Password;
use types::words::ProblemCode;

use crate::accounts::{AccountError, ResetStep, known_address, refused_reset};
use crate::auth::origin::RequestOrigin;
use crate::http::cookies::set_cookie;
use crate::http::fields::Body;
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::{forgetting, logout_answer, nothing_to_end};

/// For the document of the API: [`forgot_password`].
pub const FORGOT_PASSWORD: Operation = Operation {
    id: "forgotPassword",
    summary: "Ask for a link that sets a new password",
    about: "The answer is the same whether or not there is anybody to send one to.",
    body: Some(Payload::of::<ForgotPasswordRequest>()),
    answers: &[Answer::json::<AcceptedAnswer>(202, "Accepted, whether or not there is anybody to write to.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/auth/forgot-password`: the same answer whether or not there is anybody to send a link to.
pub async fn forgot_password(
    State(state): State<ApiState>,
    from: RequestOrigin,
    Body { fields: ForgotPasswordFields { email }, mut errors }: Body<ForgotPasswordRequest>,
) -> Result<(StatusCode, Json<AcceptedAnswer>), ApiError> {
    let email = errors.parse(email, known_address);
    let (email,) = errors.finish((email,))?;
    state.accounts().request_password_reset(&from, &email).await?;
    let message = "If there is an account with this address, a link to set a new password is on its way.".to_owned();
    Ok((StatusCode::ACCEPTED, Json(AcceptedAnswer { message })))
}

/// For the document of the API: [`reset_password`].
pub const RESET_PASSWORD: Operation = Operation {
    id: "resetPassword",
    summary: "Set a new password with the token of a link",
    about: "Ends every session of the account, and signs nobody in.",
    body: Some(Payload::of::<ResetPasswordRequest>()),
    answers: &[Answer::json::<LogoutAnswer>(200, "Done.")],
    problems: &[ProblemCode::TooManyRequests],
    ..Operation::NONE
};

/// `POST /api/auth/reset-password`: uses up the token, sets the password and ends every session, in one transaction.
/// Signs nobody in: whoever has a mailbox in front of them need not be its owner, and a second step would be passed by.
pub async fn reset_password(
    State(state): State<ApiState>,
    from: RequestOrigin,
    body: Body<ResetPasswordRequest>,
) -> Result<Response, ApiError> {
    let (_, response) = resets(&state, from, body).await?;
    Ok(response)
}

/// The same, and which address one signs in with now. The token is used up by then: whoever has it could read the mail
/// to that address.
pub async fn resets(
    state: &ApiState,
    from: RequestOrigin,
    Body { fields, mut errors }: Body<ResetPasswordRequest>,
) -> Result<(String, Response), ApiError> {
    let ResetPasswordFields { token, password } = fields;
    // Whatever is wrong with a token is answered in the same words.
    let token = errors.take(token);
    let password = errors.parse(password, Password::parse_new);
    let (token, password) = errors.finish((token, password))?;
    let prepared = state.accounts().prepare_password_reset(&from, &token, &password).await?;
    let ended = match prepared.step {
        ResetStep::Account(user_id, reset) => {
            let (terminations, origin) = (Arc::clone(state.sessions().terminations()), from.origin);
            let resets = async move { terminations.reset_password(user_id, &reset, origin).await };
            let ended = state.complete("password reset", resets).await??.ok_or_else(refused_reset)?;
            if let Err(error) = state.accounts().notify_of_password_change(user_id).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "mail queueing failed");
            }
            ended
        }
        ResetStep::Registration(proof) => {
            let proved = state.context.store.accounts().prove_by_reset(&proof).await.map_err(AccountError::from)?;
            proved.then(nothing_to_end).ok_or_else(refused_reset)?
        }
    };
    let email = prepared.email;
    let (status, answer) = logout_answer(true, ended, message);
    let body = LogoutAnswer { email: Some(email.clone()), ..answer };
    let mut response = forgetting(state, (status, Json(body)).into_response());
    // Whoever has just set the password gets in, however many strangers try.
    set_cookie(&mut response, &state.browser_cookie.set(&prepared.browser_token));
    Ok((email, response))
}

fn message(ended: u64) -> String {
    match ended {
        0 => "Your new password is set. Sign in with it.".to_owned(),
        1 => "Your new password is set, and 1 device is signed out. Sign in again with it.".to_owned(),
        ended => format!("Your new password is set, and all {ended} devices are signed out. Sign in again with it."),
    }
}
