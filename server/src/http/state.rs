//! What handlers share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, UserId};

use super::browser::BrowserCookie;
use super::cookies::RefreshCookie;
use super::csrf::SameOrigin;
use super::problem::ApiError;
use crate::auth::accounts::Accounts;
use crate::auth::keys::KeyRing;
use crate::auth::pace::{Effort, Pace};
use crate::lifecycle::Tasks;
use crate::mail::KeptMail;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::sessions::Sessions;

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// The parts of [`ApiState`].
pub struct Shared {
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// Accounts.
    pub accounts: Accounts,
    /// The keys that are published.
    pub key_ring: Arc<KeyRing>,
    /// How the refresh cookie is written and read.
    pub cookie: RefreshCookie,
    /// How the cookie is written and read that a browser is known by.
    pub browser_cookie: BrowserCookie,
    /// Which cookie calls are from our own pages.
    pub same_origin: SameOrigin,
    /// `SERVER_ID`.
    pub server_id: String,
    /// Whether `/dev/mailbox` exists.
    pub development: bool,
    /// Mails of development that the database has forgotten.
    pub kept_mail: Arc<KeptMail>,
    /// Runs what outlives a request.
    pub tasks: Tasks,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How fast one session may have things written.
    pub pace: Pace,
    /// The other servers.
    pub registry: Arc<Registry>,
    /// Set when the server begins to stop.
    pub stopping: CancellationToken,
}

impl ApiState {
    /// Takes one from what this session may have done; `429` where nothing is left.
    pub async fn may_do(&self, effort: Effort, session: Option<SessionId>, user: UserId) -> Result<(), ApiError> {
        let whose = session.map_or_else(|| user.to_string(), |session| session.to_string());
        let wait = self.pace.take(effort, &whose).await?;
        wait.map_or(Ok(()), |wait| Err(ApiError::too_many_requests(wait)))
    }

    /// Wraps the parts.
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
