//! Administration on the wire: the installation at a glance, users and sessions of others, ends by rule, the audit log.

use serde::{Deserialize, Serialize};

use super::request::request;
use super::roles::RolesChange;
use super::sessions::{ActivityEntry, Session};
use crate::domain::{SessionId, Timestamp, UserId};
use crate::words::{AccountType, AuditAction, EndReason, EndRunStatus, OrOther};

/// `GET`: the installation at a glance.
pub const OVERVIEW: &str = "/api/admin/overview";
/// `GET`: finds users.
pub const USERS: &str = "/api/admin/users";
/// `GET`: one user. `DELETE`: deletes the account. Takes a user id.
pub const USER: &str = "/api/admin/users/{id}";
/// `DELETE`: ends all sessions of a user. Takes a user id.
pub const USER_SESSIONS: &str = "/api/admin/users/{id}/sessions";
/// `POST`: disables an account and ends its sessions. Takes a user id.
pub const DISABLE_USER: &str = "/api/admin/users/{id}/disable";
/// `POST`: enables a disabled account. Takes a user id.
pub const ENABLE_USER: &str = "/api/admin/users/{id}/enable";
/// `POST`: counts the address of a user as proved. Takes a user id.
pub const VERIFY_USER: &str = "/api/admin/users/{id}/verify";
/// `POST`: a user must set a new password, and all sessions end. Takes a user id.
pub const REQUIRE_PASSWORD_RESET: &str = "/api/admin/users/{id}/require-password-reset";
/// `GET`: live sessions of all users.
pub const SESSIONS: &str = "/api/admin/sessions";
/// `DELETE`: ends one session. Takes a session id.
pub const SESSION: &str = "/api/admin/sessions/{id}";
/// `POST`: closes the streams and sockets of a session, which goes on. Takes its id.
pub const DISCONNECT_SESSION: &str = "/api/admin/sessions/{id}/disconnect";
/// `POST`: counts what a rule would end, and shows some of it.
pub const PREVIEW_RULE: &str = "/api/admin/sessions/preview";
/// `POST`: ends what a rule is about, in batches.
pub const END_BY_RULE: &str = "/api/admin/sessions/end-by-rule";
/// `GET`: how far an end by rule has got. Takes its id.
pub const END_RUN: &str = "/api/admin/end-runs/{id}";
/// `GET`: the audit log, newest first.
pub const AUDIT: &str = "/api/admin/audit";
/// `GET`: the audit log as a stream, oldest first.
pub const AUDIT_EXPORT: &str = "/api/admin/audit/export";

/// The path of one user.
pub fn user(id: UserId) -> String {
    format!("{USERS}/{id}")
}

/// The path of all sessions of one user.
pub fn user_sessions(id: UserId) -> String {
    format!("{USERS}/{id}/sessions")
}

/// The path that disables one user.
pub fn disable_user(id: UserId) -> String {
    format!("{USERS}/{id}/disable")
}

/// The path that enables one user.
pub fn enable_user(id: UserId) -> String {
    format!("{USERS}/{id}/enable")
}

/// The path that counts the address of one user as proved.
pub fn verify_user(id: UserId) -> String {
    format!("{USERS}/{id}/verify")
}

/// The path that has one user set a new password.
pub fn require_password_reset(id: UserId) -> String {
    format!("{USERS}/{id}/require-password-reset")
}

/// The path that disconnects one session.
pub fn disconnect_session(id: SessionId) -> String {
    format!("{SESSIONS}/{id}/disconnect")
}

/// The path of one session.
pub fn session(id: SessionId) -> String {
    format!("{SESSIONS}/{id}")
}

/// The path of one end by rule.
pub fn end_run(id: &str) -> String {
    format!("/api/admin/end-runs/{id}")
}

/// Answer of `GET /api/admin/overview`. Counts may be some seconds old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminOverview {
    /// When it was counted.
    pub at: Timestamp,
    /// How many sessions are signed in.
    pub live_sessions: u64,
    /// Of each of the last 24 hours, oldest first; the last one runs still.
    pub hours: Vec<SignInCount>,
    /// Of each of the last 30 days (UTC), oldest first; the last one runs still.
    pub days: Vec<SignInCount>,
    /// Sessions that were ended in the last 24 hours, for whatever reason, in whole hours.
    pub sessions_ended: u64,
    /// What waits to be done, by kind; mail is one of them.
    pub jobs: Vec<JobCount>,
    /// The servers that run on this database, by name.
    pub servers: Vec<ServerState>,
}

/// How often somebody signed in during an hour or a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SignInCount {
    /// When the hour or the day began.
    pub from: Timestamp,
    /// Sign-ins that succeeded.
    pub sign_ins: u64,
    /// Sign-ins that were refused.
    pub failures: u64,
}

