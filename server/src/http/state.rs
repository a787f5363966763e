//! What handlers share.

use std::sync::Arc;

use super::cookies::RefreshCookie;
use super::csrf::SameOrigin;
use crate::auth::accounts::Accounts;
use crate::auth::keys::KeyRing;
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
    /// Which cookie calls are from our own pages.
    pub same_origin: SameOrigin,
    /// `SERVER_ID`.
    pub server_id: String,
    /// Whether `/dev/mailbox` exists.
    pub development: bool,
}

impl ApiState {
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
