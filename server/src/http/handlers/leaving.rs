//! Deleting the account.

use axum::extract::State;
use axum::response::Response;
use types::domain::Password;

use super::sign_out::answer_in_words;
use crate::auth::accounts::Visitor;
use crate::http::authenticate::Caller;
use crate::http::fields::Fields;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::sessions::{EndAnswer, EndRequest, Force, Scope};
use crate::store::Alongside;

/// `DELETE /api/user`: ends every session and deletes what is held on the person, in one transaction. Needs the password, or a
/// sign-in within `SUDO_WINDOW`.
pub async fn delete_account(
    State(state): State<ApiState>,
    Caller(caller): Caller,
    visitor: Visitor,
    mut fields: Fields,
) -> Result<Response, ApiError> {
    let password = fields.optional("password", Password::parse_existing);
    let (password,) = fields.finish((password,))?;
    let session =
        state.sessions.store.sessions().session(caller.session_id).await?.ok_or_else(ApiError::session_ended)?;
    let deletion =
        state.accounts.prepare_deletion(session.id, caller.user_id, password.as_ref(), session.created_at).await?;
    let request = EndRequest {
        user_id: caller.user_id,
        session_id: caller.session_id,
        epoch: Some(caller.epoch),
        token_until: Some(caller.expires_at),
        force: Force::Full,
        scope: Scope::All,
        client_reason: None,
        origin: visitor.origin,
        alongside: Some(Alongside::AccountDeletion(deletion.ok_or_else(ApiError::session_ended)?)),
    };
    let ended = state.sessions.end(request).await?;
    if matches!(ended, EndAnswer::Done { refused: true, .. }) {
        // It ended while this waited its turn.
        return Err(ApiError::session_ended());
    }
    Ok(answer_in_words(&state, true, ended, message))
}

fn message(ended: u64) -> String {
    match ended {
        0 | 1 => "Your account is deleted.".to_owned(),
        ended => format!("Your account is deleted, and all {ended} devices are signed out."),
    }
}
