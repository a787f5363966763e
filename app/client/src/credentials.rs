//! The access token and how long it lasts, measured from the moment it was asked for and never by anybody's clock.

use std::fmt;
use std::rc::Rc;

use super::messages::SharedTokens;
use types::api::{Tokens, UserSummary};
use types::domain::SessionId;

/// A refresh happens at a random moment between these parts of the token's life, so that clients that signed in
/// together (after an outage, at nine o'clock) do not refresh together.
const REFRESH_FROM: f64 = 0.7;
const REFRESH_UNTIL: f64 = 0.9;
/// However short-lived tokens are, a client refreshes by itself at most this often, in milliseconds.
const REFRESH_AT_MOST_EVERY_MS: f64 = 1_000.0;
/// A token this close to its end, in milliseconds, is not worth sending: it could run out on the way.
const NOT_WORTH_SENDING_MS: f64 = 2_000.0;

/// A JWT for the `Authorization` header. Never shown: `Debug` says nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Rc<str>);

impl AccessToken {
    /// Takes the token.
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// The token itself, for sending.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// The token held, whose it is, and its deadlines in milliseconds of the monotonic clock.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub token: AccessToken,
    pub session_id: SessionId,
    pub user: UserSummary,
    /// Counts the tokens this tab has held: tells whether the one a call was refused with is still the current one.
    pub serial: u64,
    /// When to refresh it, if the user is there.
    pub refresh_at_ms: f64,
    /// From when on it is not worth sending.
    pub stale_at_ms: f64,
    /// When the session ends unless it is refreshed.
    pub session_ends_ms: f64,
    /// When the session ends however often it is refreshed.
    pub session_max_ms: f64,
}

impl Credentials {
    /// What an answer to a request sent at `asked_at_ms` gives. Counting from the request and not from its answer errs
    /// by the time on the way, towards refreshing too early. `random` is at least 0 and less than 1.
    pub fn new(tokens: &SharedTokens, serial: u64, asked_at_ms: f64, random: f64) -> Self {
        let lifetime_ms = millis(tokens.expires_in);
        let refresh_after_ms = lifetime_ms * (REFRESH_FROM + (REFRESH_UNTIL - REFRESH_FROM) * random);
        Self {
            token: AccessToken::new(&tokens.access_token),
            session_id: tokens.session_id,
            user: tokens.user.clone(),
            serial,
            refresh_at_ms: asked_at_ms + refresh_after_ms.max(REFRESH_AT_MOST_EVERY_MS),
            stale_at_ms: asked_at_ms + lifetime_ms - NOT_WORTH_SENDING_MS.min(lifetime_ms / 10.0),
            session_ends_ms: asked_at_ms + millis(tokens.refresh_expires_in),
            session_max_ms: asked_at_ms + millis(tokens.session_max_expires_in),
        }
    }
}

impl From<&Tokens> for SharedTokens {
    fn from(tokens: &Tokens) -> Self {
        Self {
            access_token: tokens.access_token.clone(),
            expires_in: tokens.expires_in,
            refresh_expires_in: tokens.refresh_expires_in,
            session_max_expires_in: tokens.session_max_expires_in,
            session_id: tokens.session_id,
            server_time: tokens.server_time,
            user: tokens.user.clone(),
        }
    }
}

/// Seconds as milliseconds.
pub fn millis(seconds: u64) -> f64 {
    // More than a century is as good as for ever, and keeps the arithmetic exact.
    f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) * 1000.0
}
