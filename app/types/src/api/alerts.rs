//! Alerts on the wire: *Was this you?*, kept by the server until somebody answers.

use serde::{Deserialize, Serialize};

use super::sessions::DeviceDescription;
use crate::domain::{AlertId, SessionId, Timestamp};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A device signed in that the person has not used before.
    NewSignIn,
    /// A refresh token was used again after it had been replaced: its session may have been copied, and was ended.
    RefreshReuse,
}

impl AlertKind {
    /// The name used in database and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewSignIn => "new_sign_in",
            Self::RefreshReuse => "refresh_reuse",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::NewSignIn, Self::RefreshReuse].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What the person says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertAnswer {
    /// It was me.
    Me,
    /// It was somebody else: every other device is signed out.
    NotMe,
    /// Sign that device out, and leave the others alone.
    EndSession,
}

impl AlertAnswer {
    /// The name used in database and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::NotMe => "not_me",
            Self::EndSession => "end_session",
        }
    }

    /// The answer of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Me, Self::NotMe, Self::EndSession].into_iter().find(|answer| answer.as_str() == name)
    }
}

/// Something that the person should look at: an entry of the list, and an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityAlert {
    /// The alert's id.
    pub alert_id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// The session it concerns.
    pub session_id: SessionId,
    /// A sentence for people.
    pub message: String,
    /// When.
    pub at: Timestamp,
    /// The device.
    pub device_info: DeviceDescription,
    /// Where from; empty after `IP_RETENTION`.
    pub ip_address: String,
    /// Approximate place of that address, where a `GeoIP` database is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether the session is still signed in.
    pub signed_in: bool,
    /// What was answered. The events of an alert say it; the list has only those that nobody has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AlertAnswer>,
}

/// Answer of `GET /api/user/alerts`: what nobody has answered yet, newest first. What is about the session that asks is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertList {
    /// The newest ones.
    pub alerts: Vec<SecurityAlert>,
    /// How many there are in all.
    pub total: u64,
}

/// Body of `POST /api/user/alerts/{id}`.
#[derive(Clone, Serialize, Deserialize)]
pub struct AnswerAlertRequest {
    /// What the person says.
    pub answer: AlertAnswer,
    /// The password, where `me` is said from a device that has no standing to say so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}
