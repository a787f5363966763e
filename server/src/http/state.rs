//! What handlers share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, UserId};

use super::authenticate::Authenticators;
use super::browser::BrowserCookie;
use super::cookies::RefreshCookie;
use super::csrf::SameOrigin;
use super::problem::ApiError;
use super::recent_proof::StepUp;
use crate::area::Parts;
use crate::auth::action_limits::{ActionLimits, LimitedAction};
use crate::context::Context;

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// The parts of [`ApiState`].
pub struct Shared {
    pub context: Context,
    /// Who makes a call, by its token.
    pub authenticators: Authenticators,
    /// Checks a proof of identity that comes with a call.
    pub step_up: Arc<dyn StepUp>,
    /// How the refresh cookie is written and read.
    pub cookie: RefreshCookie,
    /// How the cookie is written and read that a browser is known by.
    pub browser_cookie: BrowserCookie,
    /// Which cookie calls are from our own pages.
    pub same_origin: SameOrigin,
    /// Whether this is a server of developers.
    pub development: bool,
    /// How often one session or user may have costly things done.
    pub action_limits: ActionLimits,
    /// Set when the server begins to stop.
    pub stopping: CancellationToken,
    /// The own state of each area, and what the house gives them beyond the context.
    pub parts: Parts,
}

impl ApiState {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Takes one from what this session may have done, or without one this user; `429` where nothing is left.
    pub async fn may_do(
        &self,
        action: LimitedAction,
        session: Option<SessionId>,
        user: UserId,
    ) -> Result<(), ApiError> {
        let whose = session.map_or_else(|| user.to_string(), |session| session.to_string());
        let wait = self.action_limits.take(action, &whose).await?;
        wait.map_or(Ok(()), |wait| Err(ApiError::too_many_requests(wait)))
    }

    /// Runs `work` to its end, also where the client hangs up.
    pub async fn complete<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.context.tasks.complete(name, work).await.ok_or_else(ApiError::silent_failure)
    }
}

impl AsRef<Self> for ApiState {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl std::ops::Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
