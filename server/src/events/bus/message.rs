//! Messages between servers, and their JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::api::{RoomId, ServerEvent};
use types::domain::UserId;
use uuid::Uuid;

use crate::events::{SubscriberId, Topic};

/// One message between servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The revocation log has grown.
    Revoked,
    /// A subscriber is disconnected, wherever it listens.
    Disconnect(SubscriberId),
    /// An event for all subscribers of a topic, except `except`.
    Event {
        topic: Topic,
        /// Whom it is not for.
        except: Option<SubscriberId>,
        event: Box<ServerEvent>,
    },
}

/// A message as it is written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum WireMessage {
    Revoked,
    Disconnect {
        subscriber: Uuid,
    },
    Event {
        topic: WireTopic,
        except: Option<Uuid>,
        name: String,
        data: Value,
    },
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

/// A topic as it is written. Kinds of a newer version can be read, and are passed over.
#[derive(Serialize, Deserialize)]
pub struct WireTopic {
    kind: String,
    id: Uuid,
}

const USER: &str = "user";
const ROOM: &str = "room";

impl From<Message> for WireMessage {
    fn from(message: Message) -> Self {
        match message {
            Message::Revoked => Self::Revoked,
            Message::Disconnect(SubscriberId(subscriber)) => Self::Disconnect { subscriber },
            Message::Event { topic, except, event } => {
                let data = event.data().ok().and_then(|data| serde_json::from_str(&data).ok()).unwrap_or_default();
                let except = except.map(|SubscriberId(id)| id);
                Self::Event { topic: topic.into(), except, name: event.name().as_str().to_owned(), data }
            }
        }
    }
}

impl WireMessage {
    /// The message. `None` for what this version does not know.
    pub fn read(self) -> Option<Message> {
        match self {
            Self::Revoked => Some(Message::Revoked),
            Self::Disconnect { subscriber } => Some(Message::Disconnect(SubscriberId(subscriber))),
            Self::Event { topic, except, name, data } => {
                let event = ServerEvent::parse(&name, &data.to_string())?.ok()?;
                let (topic, except) = (topic.read()?, except.map(SubscriberId));
                Some(Message::Event { topic, except, event: Box::new(event) })
            }
            Self::Unknown => None,
        }
    }
}

impl From<Topic> for WireTopic {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::User(UserId(id)) => Self { kind: USER.to_owned(), id },
            Topic::Room(RoomId(id)) => Self { kind: ROOM.to_owned(), id },
        }
    }
}

impl WireTopic {
    fn read(self) -> Option<Topic> {
        match self.kind.as_str() {
            USER => Some(Topic::User(UserId(self.id))),
            ROOM => Some(Topic::Room(RoomId(self.id))),
            _ => None,
        }
    }
}