/// How many jobs of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobCount {
    /// The kind, such as `mail`.
    pub kind: String,
    /// Those that wait for their time or for a server.
    pub waiting: u64,
    /// Those among them that have failed before.
    pub retrying: u64,
    /// Those that were given up.
    pub dead: u64,
}

/// A server that runs on this database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// `SERVER_ID`.
    pub name: String,
    /// Whether it is the one that answers.
    pub current: bool,
    /// Its version; absent for one too old to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it last showed that it runs, which it does every five seconds.
    pub seen_at: Timestamp,
    /// How old its list of revocations was then, in milliseconds; absent where it has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_list_age_ms: Option<u64>,
    /// The settings in which it differs from the server that answers; none where they agree.
    pub differences: Vec<SettingDifference>,
}

/// A setting that is not the same on two servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SettingDifference {
    /// Its name.
    pub setting: String,
    /// On the server that answers.
    pub here: String,
    /// On the other one.
    pub there: String,
}

/// Which users to find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AdminUserQuery {
    /// A user id, an IP address from which they are signed in, or the beginning of an e-mail or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// `email` (the default), `name` or `newest`. Those who are found by what the list is sorted by come first; with
    /// `newest`, of the first 1,000 found by either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Only those with this role, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `true`: only those who are disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// `true`: only those whose address nobody has proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<bool>,
    /// `nextCursor` of the page before; the first page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many entries at most: a whole number up to 200, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub limit: Option<String>,
}

/// A user, as lists for administrators show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminUserSummary {
    /// The user's id.
    pub user_id: UserId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// Roles by name, sorted.
    pub roles: Vec<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// When the account was disabled; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// Since when the user must set a new password before signing in; absent where they need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_reset_required_at: Option<Timestamp>,
}

/// Answer of `GET /api/admin/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminUserList {
    /// In the order that was asked for.
    pub users: Vec<AdminUserSummary>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answer of `GET /api/admin/users/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminUser {
    /// Who it is.
    pub user: AdminUserSummary,
    /// Who the account is for.
    pub account_type: OrOther<AccountType>,
    /// When the password was last set.
    pub password_changed_at: Timestamp,
    /// What the user may do, by name.
    pub permissions: Vec<String>,
    /// Whether the user reaches no further than whoever asks, and so may be changed by them.
    pub within_reach: bool,
    /// Live sessions, newest first: 100 at the most. Empty without the permission `sessions:read`.
    pub sessions: Vec<Session>,
    /// How many live sessions there are in all.
    pub total_sessions: u64,
    /// The newest entries of the user's activity: 20 at the most. The audit log has all of them.
    pub activity: Vec<ActivityEntry>,
}

request! {
    /// Body of calls that end or change something of somebody else; it may be empty.
    #[derive(Default)]
    AdminActionRequest, AdminActionFields {
        /// Why, for the audit log: at most 200 characters; what is longer is cut.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

/// Answer of calls that change a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminUserChange {
    /// The user as they are now.
    pub user: AdminUserSummary,
    /// Whether anything was changed: not where it was so before.
    pub changed: bool,
    /// How many sessions ended with it.
    pub sessions_ended: u64,
}

/// Answer of calls that end sessions of others, and of the deletion of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminSessionsEnded {
    /// How many ended: none where they had ended before.
    pub sessions_ended: u64,
}

/// Which sessions to list: those that all of it is true of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminSessionQuery {
    /// Of this user, by id or by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Last seen from this address, or from one of this network, such as `192.0.2.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Of clients in whose browser, system, platform, kind or version this stands, in letters of any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Last seen at a place in whose name this stands, in letters of any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Signed in before this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_before: Option<String>,
    /// `nextCursor` of the page before; the first page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many entries at most: a whole number up to 200, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub limit: Option<String>,
}

/// A session of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminSession {
    /// Whose it is.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The session.
    pub session: Session,
}

/// Answer of `GET /api/admin/sessions`: newest first, those of a network by address. A page may have fewer than were
/// asked for, even none, and still have a next one: it was looked for only so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdminSessionList {
    /// Live sessions.
    pub sessions: Vec<AdminSession>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

request! {
    /// Which sessions a rule is about: those that all of it is true of. Body of `POST /api/admin/sessions/preview`.
    #[derive(Debug, Default, PartialEq, Eq)]
    EndRule, EndRuleFields {
        /// Of this user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        /// Last seen from this address, or from one of this network, such as `192.0.2.0/24`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<String>,
        /// Of clients in whose browser, system, platform, kind or version this stands, in letters of any size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
        /// Last seen at a place in whose name this stands, in letters of any size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
        /// Signed in before this moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed_in_before: Option<Timestamp>,
        /// Must be `true` where nothing else is said: all sessions of all users.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all: Option<bool>,
    }
}

