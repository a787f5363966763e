//! Sessions on the wire. A *session* is one signed-in device; pages call it a *device*.

use serde::{Deserialize, Serialize};

use super::account::UserSummary;
use super::impersonation::Acting;
use super::request::request;
use super::roles::RolesChange;
use crate::domain::{SessionId, Timestamp};
use crate::words::{AuditAction, DeviceKind, EndReason, HistoryKind, OrOther, ReceiptStatus, SignInMethod};

request! {
    /// What a client says of its device at sign-in. The rest is read from the user agent.
    #[derive(Debug, Default, PartialEq, Eq)]
    DeviceInfo, DeviceInfoFields {
        /// A name for the device, such as *Ada's laptop*.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_name: Option<String>,
        /// The platform, such as `ios`, `android`, `web`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        platform: Option<String>,
        /// The version of the client app.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app_version: Option<String>,
    }
}

/// A sort of device that this version does not know looks like one that nobody knows.
fn kind_or_unknown<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DeviceKind, D::Error> {
    Ok(OrOther::deserialize(deserializer)?.known().unwrap_or(DeviceKind::Unknown))
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceDescription {
    /// The name users see; they can change it.
    pub device_name: String,
    /// The platform, such as `web`, `ios`, `macOS`.
    pub platform: String,
    /// Browser with its major version, such as `Chrome 141`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Operating system, such as `macOS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The sort of device.
    #[serde(deserialize_with = "kind_or_unknown")]
    #[cfg_attr(feature = "schema", schema(value_type = OrOther<DeviceKind>))]
    pub kind: DeviceKind,
    /// Version of the client app, where it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
}

impl DeviceDescription {
    /// What the device is: *Chrome 141 on macOS*, or as much of it as is known.
    pub fn summary(&self) -> String {
        match (&self.browser, &self.os) {
            (Some(browser), Some(os)) => format!("{browser} on {os}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => match &self.app_version {
                Some(version) => format!("{} {version}", self.platform),
                None => self.platform.clone(),
            },
        }
    }

    /// The browser without its version: *Chrome*.
    pub fn browser_family(&self) -> Option<&str> {
        let is_version = |c: char| c.is_ascii_digit() || c == '.';
        self.browser.as_deref().map(|browser| browser.trim_end_matches(is_version).trim_end())
    }

    /// What the question about a sign-in calls the device: browser and system where there are any, else by the name it
    /// was given.
    pub fn name_in_question(&self) -> String {
        if self.browser.is_some() { self.summary() } else { self.device_name.clone() }
    }

    /// Whether the question about a sign-in says the device's own name, with or without the version of the browser.
    pub fn question_says_name(&self) -> bool {
        let without_version = Self { browser: self.browser_family().map(str::to_owned), ..self.clone() };
        [self, &without_version].into_iter().any(|device| device.name_in_question() == device.device_name)
    }
}

/// One session, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The session's id.
    pub session_id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The device.
    pub device_info: DeviceDescription,
    /// Where it was last seen; empty after `IP_RETENTION`.
    pub ip_address: String,
    /// Approximate place of that address, where a `GeoIP` database is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it last made a request, at most a minute late.
    pub last_active: Timestamp,
    /// Whether it is in use at this moment.
    pub active_now: bool,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
    /// How it was signed in.
    pub signed_in_with: OrOther<SignInMethod>,
    /// The user agent as it was sent.
    pub user_agent: String,
    /// Who acts for the user in it, where somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<Acting>,
}

/// Which page of a list: `?cursor=…&limit=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PageQuery {
    /// `nextCursor` of the page before; the first page where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many entries at most: a whole number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub limit: Option<String>,
}

/// What may be in the address of a call that ends all sessions, because many clients send no body with `DELETE`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogoutAllQuery {
    /// Whether this session stays, where the body does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_current: Option<bool>,
}

/// What may be in the address of the event stream. An access token may not (RFC 9700, section 4.3.2): nothing reads one
/// there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StreamQuery {
    /// Opens the stream once, for clients that cannot send headers with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// Answer of `GET /api/auth/sessions`: the current one first, then by last active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionList {
    /// The sessions, 200 at the most.
    pub sessions: Vec<Session>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many there are in all, where these are not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

