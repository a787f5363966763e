//! Sessions, from sign-in to their end, and the checks that refuse what has ended.
//!
//! `revocations` is what may not pass, `terminations` ends sessions, `refreshes` exchanges tokens, `devices` is what
//! users see, `alerts` asks about sign-ins. `open_streams` are the event streams of sessions, `ends_with_session`
//! lists what ends with one. `sign_in` begins a session, `session_limit` says which ones end for it. `metrics` is what
//! is counted of all this, `build` puts it together. `explain` says afterwards why a token passed or not. No SQL, and
//! no HTTP outside `handlers`.

mod alerts;
mod build;
mod devices;
mod ends_with_session;
pub mod explain;
pub mod handlers;
mod mails;
mod metrics;
mod open_streams;
mod refreshes;
mod revocations;
mod session_limit;
mod settings;
mod sign_in;
mod terminations;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use types::api::paths;

pub use alerts::{Alerts, Word, show as show_alert};
pub use devices::{ClaimedDevice, Devices, describe_device};
pub use ends_with_session::{CleanUpStep, SessionBound};
pub use metrics::{AuthenticateCheck, RefreshCase, Reload, SessionMetrics, SignInResult};
pub use open_streams::{OpenStream, Subscriber, TooManyStreams};
pub use refreshes::{RefreshRefusal, Refreshes};
pub use revocations::{FromMemory, Refusal, RequesterState, RevocationList, Revocations};
pub use session_limit::{AtLimit, sessions_to_end};
pub use settings::SessionsConfig;
pub use sign_in::{BrowserAtHand, NewSignIn, SignInError, SignedIn, user_summary};
pub use terminations::{
    AccountOwner, DeletionRefusal, EndAnswer, EndRequest, Ending, EndingError, Force, PendingLog, Scope, Terminations,
};

use crate::area::{Area, Parts};
use crate::auth::keys::KeyError;
use crate::auth::refresh::Lifetimes;
use crate::context::Context;
use crate::http::authenticate::Authenticate;
use crate::http::needs::{Credential, Needs, SESSION, USER};
use crate::http::routes::Routes;
use crate::http::state::ApiState;
use crate::metrics::Declaration;
use crate::store::StoreError;
use handlers::{AccessTokenFamily, devices as device_calls, events, sign_out};

/// What this area brings.
pub const AREA: Area = Area {
    name: "sessions",
    settings: Some(settings::SECTION),
    build: build::build,
    authenticators,
    routes,
    tasks: build::start,
    mails: mails::ALL,
    problems: handlers::PROBLEMS,
    metrics: &[Declaration::of::<SessionMetrics>()],
    ..Area::NONE
};

fn authenticators(context: &Context, parts: &Parts) -> Vec<Box<dyn Authenticate>> {
    let (clock, sessions) = (Arc::clone(&context.clock), Arc::clone(parts.get::<Sessions>()));
    vec![Box::new(AccessTokenFamily { clock, sessions })]
}

const SIGNS_OUT: Needs = Needs::Credentials(&[Credential::ExpiredAccessToken, Credential::RefreshToken]);

fn routes(routes: Routes<'_>) -> Routes<'_> {
    routes
        .get(paths::SESSION, device_calls::current)
        .needs(USER)
        .described(&device_calls::CURRENT)
        .get(paths::SESSIONS, device_calls::list)
        .needs(USER)
        .described(&device_calls::LIST)
        .post(paths::SESSIONS_END, sign_out::end_several)
        .needs(SESSION)
        .described(&sign_out::END_SEVERAL)
        .delete(paths::SESSION_BY_ID, sign_out::end_session)
        .needs(USER.not_while_acting())
        .described(&sign_out::END_SESSION)
        .patch(paths::SESSION_BY_ID, device_calls::rename)
        .needs(USER.not_while_acting())
        .described(&device_calls::RENAME)
        .get(paths::SESSION_HISTORY, device_calls::history)
        .needs(USER)
        .described(&device_calls::HISTORY)
        .post(paths::REFRESH, handlers::refresh::refresh)
        .needs(Needs::Credentials(&[Credential::RefreshToken]))
        .described(&handlers::refresh::REFRESH)
        .post(paths::LOGOUT, sign_out::logout)
        .needs(SIGNS_OUT)
        .described(&sign_out::LOGOUT)
        .post(paths::LOGOUT_ALL, sign_out::logout_all)
        .needs(SIGNS_OUT)
        .described(&sign_out::LOGOUT_ALL)
        .delete(paths::SESSIONS, sign_out::logout_all)
        .needs(SIGNS_OUT)
        .described(&sign_out::END_ALL)
        .post(paths::SESSION_ENDED, device_calls::confirm_ended)
        .needs(Needs::Credentials(&[Credential::ExpiredAccessToken]))
        .described(&device_calls::CONFIRM_ENDED)
        .get(paths::RECEIPT, device_calls::receipt)
        .needs(Needs::Credentials(&[Credential::Receipt]))
        .described(&device_calls::RECEIPT)
        .get(paths::EVENTS, events::stream)
        .needs(Needs::Credentials(&[Credential::AccessToken, Credential::Ticket]))
        .described(&events::STREAM)
        .post(paths::EVENTS_TICKET, events::ticket)
        .needs(SESSION)
        .described(&events::TICKET)
}

impl ApiState {
    pub fn sessions(&self) -> &Arc<Sessions> {
        self.parts.get::<Sessions>()
    }
}

/// The door to everything about sessions: its parts, each behind its own few calls, and signing in, which takes all of
/// them.
pub struct Sessions {
    context: Context,
    revocations: Arc<Revocations>,
    terminations: Arc<Terminations>,
    refreshes: Arc<Refreshes>,
    devices: Arc<Devices>,
    alerts: Alerts,
    lifetimes: Lifetimes,
    /// `MAX_SESSIONS_PER_USER`.
    max_per_user: Option<u32>,
    metrics: Arc<SessionMetrics>,
}

impl Sessions {
    /// What may not pass.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// What ends sessions.
    pub const fn terminations(&self) -> &Arc<Terminations> {
        &self.terminations
    }

    pub fn refreshes(&self) -> &Refreshes {
        &self.refreshes
    }

    /// What users see of them.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Asks about sign-ins.
    pub const fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Counts a try to sign in.
    pub fn count_sign_in(&self, result: SignInResult) {
        self.metrics.sign_ins.increment(result);
    }
}

/// Why a call about sessions could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    #[error(transparent)]
    Store(#[from] StoreError),
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
