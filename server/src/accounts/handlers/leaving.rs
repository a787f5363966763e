//! Deleting the account.

use axum::extract::State;
use axum::response::Response;

use crate::auth::origin::RequestOrigin;
use crate::http::problem::ApiError;
use crate::http::recent_proof::RecentlyProved;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::answer_in_words;
use crate::sessions::{EndAnswer, EndRequest, Force, Scope};
use crate::store::Alongside;

/// `DELETE /api/user`: ends every session and deletes what is held on the person, in one transaction.
pub async fn delete_account(
    State(state): State<ApiState>,
    from: RequestOrigin,
    RecentlyProved { token: caller, .. }: RecentlyProved,
) -> Result<Response, ApiError> {
    let deletion = state.accounts().prepare_deletion(caller.user_id).await?;
    let request = EndRequest {
        user_id: caller.user_id,
        session_id: caller.session_id,
        epoch: Some(caller.epoch),
        token_until: Some(caller.expires_at),
        force: Force::Full,
        scope: Scope::All,
        client_reason: None,
        origin: from.origin,
        alongside: Some(Alongside::AccountDeletion(deletion.ok_or_else(ApiError::session_ended)?)),
    };
    let ended = state.sessions().end(request).await?;
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
