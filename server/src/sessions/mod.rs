//! The heart: sessions, from sign-in to their end, and the proof that an ended one is refused.
//!
//! `revocations` is what may not pass, `terminations` ends sessions, `devices` is what people see. `sign_in` and `refresh` make tokens,
//! `session_limit` says who makes room, `browser` chooses among several of one browser, `theft` ends what may have been copied,
//! `unacknowledged` keeps refreshes that nobody acknowledged from looking like theft, `alerts` asks about sign-ins, `metrics` is what is
//! counted of all this, `build` puts it together. No SQL, and no HTTP outside `handlers`.

mod alerts;
mod browser;
mod build;
mod devices;
pub mod handlers;
mod mails;
mod metrics;
mod refresh;
mod revocations;
mod session_limit;
mod sign_in;
mod terminations;
#[cfg(test)]
mod tests;
mod theft;
mod unacknowledged;

use std::sync::Arc;

use types::api::paths;

pub use alerts::{Word, show as show_alert};
pub use devices::{ClaimedDevice, Devices, describe_device};
pub use metrics::{GuardCheck, RefreshCase, Reload, SessionMetrics, SignInResult};
pub use refresh::RefreshRefusal;
pub use revocations::{Asking, Refusal, RevocationList, Revocations};
pub use session_limit::{AtLimit, who_makes_room};
pub use sign_in::{BrowserAtHand, NewSignIn, SignInError, SignedIn, person};
pub use terminations::{
    AccountOwner, EndAnswer, EndRequest, Ending, EndingError, Force, PendingLog, Scope, Terminations,
};
pub use unacknowledged::Unacknowledged;

use crate::area::Area;
use crate::auth::keys::KeyError;
use crate::auth::refresh::Lifetimes;
use crate::auth::tokens::AccessTokens;
use crate::context::Context;
use crate::http::needs::{Credential, Needs, SESSION, USER};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::store::StoreError;
use handlers::{devices as device_calls, events, sign_out};

/// What this area brings.
pub const AREA: Area = Area {
    name: "sessions",
    build: build::build,
    routes,
    tasks: build::start,
    mails: mails::ALL,
    ..Area::NONE
};

const SIGNS_OUT: Needs = Needs::Credentials(&[Credential::ExpiredAccessToken, Credential::RefreshToken]);

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::SESSION, device_calls::current)
        .needs(USER)
        .get(paths::SESSIONS, device_calls::list)
        .needs(USER)
        .post(paths::SESSIONS_END, sign_out::end_several)
        .needs(SESSION)
        .delete(paths::SESSION_BY_ID, sign_out::end_session)
        .needs(USER)
        .patch(paths::SESSION_BY_ID, device_calls::rename)
        .needs(USER)
        .get(paths::SESSION_HISTORY, device_calls::history)
        .needs(USER)
        .post(paths::REFRESH, handlers::refresh::refresh)
        .needs(Needs::Credentials(&[Credential::RefreshToken]))
        .post(paths::LOGOUT, sign_out::logout)
        .needs(SIGNS_OUT)
        .post(paths::LOGOUT_ALL, sign_out::logout_all)
        .needs(SIGNS_OUT)
        .delete(paths::SESSIONS, sign_out::logout_all)
        .needs(SIGNS_OUT)
        .post(paths::SESSION_ENDED, device_calls::confirm_ended)
        .needs(Needs::Credentials(&[Credential::ExpiredAccessToken]))
        .get(paths::RECEIPT, device_calls::receipt)
        .needs(Needs::Credentials(&[Credential::Receipt]))
        .get(paths::EVENTS, events::stream)
        .needs(Needs::Credentials(&[Credential::AccessToken, Credential::Ticket]))
        .post(paths::EVENTS_TICKET, events::ticket)
        .needs(SESSION)
}

impl ApiState {
    /// Sessions.
    pub fn sessions(&self) -> &Arc<Sessions> {
        self.parts.get::<Sessions>()
    }
}

/// Everything about sessions that requests need.
pub struct Sessions {
    /// What every area works with: for this area only, others have their own.
    pub(crate) context: Context,
    /// What may not pass.
    revocations: Arc<Revocations>,
    /// Ends them.
    terminations: Arc<Terminations>,
    /// Renewals that may have been committed.
    pub unacknowledged: Unacknowledged,
    /// Makes and verifies access tokens.
    tokens: Arc<AccessTokens>,
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// What people see of them.
    pub devices: Arc<Devices>,
    /// `MAX_SESSIONS_PER_USER`.
    pub most_a_person: Option<u32>,
    /// What is counted.
    pub metrics: Arc<SessionMetrics>,
}

impl Sessions {
    /// What may not pass.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Ends them.
    pub const fn terminations(&self) -> &Arc<Terminations> {
        &self.terminations
    }

    /// What people see of them.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }
}

/// Why a call about sessions could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sessions could not be ended.
    #[error(transparent)]
    Ending(#[from] EndingError),
}

impl SessionsError {
    /// Whether the same call may do better in a moment.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable(_)) | Self::Ending(_))
    }
}
