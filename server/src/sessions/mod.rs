//! The heart: sessions, from sign-in to their end, and the proof that an ended one is refused.
//!
//! `revocations` is what may not pass, `sign_in` and `refresh` make tokens,
//! `session_limit` says who makes room, `browser` chooses among several of one browser, `end_queue` and `end`
//! end sessions, `account_changes` ends them with a change to the account, `retry_queue` and `pending_ends` keep what could not
//! be committed yet, `pending_log` on the disk, `restore_lost` keeps the database true to the list, `theft` ends what may have been
//! copied, `unacknowledged` keeps refreshes that nobody acknowledged from looking like theft,
//! `devices` is what people see, `metrics` is what is counted of all this. No SQL, and no HTTP outside `handlers`.

mod account_changes;
mod alerts;
mod browser;
mod build;
mod devices;
mod end;
mod end_queue;
pub mod handlers;
mod mails;
mod metrics;
mod pending_ends;
mod pending_log;
mod refresh;
mod restore_lost;
mod retry_queue;
mod revocations;
mod session_limit;
mod sign_in;
#[cfg(test)]
mod tests;
mod theft;
mod unacknowledged;
mod unresolved;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use types::api::paths;

pub use account_changes::AccountOwner;
pub use alerts::{Word, show as show_alert};
use devices::write_last_active;
pub use devices::{ClaimedDevice, Devices, describe_device};
pub(crate) use end::answer as end_answer;
pub use end::{EndAnswer, EndRequest, Scope};
pub use end_queue::{EndQueue, Ending, EndingError};
use end_queue::{EndQueueParts, EndWorker, end_queue};
pub use metrics::{GuardCheck, RefreshCase, Reload, SessionMetrics, SignInResult};
pub use pending_ends::Force;
pub use pending_log::PendingLog;
use pending_log::{Found, UnresolvedEnd, Written};
pub use refresh::RefreshRefusal;
use restore_lost::restore_lost;
pub use revocations::{Asking, Refusal, RevocationList, Revocations};
pub use session_limit::{AtLimit, who_makes_room};
pub use sign_in::{BrowserAtHand, NewSignIn, SignInError, SignedIn, person};
pub use unacknowledged::Unacknowledged;
use unacknowledged::renew_graces;

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
    pub end_queue: EndQueue,
    /// Where pending ends are written.
    pub pending_log: Arc<PendingLog>,
    /// How many wait to be ended without its being known whose they are.
    pub unresolved: Arc<AtomicUsize>,
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
