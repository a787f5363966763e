//! The devices that users see: what each is and where, when it was last in use, the list of them, names and histories.
//!
//! Whether a session may pass is not decided here.

mod activity;
mod description;
mod views;

use std::sync::Arc;

use types::domain::{SessionId, Timestamp, UserId};

pub(super) use activity::write_last_active;
pub use description::{ClaimedDevice, describe_device};

use self::activity::LastActive;
use super::open_streams::OpenStreams;
use super::revocations::{RevocationList, Revocations};
use crate::auth::refresh::Lifetimes;
use crate::auth::tokens::Verified;
use crate::context::Context;
use crate::events::Topic;
use crate::geoip::Places;

/// The devices that users see.
pub struct Devices {
    context: Context,
    /// Nobody hears of the use of a session that has ended.
    list: Arc<RevocationList>,
    /// A device that listens is in use.
    streams: Arc<OpenStreams>,
    places: Places,
    last_active: LastActive,
    lifetimes: Lifetimes,
}

impl Devices {
    pub(super) fn new(context: Context, revocations: &Revocations, places: Places, lifetimes: Lifetimes) -> Self {
        let (list, streams) = (Arc::clone(revocations.list()), Arc::clone(revocations.streams()));
        Self { context, list, streams, places, last_active: LastActive::new(lifetimes.note_interval()), lifetimes }
    }

    /// Where addresses are.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// Notes that a request with this token was made, unless one was noted just before.
    pub fn note_request(&self, token: &Verified, now: Timestamp, ip: impl FnOnce() -> String) {
        self.last_active.note(token, now, ip);
    }

    /// Notes a session that listens. An `ip` that is not known is empty.
    pub fn note_listener(&self, session_id: SessionId, user_id: UserId, now: Timestamp, ip: String) {
        self.last_active.see(session_id, user_id, now, ip);
    }

    /// Whether a session counts as in use.
    pub(super) fn is_active(
        &self,
        user_id: UserId,
        session_id: SessionId,
        last_active: Timestamp,
        now: Timestamp,
    ) -> bool {
        self.context.events.active_sessions().is_active(Topic::User(user_id), session_id.into(), last_active, now)
    }

    /// How many sessions were in use since that was last written.
    pub(super) fn unwritten(&self) -> usize {
        self.last_active.len()
    }
}
