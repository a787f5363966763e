//! Why a session ended: one closed list, with the same names in database, API and pages.

use serde::{Deserialize, Serialize};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The person signed out on this device.
    UserInitiatedLogout,
    /// The person signed out on all devices.
    LogoutAll,
    /// The person ended this device from another one.
    RevokedFromOtherDevice,
    /// The session reached its end.
    SessionExpired,
    /// The session was not used for `SESSION_IDLE_TIMEOUT`.
    IdleTimeout,
    /// The person changed the password elsewhere.
    PasswordChanged,
    /// The password was reset by e-mail.
    PasswordReset,
    /// A refresh token that had been replaced was presented again.
    RefreshReuse,
    /// An administrator ended it.
    AdminRevoked,
    /// The account was disabled.
    AccountDisabled,
    /// The account was deleted.
    AccountDeleted,
    /// A newer sign-in took its place under `MAX_SESSIONS_PER_USER`.
    Replaced,
}

impl EndReason {
    /// Every reason there is.
    pub const ALL: [Self; 12] = [
        Self::UserInitiatedLogout,
        Self::LogoutAll,
        Self::RevokedFromOtherDevice,
        Self::SessionExpired,
        Self::IdleTimeout,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::RefreshReuse,
        Self::AdminRevoked,
        Self::AccountDisabled,
        Self::AccountDeleted,
        Self::Replaced,
    ];

    /// The name used in database and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserInitiatedLogout => "user_initiated_logout",
            Self::LogoutAll => "logout_all",
            Self::RevokedFromOtherDevice => "revoked_from_other_device",
            Self::SessionExpired => "session_expired",
            Self::IdleTimeout => "idle_timeout",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::RefreshReuse => "refresh_reuse",
            Self::AdminRevoked => "admin_revoked",
            Self::AccountDisabled => "account_disabled",
            Self::AccountDeleted => "account_deleted",
            Self::Replaced => "replaced",
        }
    }

    /// The reason of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}
