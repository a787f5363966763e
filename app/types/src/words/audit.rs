//! What the audit log records.

use super::vocabulary::vocabulary;

vocabulary! {
    /// What happened to an account: an entry of the audit log, shown as *Activity*.
    AuditAction {
        /// An account was registered; its address is not proved yet.
        Registered = "registered",
        /// The code of a mail was right: the address is proved.
        EmailVerified = "email_verified",
        /// A new code was asked for.
        CodeRequested = "code_requested",
        /// A code was wrong.
        CodeRefused = "code_refused",
        /// A device signed in.
        SignIn = "sign_in",
        /// A sign-in was refused: the password was wrong.
        SignInFailed = "sign_in_failed",
        /// A session ended; the entry says why.
        SessionEnded = "session_ended",
        /// The user gave a device another name.
        SessionRenamed = "session_renamed",
        /// A refresh token was used again after it had been replaced: possible theft.
        RefreshReuse = "refresh_reuse",
        /// The user changed the password.
        PasswordChanged = "password_changed",
        /// A link to set a new password was asked for.
        PasswordResetRequested = "password_reset_requested",
        /// The password was reset by that link.
        PasswordReset = "password_reset",
        /// The user changed name or account type.
        ProfileUpdated = "profile_updated",
        /// *Was this you?* was answered with *Yes*.
        AlertConfirmed = "alert_confirmed",
        /// It was answered with *No*: every other device was signed out.
        AlertDenied = "alert_denied",
        /// The device that was asked about was signed out.
        AlertSessionEnded = "alert_session_ended",
        /// Somebody gave the user roles, or took some.
        RolesChanged = "roles_changed",
        /// A custom role was made.
        RoleCreated = "role_created",
        /// What a custom role allows was changed.
        RoleChanged = "role_changed",
        /// A custom role was deleted: nobody has it any more.
        RoleDeleted = "role_deleted",
        /// Everything that is held on the user was given out.
        DataExported = "data_exported",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
        /// An administrator made the account.
        UserCreated = "user_created",
        /// An administrator brought the account along from another system.
        UserImported = "user_imported",
        /// An administrator sent a link that sets a password.
        UserInvited = "user_invited",
        /// An administrator disabled the account: every device was signed out.
        UserDisabled = "user_disabled",
        /// An administrator enabled it again.
        UserEnabled = "user_enabled",
        /// The first owner was made, by the link in the log of a server.
        OwnerCreated = "owner_created",
        /// Somebody began to act for the user, for support.
        ImpersonationStarted = "impersonation_started",
        /// An administrator counted the address as proved.
        UserVerified = "user_verified",
        /// An administrator has the user set a new password: every device was signed out.
        PasswordResetRequired = "password_reset_required",
        /// An administrator had all sessions ended that a rule is about.
        EndByRuleRequested = "end_by_rule_requested",
        /// An administrator exported the audit log.
        AuditExported = "audit_exported",
        /// An administrator closed the connections of a session, which goes on.
        SessionDisconnected = "session_disconnected",
        /// A moderator removed what the user wrote in a room.
        RoomMessageRemoved = "room_message_removed",
        /// A moderator removed the user from a room.
        RoomParticipantRemoved = "room_participant_removed",
    }
}