request! {
    /// Body of `POST /api/auth/sessions/end`, which answers like a call that ends sessions.
    #[derive(Debug)]
    EndSessionsRequest, EndSessionsFields {
        /// Which: 100 at the most, and not the one that asks.
        session_ids: Vec<SessionId>,
        /// The client's own reason, at most 200 characters; what is longer is cut, what is no text is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

request! {
    /// Body of `DELETE /api/auth/sessions/{id}`, which may be empty.
    #[derive(Debug, Default)]
    EndSessionRequest, EndSessionFields {
        /// The client's own reason, at most 200 characters; what is longer is cut, what is no text is ignored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}

request! {
    /// Body of `PATCH /api/auth/sessions/{id}`.
    #[derive(Debug)]
    RenameRequest, RenameFields {
        /// The new name.
        device_name: String,
    }
}

/// Answer of `GET /api/auth/session`: everything in it comes from the token. A token of an older system has no session;
/// both members are null then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WhoAmI {
    /// The session's id.
    pub session_id: Option<SessionId>,
    /// The session.
    pub session: Option<CurrentSession>,
    /// The user.
    pub user: UserSummary,
}

/// What a token knows of its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CurrentSession {
    /// The session's id.
    pub session_id: SessionId,
    /// Always true.
    pub current: bool,
    /// When it was signed in.
    pub created_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// When it ends however often it is refreshed.
    pub max_expires_at: Timestamp,
    /// How it was signed in.
    pub signed_in_with: OrOther<SignInMethod>,
    /// When the access token runs out.
    pub token_expires_at: Timestamp,
}

/// Answer of `POST /api/auth/events/ticket`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamTicket {
    /// Opens the event stream once: `GET /api/auth/events?ticket=…`.
    pub ticket: String,
    /// Seconds until it is worthless.
    pub expires_in: u64,
}

/// One device on a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiptDevice {
    /// The ended session.
    pub session_id: SessionId,
    /// Whether it is the device that asked.
    pub current: bool,
    /// The device's name.
    pub device_name: String,
    /// The sort of device.
    #[serde(deserialize_with = "kind_or_unknown")]
    #[cfg_attr(feature = "schema", schema(value_type = OrOther<DeviceKind>))]
    pub kind: DeviceKind,
    /// How far it has got.
    pub status: OrOther<ReceiptStatus>,
}

/// The receipt of a sign-out: which devices know of it. It fills in while devices answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Unguessable; knowing it is the permission to read it.
    pub id: String,
    /// The devices that were signed out.
    pub devices: Vec<ReceiptDevice>,
}

/// Answer of `GET /api/user/activity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Newest first.
    pub entries: Vec<ActivityEntry>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One audit entry of this user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ActivityEntry {
    /// The entry's id.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: OrOther<AuditAction>,
    /// Why, where a session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OrOther<EndReason>>,
    /// The client's own words for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_reason: Option<String>,
    /// The roles before and after, where those were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesChange>,
    /// The session it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The name of that device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Who acts for the user in that session, where somebody does, as long as the session is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<Acting>,
    /// Where the request came from; empty after `IP_RETENTION`.
    pub ip_address: String,
    /// Approximate place of that address, where a `GeoIP` database is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What the request came from; empty after `IP_RETENTION`.
    pub user_agent: String,
}

/// Answer of `GET /api/auth/sessions/{id}/history`: the entries of one session, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionHistory {
    /// The session.
    pub session_id: SessionId,
    /// The device's name.
    pub device_name: String,
    /// What happened, oldest first.
    pub entries: Vec<HistoryEntry>,
}

/// One entry of a session's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: OrOther<HistoryKind>,
    /// Why it ended, or what it was renamed to, or the networks it moved between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where from; empty after `IP_RETENTION`.
    pub ip_address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_of_a_newer_server_are_read() {
        let session = r#"{
            "sessionId": "0192f0c1-2345-7000-8000-000000000001", "current": true, "ipAddress": "192.0.2.1", "activeNow": true,
            "createdAt": "2026-11-28T08:00:00Z", "lastActive": "2026-11-28T08:00:00Z", "expiresAt": "2026-11-28T08:00:00Z",
            "signedInWith": "carrier_pigeon", "userAgent": "",
            "deviceInfo": {"deviceName": "a watch", "platform": "watch", "kind": "watch"}
        }"#;
        let session: Session = serde_json::from_str(session).expect("a session");
        assert_eq!(session.signed_in_with.name(), "carrier_pigeon");
        assert_eq!(session.device_info.kind, DeviceKind::Unknown);
        let entry = r#"{"id": "1", "at": "2026-11-28T08:00:00Z", "action": "pigeon_fed", "reason": "pigeon_tired", "ipAddress": "",
            "userAgent": ""}"#;
        let entry: ActivityEntry = serde_json::from_str(entry).expect("an entry");
        assert_eq!(
            (entry.action.name(), entry.reason.as_ref().map(OrOther::name)),
            ("pigeon_fed", Some("pigeon_tired"))
        );
        let device = r#"{"sessionId": "0192f0c1-2345-7000-8000-000000000001", "current": false, "deviceName": "a watch",
            "kind": "watch", "status": "asleep"}"#;
        let device: ReceiptDevice = serde_json::from_str(device).expect("a device");
        assert_eq!((device.kind, device.status.name()), (DeviceKind::Unknown, "asleep"));
    }
}
