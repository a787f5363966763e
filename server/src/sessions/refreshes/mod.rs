//! Refresh tokens and the access tokens that are made for them.
//!
//! `exchange` gives a new pair for a refresh token, `browser` chooses among several of one browser, `theft` ends
//! sessions whose token may have been copied, and `unacknowledged` prevents that refreshes with an unknown outcome look
//! like theft. The form and the lifetimes of tokens are in `auth`.

mod browser;
mod exchange;
mod theft;
mod unacknowledged;

use std::sync::Arc;

use types::api::Tokens;
use types::domain::{SessionId, Timestamp};
use types::words::TokenDelivery;

pub use exchange::RefreshRefusal;
pub(super) use unacknowledged::acknowledge_refreshes;

use self::unacknowledged::Unacknowledged;
use super::metrics::SessionMetrics;
use super::{Alerts, Devices, Revocations, SessionsError, SignedIn, Terminations, user_summary};
use crate::auth::refresh::{Lifetimes, RefreshToken};
use crate::auth::tokens::AccessTokens;
use crate::context::Context;
use crate::store::{SessionRow, User};

pub struct Refreshes {
    context: Context,
    tokens: Arc<AccessTokens>,
    lifetimes: Lifetimes,
    unacknowledged: Unacknowledged,
    revocations: Arc<Revocations>,
    terminations: Arc<Terminations>,
    devices: Arc<Devices>,
    alerts: Alerts,
    metrics: Arc<SessionMetrics>,
}

impl Refreshes {
    pub(super) fn new(
        context: Context,
        tokens: Arc<AccessTokens>,
        lifetimes: Lifetimes,
        (revocations, terminations): (Arc<Revocations>, Arc<Terminations>),
        (devices, alerts): (Arc<Devices>, Alerts),
    ) -> Self {
        let (unacknowledged, metrics) = (Unacknowledged::default(), context.metrics.group());
        Self { context, tokens, lifetimes, unacknowledged, revocations, terminations, devices, alerts, metrics }
    }

    /// The session that a refresh token of ours names, valid or not.
    pub fn session_of(&self, refresh_token: &str) -> Option<SessionId> {
        RefreshToken::parse(&self.context.keys, refresh_token).map(|token| token.session_id())
    }

    /// How many access tokens are remembered as verified.
    pub(super) fn verified_tokens(&self) -> usize {
        self.tokens.remembered()
    }

    /// The answer that carries a session's tokens.
    pub(super) fn grant(
        &self,
        user: &User,
        row: &SessionRow,
        refresh: &RefreshToken,
        now: Timestamp,
    ) -> Result<SignedIn, SessionsError> {
        let minted = self.tokens.mint(self.context.new_id(), user, row, &self.lifetimes, now)?;
        let refresh_token = refresh.expose(&self.context.keys);
        let tokens = Tokens {
            access_token: minted.token,
            token_type: "Bearer".to_owned(),
            expires_in: minted.expires_at.since(now).as_secs(),
            refresh_token: (row.delivery == TokenDelivery::Body).then(|| refresh_token.clone()),
            refresh_expires_in: row.expires_at.since(now).as_secs(),
            session_max_expires_in: row.max_expires_at.since(now).as_secs(),
            session_id: row.id,
            server_time: now,
            device_token: None,
            user: user_summary(user),
        };
        Ok(SignedIn { tokens, refresh_token, delivery: row.delivery, remember: row.remember })
    }
}
