//! Why a session ended.

use super::vocabulary::vocabulary;

vocabulary! {
    /// Why a session ended.
    EndReason {
        /// The user signed out on this device.
        UserInitiatedLogout = "user_initiated_logout",
        /// The user signed out on all devices.
        LogoutAll = "logout_all",
        /// The user ended this device from another one.
        RevokedFromOtherDevice = "revoked_from_other_device",
        /// The session reached its end.
        SessionExpired = "session_expired",
        /// The session was not used for `SESSION_IDLE_TIMEOUT`.
        IdleTimeout = "idle_timeout",
        /// The user changed the password on another device.
        PasswordChanged = "password_changed",
        /// The password was reset by e-mail.
        PasswordReset = "password_reset",
        /// A refresh token that had been replaced was presented again.
        RefreshReuse = "refresh_reuse",
        /// An administrator ended it.
        AdminRevoked = "admin_revoked",
        /// The account was disabled.
        AccountDisabled = "account_disabled",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
        /// A newer sign-in took its place under `MAX_SESSIONS_PER_USER`.
        Replaced = "replaced",
    }
}
