//! What may be wrong with a request.

use super::vocabulary::vocabulary;

vocabulary! {
    /// The stable code of a problem (RFC 9457, section 3.2: an extension member).
    ProblemCode {
        /// `401`: no credential was given.
        MissingToken = "missing-token",
        /// `401`: the token is none of ours.
        InvalidToken = "invalid-token",
        /// `401`: the token has run out: refresh it.
        TokenExpired = "token-expired",
        /// `401`: the session of the token was ended.
        SessionEnded = "session-ended",
        /// `401`: the session of the token reached its end.
        SessionExpired = "session-expired",
        /// `401`: e-mail or password is wrong, whichever.
        InvalidCredentials = "invalid-credentials",
        /// `401`: the sign-in is too long ago for this (RFC 9470, section 3).
        InsufficientUserAuthentication = "insufficient-user-authentication",
        /// `403`: the token belongs to no session of ours.
        SessionRequired = "session-required",
        /// `403`: none of the user's roles has the permission that this needs.
        PermissionRequired = "permission-required",
        /// `403`: a role or a user reaches further than whoever would change it.
        AboveYourReach = "above-your-reach",
        /// `403`: whoever acts for a user may not do this for them.
        NotWhileActing = "not-while-acting",
        /// `403`: nobody may act for others in this installation.
        ImpersonationOff = "impersonation-off",
        /// `403`: an alert cannot be answered from the session that it is about.
        AlertAboutThisSession = "alert-about-this-session",
        /// `403`: the session that answers for another is in question itself.
        DeviceInQuestion = "device-in-question",
        /// `403`: the address must be proved first.
        EmailNotVerified = "email-not-verified",
        /// `403`: the user must set a new password first, by the link that was mailed.
        PasswordResetRequired = "password-reset-required",
        /// `403`: the session is too old to administer with: sign in again.
        AdminSessionTooOld = "admin-session-too-old",
        /// `403`: only those who are in the room may do this.
        NotInRoom = "not-in-room",
        /// `403`: a moderator removed the user from the room, not long ago.
        RemovedFromRoom = "removed-from-room",
        /// `403`: a cookie call that is not from our own pages.
        CrossSiteRequest = "cross-site-request",
        /// `403`: a page of ours that was opened under another address than the public one.
        OtherAddress = "other-address",
        /// `400`: the request cannot be understood.
        MalformedRequest = "malformed-request",
        /// `400`: the body is not a JSON object.
        MalformedJson = "malformed-json",
        /// `404`.
        NotFound = "not-found",
        /// `405`.
        MethodNotAllowed = "method-not-allowed",
        /// `408`: the body took too long.
        BodyTooSlow = "body-too-slow",
        /// `409`: a device must be signed out first.
        SessionLimitReached = "session-limit-reached",
        /// `409`: there would be no owner any more.
        LastOwner = "last-owner",
        /// `409`: a built-in role stays as it is.
        BuiltInRole = "built-in-role",
        /// `409`: other roles inherit from it.
        RoleInherited = "role-inherited",
        /// `409`: there are as many custom roles as there may be.
        TooManyRoles = "too-many-roles",
        /// `409`: as many are in the room as may be.
        RoomFull = "room-full",
        /// `410`: the installation has an owner, so no link makes one any more.
        OwnerExists = "owner-exists",
        /// `413`.
        BodyTooLarge = "body-too-large",
        /// `415`.
        UnsupportedMediaType = "unsupported-media-type",
        /// `421`: this server is not asked for under that name.
        MisdirectedRequest = "misdirected-request",
        /// `422`: some fields were refused; `errors` names them.
        InvalidFields = "invalid-fields",
        /// `429`: `Retry-After` says when to come back.
        TooManyRequests = "too-many-requests",
        /// `500`.
        InternalError = "internal-error",
        /// `503`: too many connections, from this address or in all.
        TooManyConnections = "too-many-connections",
        /// `503`: something below cannot be reached.
        TemporarilyUnavailable = "temporarily-unavailable",
    }
}
