//! Deleting the account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use types::api::{LogoutAnswer, ProofRequest};
use types::words::ProblemCode;

use crate::auth::origin::RequestOrigin;
use crate::http::operation::{Answer, Operation, Payload};
use crate::http::problem::ApiError;
use crate::http::recent_proof::RecentlyProved;
use crate::http::state::ApiState;
use crate::sessions::handlers::sign_out::answer_in_words;
use crate::sessions::{AccountOwner, DeletionRefusal};

/// For the document of the API: [`delete_account`].
pub const DELETE_ACCOUNT: Operation = Operation {
    id: "deleteAccount",
    summary: "Delete the account",
    about: "Ends every session and deletes what is held on the user. The last owner stays.",
    body: Some(Payload::of::<ProofRequest>()),
    answers: &[Answer::json::<LogoutAnswer>(200, "Done.")],
    problems: &[ProblemCode::LastOwner],
    ..Operation::NONE
};

/// `DELETE /api/user`: ends every session and deletes what is held on the user, in one transaction.
pub async fn delete_account(
    State(state): State<ApiState>,
    from: RequestOrigin,
    RecentlyProved(principal): RecentlyProved,
) -> Result<Response, ApiError> {
    let deletion = state.accounts().prepare_deletion(principal.user_id).await?;
    let deletion = deletion.ok_or_else(ApiError::session_ended)?;
    let owner = AccountOwner::of(&principal, from.origin);
    let terminations = Arc::clone(state.sessions().terminations());
    let deletes = async move { terminations.delete_account(owner, &deletion).await };
    let ended = state.complete("account deletion", deletes).await??.map_err(|refusal| match refusal {
        DeletionRefusal::SessionEnded => ApiError::session_ended(),
        DeletionRefusal::LastOwner => ApiError::last_owner(),
    })?;
    Ok(answer_in_words(&state, true, ended, message))
}

fn message(ended: u64) -> String {
    match ended {
        0 | 1 => "Your account is deleted.".to_owned(),
        ended => format!("Your account is deleted, and all {ended} devices are signed out."),
    }
}
