//! Alerts.

use types::api::DeviceDescription;
use types::domain::{AlertId, SessionId, Timestamp};
use types::words::{AlertAnswer, AlertKind};

/// An alert to be raised.
#[derive(Clone, Debug)]
pub struct NewAlert {
    pub id: AlertId,
    pub kind: AlertKind,
    /// The session it concerns.
    pub session_id: SessionId,
    pub at: Timestamp,
    pub ip: String,
    /// The place of that address.
    pub place: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    pub id: AlertId,
    pub kind: AlertKind,
    /// The session it concerns.
    pub session_id: SessionId,
    pub at: Timestamp,
    /// Where from; empty after `IP_RETENTION`.
    pub ip: String,
    /// The place of that address, if it is known; wiped with it.
    pub place: Option<String>,
    /// The device, as it is now.
    pub device: DeviceDescription,
    /// When that session began.
    pub session_began_at: Timestamp,
    /// Whether that session lives.
    pub signed_in: bool,
    /// What was answered, if anything was.
    pub answered: Option<Answered>,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub answer: AlertAnswer,
    pub at: Timestamp,
    /// From which session; none where it came of a new password that was set by mail.
    pub by: Option<SessionId>,
    /// Whether it confirms the session: the session that answered was beyond question itself.
    pub confirms: bool,
}

/// An answer to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer {
    pub answer: AlertAnswer,
    pub at: Timestamp,
    /// From which session.
    pub by: SessionId,
    /// Whether it confirms the session: the session that answers is beyond question itself.
    pub confirms: bool,
}

/// What a user has signed in with before, as far as it is beyond question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceHistory {
    pub devices: Vec<KnownDevice>,
    /// Whether the user has ever signed in: what is known of sessions is forgotten in time.
    pub has_signed_in: bool,
}

/// Something a user has signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// The browser with its version.
    pub browser: Option<String>,
    /// The operating system.
    pub os: Option<String>,
    pub platform: String,
    /// Where it was last seen; empty after `IP_RETENTION`.
    pub ip: String,
}

/// An alert that is raised with a sign-in, where the rule of the caller asks for it.
#[derive(Clone, Copy)]
pub struct AlertIfNew<'a> {
    /// The id it would have.
    pub id: AlertId,
    /// Whether the device is new, by what the user has used before.
    pub is_new: &'a (dyn Fn(&DeviceHistory) -> bool + Send + Sync),
}
