//! Alerts on the wire: *Was this you?*, stored by the server until somebody answers.

use serde::{Deserialize, Serialize};

use super::request::request;
use super::sessions::DeviceDescription;
use crate::domain::{AlertId, SessionId, Timestamp};
use crate::words::{AlertAnswer, AlertKind, OrOther};

/// Something that the user should look at: an entry of the list, and an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecurityAlert {
    /// The alert's id.
    pub alert_id: AlertId,
    /// What it is about.
    pub kind: OrOther<AlertKind>,
    /// The session it concerns.
    pub session_id: SessionId,
    /// A sentence for users.
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
    pub answer: Option<OrOther<AlertAnswer>>,
}

/// Answer of `GET /api/user/alerts`: what nobody has answered yet, newest first. What is about the session that asks is
/// not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AlertList {
    /// The newest ones.
    pub alerts: Vec<SecurityAlert>,
    /// How many there are in all.
    pub total: u64,
}

request! {
    /// Body of `POST /api/user/alerts/{id}`.
    AnswerAlertRequest, AnswerAlertFields {
        /// What the user says.
        answer: AlertAnswer,
        /// The password, where the answer is `me` and the device may not give it without a proof.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    }
}
