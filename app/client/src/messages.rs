//! What tabs of one browser tell each other.
//!
//! Only script of this origin can speak on the channel, but what comes is judged as if anybody could: a token is tried
//! against the server before it counts for anything, and an end is believed only if the shared hint agrees.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::signed_out_note::SignedOutNote;
use super::status::StreamState;
use types::api::{ServerEvent, UserSummary};
use types::domain::{SessionId, Timestamp};

/// One message to all other tabs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TabMessage {
    /// Somebody signed in, or the session was refreshed.
    Tokens {
        /// What the server gave.
        tokens: SharedTokens,
    },
    /// The session ended.
    SignedOut {
        /// The session that ended.
        session: SessionId,
        /// Why it ended, for the sign-in page.
        note: Option<SignedOutNote>,
    },
    /// A live event, passed on by the tab that holds the event stream.
    Event {
        /// The session the stream belongs to.
        session: SessionId,
        /// The event's name.
        name: String,
        /// Its JSON.
        data: String,
    },
    /// How the event stream is.
    Stream {
        /// The session it belongs to.
        session: SessionId,
        /// How it is.
        state: StreamState,
    },
    /// Asks how the event stream is.
    AskStream,
    /// What an area of the app says to the same area in other tabs.
    Part {
        /// The session it belongs to.
        session: SessionId,
        /// What it says.
        text: String,
    },
}

impl TabMessage {
    /// The message that passes an event on.
    pub fn event(session: SessionId, event: &ServerEvent) -> Option<Self> {
        Some(Self::Event { session, name: event.name().as_str().to_owned(), data: event.data().ok()? })
    }
}

/// What a sign-in or refresh gave, for the other tabs: [`types::api::Tokens`] without any refresh token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedTokens {
    /// JWT for the `Authorization` header.
    pub access_token: String,
    /// Seconds until the access token runs out.
    pub expires_in: u64,
    /// Seconds until the session ends unless it is refreshed.
    pub refresh_expires_in: u64,
    /// Seconds until the session ends however often it is refreshed.
    pub session_max_expires_in: u64,
    /// The session.
    pub session_id: SessionId,
    /// The server's time when it made the tokens.
    pub server_time: Timestamp,
    /// Who is signed in.
    pub user: UserSummary,
}

impl fmt::Debug for SharedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTokens").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}
