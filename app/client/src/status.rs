//! What the rest of the app may know of the session: never a token.

use serde::{Deserialize, Serialize};

use super::signed_out_note::SignedOutNote;
use types::api::UserSummary;
use types::domain::SessionId;

/// Whether somebody is signed in here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthStatus {
    /// Not known yet: what the server renders, and the first frame in the browser.
    #[default]
    Unknown,
    /// Nobody is signed in. The note says why, where somebody was.
    SignedOut(Option<SignedOutNote>),
    /// A user is signed in.
    SignedIn {
        /// The session of this browser.
        session_id: SessionId,
        /// The user.
        user: UserSummary,
    },
}

impl AuthStatus {
    /// The session of this browser, where somebody is signed in.
    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::SignedIn { session_id, .. } => Some(*session_id),
            Self::Unknown | Self::SignedOut(_) => None,
        }
    }

    /// The user, where somebody is signed in.
    pub fn user(&self) -> Option<&UserSummary> {
        match self {
            Self::SignedIn { user, .. } => Some(user),
            Self::Unknown | Self::SignedOut(_) => None,
        }
    }
}

/// A session that will end soon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expiry {
    /// When it ends, in milliseconds of the monotonic clock.
    pub deadline_ms: f64,
    /// Whether *Stay signed in* would help; otherwise only signing in again does.
    pub prolongable: bool,
    /// Whether it is the last two minutes, which are announced assertively.
    pub last_minutes: bool,
}

/// How the event stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamState {
    /// Not open yet, for the first time since the sign-in.
    #[default]
    Connecting,
    /// Open: what is shown is live.
    Open,
    /// It was open and is being opened again: what is shown may be old.
    Reconnecting,
}
