//! Where each call lives. Server routes, browser and tests all read these.

/// `POST`: create an account.
pub const REGISTER: &str = "/api/auth/register";
/// `POST`: prove an e-mail address with the code that was sent to it; signs in.
pub const VERIFY_EMAIL: &str = "/api/auth/verify-email";
/// `POST`: ask for another code.
pub const RESEND_CODE: &str = "/api/auth/resend-code";
/// `POST`: ask for a link that sets a new password.
pub const FORGOT_PASSWORD: &str = "/api/auth/forgot-password";
/// `POST`: set a new password with the token of that link; ends every session.
pub const RESET_PASSWORD: &str = "/api/auth/reset-password";
/// `POST`: sign in.
pub const LOGIN: &str = "/api/auth/login";
/// `POST`: exchange a refresh token for a new pair.
pub const REFRESH: &str = "/api/auth/refresh";
/// `POST`: end this session.
pub const LOGOUT: &str = "/api/auth/logout";
/// `POST`: end all sessions of this user, or all but this one.
pub const LOGOUT_ALL: &str = "/api/auth/logout-all";
/// `GET`: the current session and user, from the token alone.
pub const SESSION: &str = "/api/auth/session";
/// `POST`: a browser that was notified of its session's end confirms that it has signed itself out.
pub const SESSION_ENDED: &str = "/api/auth/session/ended";
/// `GET`: the sessions of this user. `DELETE`: as [`LOGOUT_ALL`].
pub const SESSIONS: &str = "/api/auth/sessions";
/// `POST`: end several sessions of this user, by their ids.
pub const SESSIONS_END: &str = "/api/auth/sessions/end";
/// `PATCH`: rename. `DELETE`: end. Takes a session id.
pub const SESSION_BY_ID: &str = "/api/auth/sessions/{id}";
/// `GET`: the history of one session.
pub const SESSION_HISTORY: &str = "/api/auth/sessions/{id}/history";
/// `GET`: how far a sign-out has got. Takes the receipt's id, which is itself the permission to read it.
pub const RECEIPT: &str = "/api/auth/receipts/{id}";
/// `GET`: the event stream.
pub const EVENTS: &str = "/api/auth/events";
/// `POST`: a ticket that opens the event stream once, within 30 seconds.
pub const EVENTS_TICKET: &str = "/api/auth/events/ticket";
/// `GET`, `PATCH`: the user.
pub const PROFILE: &str = "/api/user/profile";
/// `POST`: change the password; ends the other sessions.
pub const PASSWORD: &str = "/api/user/password";
/// `GET`: this user's audit entries, paged by cursor.
pub const ACTIVITY: &str = "/api/user/activity";
/// `GET`: what nobody has answered yet: *Was this you?*
pub const ALERTS: &str = "/api/user/alerts";
/// `POST`: answers one of them.
pub const ALERT: &str = "/api/user/alerts/{id}";
/// `GET`: everything that is held on this user.
pub const EXPORT: &str = "/api/user/export";
/// `DELETE`: delete the account, with everything that is held on the user.
pub const ACCOUNT: &str = "/api/user";
/// `GET`: the document of these calls (OpenAPI).
pub const OPENAPI: &str = "/api/openapi.json";
/// `GET`: the public keys that verify access tokens.
pub const JWKS: &str = "/.well-known/jwks.json";
/// `GET`: mail that development mode stored instead of sending.
pub const DEV_MAILBOX: &str = "/dev/mailbox";
/// `GET`: state of the server with its database and bus.
pub const HEALTH: &str = "/health";
/// `GET`: the process runs.
pub const HEALTH_LIVE: &str = "/health/live";
/// `GET`: the server may be sent traffic.
pub const HEALTH_READY: &str = "/health/ready";
/// `GET`: metrics for Prometheus, on a listener of its own or to whoever has `METRICS_TOKEN`.
pub const METRICS: &str = "/metrics";

/// Request header that proves a call was made by script of this origin: plain forms cannot set it.
pub const CLIENT_HEADER: &str = "latchkey-client";
/// Response header: whole seconds until the session ends, once that is nearer than `SESSION_WARNING`.
pub const EXPIRES_IN_HEADER: &str = "session-expires-in";

/// The path of one session.
pub fn session(id: impl std::fmt::Display) -> String {
    format!("{SESSIONS}/{id}")
}

/// The path of one session's history.
pub fn session_history(id: impl std::fmt::Display) -> String {
    format!("{SESSIONS}/{id}/history")
}

/// The path of one alert.
pub fn alert(id: impl std::fmt::Display) -> String {
    format!("{ALERTS}/{id}")
}

/// The path of one receipt.
pub fn receipt(id: &str) -> String {
    format!("/api/auth/receipts/{id}")
}