/// Answer of `POST /api/admin/sessions/preview`. Neither the session that asks nor those of users who reach further are
/// counted: no rule ends them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndPreview {
    /// How many sessions the rule would end.
    pub sessions: u64,
    /// Of how many users.
    pub users: u64,
    /// Whether these are all. Counting stops after some seconds; there are more then.
    pub complete: bool,
    /// How many of those that the rule is about stay.
    pub spared: u64,
    /// Some of them: 10 at the most.
    pub sample: Vec<AdminSession>,
}

request! {
    /// Body of `POST /api/admin/sessions/end-by-rule`.
    EndByRuleRequest, EndByRuleFields {
        /// Which sessions.
        rule: EndRule,
        /// Why, for the audit log and the devices: at most 200 characters; what is longer is cut.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The password; may be absent within `SUDO_WINDOW` of the sign-in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}

/// The receipt of an end by rule: it fills in while sessions end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndRun {
    /// Its id.
    pub id: String,
    /// How far it has got.
    pub status: OrOther<EndRunStatus>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How many sessions are to end; absent until they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many have ended. At the end it may be fewer than `total`, where users were quicker.
    pub ended: u64,
}

/// Which entries of the audit log to give: those that all of it is true of. What is exported has no cursor and no
/// limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AuditQuery {
    /// About this user, by id or by the e-mail that they have now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// By this administrator, by id or by the e-mail that they have now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The name of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// From this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Not earlier than this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Earlier than this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `nextCursor` of the page before; the first page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// `newestCursor` of an earlier answer: only what is newer. Entries of the five seconds before it come again,
    /// because some are committed late: know them by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many entries at most: a whole number up to 200, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub limit: Option<String>,
    /// Of an export: `ndjson` (the default) or `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Answer of `GET /api/admin/audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Pass it as `?cursor=` for older entries; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Pass it as `?after=` to follow the log; absent where there is no entry at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_cursor: Option<String>,
}

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The entry's id.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: OrOther<AuditAction>,
    /// Whom it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<AuditParty>,
    /// The administrator who did it, where it was not the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AuditParty>,
    /// The session it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Why, where a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OrOther<EndReason>>,
    /// The words of whoever did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_reason: Option<String>,
    /// The roles before and after, where those of a user were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesChange>,
    /// What else is known, as the text of a JSON value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where the request came from; empty after `IP_RETENTION`.
    pub ip_address: String,
    /// What the request came from; empty after `IP_RETENTION`.
    pub user_agent: String,
}

/// Somebody in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditParty {
    /// The user's id.
    pub user_id: UserId,
    /// The address now; absent where the account was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

#[cfg(feature = "schema")]
mod examples {
    use super::{
        AdminActionRequest, AdminOverview, AdminSessionList, AdminSessionQuery, AdminSessionsEnded, AdminUser,
        AdminUserChange, AdminUserList, AdminUserQuery, AuditPage, AuditQuery, EndByRuleRequest, EndPreview, EndRule,
        EndRun,
    };
    use crate::api::examples::Example;

