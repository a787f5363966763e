//! Administration on the wire: the installation at a glance, users and sessions of others, ends by rule, the audit log.

mod audit;
#[cfg(feature = "schema")]
mod examples;
mod overview;

use serde::{Deserialize, Serialize};

use super::request::request;
use super::sessions::{ActivityEntry, Session};
use crate::domain::{SessionId, Timestamp, UserId};
use crate::words::{AccountType, EndRunStatus, OrOther};

pub use audit::{AuditEntry, AuditPage, AuditParty, AuditQuery};
pub use overview::{AdminOverview, JobCount, ServerState, SettingDifference, SignInCount};

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
/// How many rows a page of a list has where the query does not say.
pub const PAGE_ROWS: u16 = 50;
/// The most that it may ask for.
pub const MOST_PAGE_ROWS: u16 = 200;
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
/// `GET`: ends by rule, newest first.
pub const END_RUNS: &str = "/api/admin/end-runs";
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
    format!("{END_RUNS}/{id}")
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
    /// Whether anybody may act for the user: `IMPERSONATION` is on, and the account is not disabled.
    #[serde(default)]
    pub can_be_acted_for: bool,
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
    unknown
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
    /// Which sessions; absent where somebody else asked and the caller may read neither sessions nor the audit log, or
    /// where another version of the server was asked, in words that this one does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<EndRule>,
    /// Whom the rule names, where it names somebody and is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<AuditParty>,
    /// Who asked for it; absent where a server of an earlier version answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AuditParty>,
    /// Why, in their words, where the rule is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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

/// Answer of `GET /api/admin/end-runs`: newest first, as far back as addresses are kept (`IP_RETENTION`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct EndRunList {
    /// Receipts, of whoever asked.
    pub runs: Vec<EndRun>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
