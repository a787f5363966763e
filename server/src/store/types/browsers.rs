//! Browsers, and native clients that keep a token for the purpose: known by a proof of their own, apart from any session.

use types::domain::{SessionId, Timestamp};
use uuid::Uuid;

use super::Digest;

/// The browser that signs in.
#[derive(Clone, Debug)]
pub struct SigningBrowser {
    /// Digest of the token it presented.
    pub presented: Option<Digest>,
    /// The sessions whose refresh tokens it holds.
    pub sessions: Vec<SessionId>,
    /// What it is called if it is new.
    pub new_id: Uuid,
    /// Digest of the token it gets.
    pub next: Digest,
    /// When that is worthless, unless it signs in again.
    pub expires_at: Timestamp,
    /// Until when tokens from before the presented one serve.
    pub superseded_at: Timestamp,
    /// Whether its other session ends: one browser, one session (ASVS 7.2.4).
    pub one_session: bool,
    /// Until when the end of that session must be remembered.
    pub remember_until: Timestamp,
}

/// What lets somebody in who has just set a new password, however many strangers try: the browser at hand, and its network.
#[derive(Clone, Debug)]
pub struct BrowserGrant {
    /// What the browser is called.
    pub browser_id: Uuid,
    /// Digest of the token it gets.
    pub token: Digest,
    /// When that is worthless.
    pub token_expires_at: Timestamp,
    /// The network.
    pub network: Digest,
    /// Until when it counts.
    pub network_expires_at: Timestamp,
}

/// How an account knows whoever tries to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// Not at all.
    Stranger,
    /// By a browser it was signed in with before.
    Browser(Uuid),
    /// By the network from which its password was just reset; until then it counts.
    Reset(Timestamp),
}