    /// A user.
    macro_rules! user {
        () => {
            r#"{
                "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com", "name": "Ada Lovelace",
                "roles": ["user"], "createdAt": "2026-11-01T12:00:00.000Z", "emailVerified": true
            }"#
        };
    }

    /// A session.
    macro_rules! session {
        () => {
            r#"{
                "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "current": false,
                "deviceInfo": {
                    "deviceName": "Chrome on macOS", "platform": "macOS", "browser": "Chrome 141", "os": "macOS",
                    "kind": "laptop"
                },
                "ipAddress": "192.0.2.17", "place": "Berlin, Germany", "createdAt": "2026-11-28T08:00:00.000Z",
                "lastActive": "2026-11-29T09:30:00.000Z", "activeNow": true, "expiresAt": "2026-12-29T09:30:00.000Z",
                "signedInWith": "password", "userAgent": "Mozilla/5.0 (Macintosh) Chrome/141.0.0.0"
            }"#
        };
    }

    /// A session with its user.
    macro_rules! users_session {
        () => {
            concat!(
                r#"{
                    "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com",
                    "name": "Ada Lovelace", "session": "#,
                session!(),
                "}"
            )
        };
    }

    impl Example for AdminOverview {
        const EXAMPLE: &'static str = r#"{
            "at": "2026-11-29T09:30:00.000Z", "liveSessions": 48210,
            "hours": [{"from": "2026-11-29T09:00:00.000Z", "signIns": 212, "failures": 9}],
            "days": [{"from": "2026-11-29T00:00:00.000Z", "signIns": 1904, "failures": 71}],
            "sessionsEnded": 3120,
            "jobs": [{"kind": "mail", "waiting": 4, "retrying": 1, "dead": 0}],
            "servers": [{
                "name": "a", "current": true, "version": "0.1.0", "seenAt": "2026-11-29T09:29:57.000Z",
                "revocationListAgeMs": 130,
                "differences": [{"setting": "ACCESS_TOKEN_TTL", "here": "5m", "there": "10m"}]
            }]
        }"#;
    }

    impl Example for AdminUserQuery {
        const EXAMPLE: &'static str = r#"{
            "q": "ada", "sort": "email", "role": "moderator", "disabled": true, "unverified": true,
            "cursor": "ada@example.com", "limit": 50
        }"#;
    }

    impl Example for AdminUserList {
        const EXAMPLE: &'static str = concat!(r#"{"users": ["#, user!(), r#"], "nextCursor": "ada@example.com"}"#);
    }

    impl Example for AdminUser {
        const EXAMPLE: &'static str = concat!(
            r#"{"user": "#,
            user!(),
            r#", "accountType": "INDIVIDUAL", "passwordChangedAt": "2026-11-01T12:00:00.000Z", "permissions": [],
                "withinReach": true, "sessions": ["#,
            session!(),
            r#"], "totalSessions": 1,
                "activity": [{
                    "id": "0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60", "at": "2026-11-28T08:00:00.000Z", "action": "sign_in",
                    "sessionId": "0198ad2e-7c10-7a52-9c3e-5d1f0a6b7c81", "deviceName": "Chrome on macOS",
                    "ipAddress": "192.0.2.17", "userAgent": "Mozilla/5.0 (Macintosh) Chrome/141.0.0.0"
                }]
            }"#
        );
    }

    impl Example for AdminActionRequest {
        const EXAMPLE: &'static str = r#"{"reason": "The phone was reported stolen."}"#;
    }

    impl Example for AdminUserChange {
        const EXAMPLE: &'static str = concat!(r#"{"user": "#, user!(), r#", "changed": true, "sessionsEnded": 3}"#);
    }

    impl Example for AdminSessionsEnded {
        const EXAMPLE: &'static str = r#"{"sessionsEnded": 3}"#;
    }

    impl Example for AdminSessionQuery {
        const EXAMPLE: &'static str = r#"{
            "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "network": "192.0.2.0/24", "client": "Chrome",
            "place": "Berlin", "signedInBefore": "2026-11-29T09:30:00.000Z",
            "cursor": "1764408600000.0198ad2e9d217c638d4f6e2a1b7c8d92.192.0.2.17", "limit": 50
        }"#;
    }

    impl Example for AdminSessionList {
        const EXAMPLE: &'static str = concat!(r#"{"sessions": ["#, users_session!(), "]}");
    }

    impl Example for EndRule {
        const EXAMPLE: &'static str = r#"{"network": "192.0.2.0/24", "client": "Chrome"}"#;
    }

    impl Example for EndPreview {
        const EXAMPLE: &'static str = concat!(
            r#"{"sessions": 1200, "users": 800, "complete": true, "spared": 1, "sample": ["#,
            users_session!(),
            "]}"
        );
    }

    impl Example for EndByRuleRequest {
        const EXAMPLE: &'static str =
            r#"{"rule": {"network": "192.0.2.0/24"}, "reason": "This network is no longer ours."}"#;
    }

    impl Example for EndRun {
        const EXAMPLE: &'static str = r#"{
            "id": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "status": "ending", "createdAt": "2026-11-29T09:30:00.000Z",
            "total": 1200, "ended": 400
        }"#;
    }

    impl Example for AuditQuery {
        const EXAMPLE: &'static str = r#"{
            "user": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "actor": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a71",
            "action": "session_ended", "address": "192.0.2.17", "from": "2026-11-28T00:00:00.000Z",
            "to": "2026-11-29T00:00:00.000Z", "cursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60",
            "after": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60", "limit": 50, "format": "ndjson"
        }"#;
    }

    impl Example for AuditPage {
        const EXAMPLE: &'static str = r#"{
            "entries": [{
                "id": "0198ad2f-0a11-7e42-9b53-1c2d3e4f5a60", "at": "2026-11-29T09:30:00.000Z",
                "action": "session_ended",
                "user": {"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70", "email": "ada@example.com"},
                "actor": {"userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a71", "email": "grace@example.com"},
                "sessionId": "0198ad2e-9d21-7c63-8d4f-6e2a1b7c8d92", "reason": "admin_revoked",
                "clientReason": "The phone was reported stolen.", "ipAddress": "192.0.2.17",
                "userAgent": "Mozilla/5.0 Chrome/141.0.0.0"
            }],
            "nextCursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60",
            "newestCursor": "1764408600000.0198ad2f0a117e429b531c2d3e4f5a60"
        }"#;
    }
}
