//! Who administers, and how far they reach at this moment.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::admin::Actor;
use crate::auth::action_limits::LimitedAction;
use crate::auth::origin::RequestOrigin;
use crate::auth::permissions::Permission;
use crate::auth::tokens::Verified;
use crate::http::principal::InSession;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::store::Origin;

/// Whoever makes a call of this area.
pub struct Administrator {
    pub token: Arc<Verified>,
    pub origin: Origin,
}

impl FromRequestParts<ApiState> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let InSession(token) = InSession::from_request_parts(parts, state).await?;
        let RequestOrigin { origin, .. } = RequestOrigin::from_request_parts(parts, state).await?;
        Ok(Self { token, origin })
    }
}

impl Administrator {
    /// Takes one from what this user may have done, whichever session asks; `429` where nothing is left.
    pub async fn may_do(&self, state: &ApiState, action: LimitedAction) -> Result<(), ApiError> {
        state.may_do(action, None, self.token.user_id).await
    }

    /// The same as whoever acts. Their token may be older than a change of their roles: what is stored counts.
    pub async fn actor(&self, state: &ApiState, needs: Permission) -> Result<Actor, ApiError> {
        let Verified { user_id, session_id, .. } = &*self.token;
        let actor = state.admin().administration.actor(*user_id, *session_id, self.origin.clone(), needs).await?;
        actor.ok_or_else(|| ApiError::permission_required(needs))
    }
}
