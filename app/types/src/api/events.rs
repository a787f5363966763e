//! What the event stream says. Each variant is one `event:` name with its JSON `data:`.

use serde::{Deserialize, Serialize};

use super::alerts::SecurityAlert;
use super::rooms::WrittenRoomEvent;
use super::sessions::Session;
use crate::domain::{AlertId, SessionId, Timestamp, UserId};
use crate::json;
use crate::words::{EndReason, EventName, OrOther};

/// One event, named and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// The stream is open.
    Hello(Hello),
    /// A device signed in.
    SessionCreated(SessionCreated),
    /// A device was renamed, became active, or was prolonged.
    SessionUpdated(SessionUpdated),
    /// A device was signed out.
    SessionEnded(Ended),
    /// This session will end soon.
    SessionExpiring(Expiring),
    /// The user changed: refresh the access token.
    UserUpdated(UserUpdated),
    /// Something that the user should look at.
    SecurityAlert(SecurityAlert),
    /// Something happened in a room: for those who listen to it.
    Room(WrittenRoomEvent),
}

/// First on every stream: refetch what you show, you may have missed events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The session the stream belongs to.
    pub session_id: SessionId,
    /// The server's time.
    pub server_time: Timestamp,
}

/// A device signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionCreated {
    /// The new session.
    pub session: Session,
    /// The alert that asks about it, where the device was not known: the event `security.alert` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<AlertId>,
}

/// What changed about a device; what is absent stayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionUpdated {
    /// The session.
    pub session_id: SessionId,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// When it was last active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_active: Option<Timestamp>,
    /// Whether it is in use at this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_now: Option<bool>,
    /// When it ends unless it is used before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A device was signed out. The stream of that device closes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SessionEnded))]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// The session that ended.
    pub session_id: SessionId,
    /// Why.
    pub reason: OrOther<EndReason>,
    /// The session that ended it, where one did.
    pub ended_by: Option<SessionId>,
    /// The name of the device that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by_device: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// This session will end soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = SessionExpiring))]
#[serde(rename_all = "camelCase")]
pub struct Expiring {
    /// The session.
    pub session_id: SessionId,
    /// Seconds until it ends unless it is refreshed.
    pub expires_in: u64,
}

/// The user changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserUpdated {
    /// The user.
    pub user_id: UserId,
}

impl ServerEvent {
    /// The name that goes into the stream's `event:` line.
    pub const fn name(&self) -> EventName {
        match self {
            Self::Hello(_) => EventName::Hello,
            Self::SessionCreated(_) => EventName::SessionCreated,
            Self::SessionUpdated(_) => EventName::SessionUpdated,
            Self::SessionEnded(_) => EventName::SessionEnded,
            Self::SessionExpiring(_) => EventName::SessionExpiring,
            Self::UserUpdated(_) => EventName::UserUpdated,
            Self::SecurityAlert(_) => EventName::SecurityAlert,
            Self::Room(event) => event.name,
        }
    }

    /// The JSON that goes into the stream's `data:` line.
    pub fn data(&self) -> Result<String, json::Unreadable> {
        match self {
            Self::Hello(data) => json::write(data),
            Self::SessionCreated(data) => json::write(data),
            Self::SessionUpdated(data) => json::write(data),
            Self::SessionEnded(data) => json::write(data),
            Self::SessionExpiring(data) => json::write(data),
            Self::UserUpdated(data) => json::write(data),
            Self::SecurityAlert(data) => json::write(data),
            Self::Room(event) => Ok(event.data.clone()),
        }
    }

    /// Reads an event back. `None` for a name this version does not know, so that newer servers may say more.
    pub fn parse(name: &str, data: &str) -> Option<Result<Self, json::Unreadable>> {
        let name = EventName::parse(name)?;
        Some(match name {
            EventName::Hello => json::read(data).map(Self::Hello),
            EventName::SessionCreated => json::read(data).map(Self::SessionCreated),
            EventName::SessionUpdated => json::read(data).map(Self::SessionUpdated),
            EventName::SessionEnded => json::read(data).map(Self::SessionEnded),
            EventName::SessionExpiring => json::read(data).map(Self::SessionExpiring),
            EventName::UserUpdated => json::read(data).map(Self::UserUpdated),
            EventName::SecurityAlert => json::read(data).map(Self::SecurityAlert),
            EventName::RoomJoined
            | EventName::RoomLeft
            | EventName::RoomPresence
            | EventName::RoomMessage
            | EventName::RoomMessageRemoved
            | EventName::RoomUserDeleted
            | EventName::RoomTyping
            | EventName::RoomClosed => Ok(Self::Room(WrittenRoomEvent { name, data: data.to_owned() })),
        })
    }
}
