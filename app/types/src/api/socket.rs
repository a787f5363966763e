//! The socket on the wire: what happens to the user and in rooms comes over one connection.
//!
//! Both sides send JSON as text. A client that has no ticket says who it is first. It may say again and again which
//! rooms it is in, each time all of them: so a client that comes back says the same as before.

use serde::{Deserialize, Serialize};

use super::rooms::RoomId;
use crate::domain::UserId;
use crate::words::EventName;

/// `GET`: opens the socket. `?ticket=` is one of `POST /api/auth/events/ticket`.
pub const SOCKET: &str = "/api/ws";
/// The most rooms that one session can be in at once.
pub const MAX_ROOMS: usize = 20;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SocketRequest {
    /// First, unless a ticket opened the socket.
    Authenticate {
        /// The access token.
        #[serde(rename = "accessToken")]
        access_token: String,
    },
    /// The rooms that this session is in, in place of those said before. Presence in the others becomes `away`, then
    /// `grey`.
    Attend {
        /// At most [`MAX_ROOMS`].
        rooms: Vec<Attendance>,
    },
    /// The user writes, or does not any more. It holds for five seconds, so it is said again while they write.
    Typing {
        /// Where.
        #[serde(rename = "roomId")]
        room_id: RoomId,
        /// Whether they do.
        typing: bool,
    },
}

/// One room that a session is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attendance {
    /// The room.
    pub room_id: RoomId,
    /// Whether the user looks at it: `here`, otherwise `away`.
    pub here: bool,
}

/// What a server sends: an event, as the event stream has them, and those of the rooms that are attended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketMessage<D> {
    /// Its name: an [`EventName`], or one that a newer server has.
    pub event: String,
    /// What comes with it.
    pub data: D,
    /// Counts the events of this socket.
    pub id: u64,
}

/// Somebody writes in a room, or does not any more. After five seconds without a word they do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomTyping {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// Whether they do.
    pub typing: bool,
}

/// A room cannot be attended: it is gone, or the user is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoomClosed {
    /// The room.
    pub room_id: RoomId,
}

impl<D> SocketMessage<D> {
    /// Of an event that this version knows.
    pub fn of(event: EventName, data: D, id: u64) -> Self {
        Self { event: event.as_str().to_owned(), data, id }
    }
}

/// Why a server closes a socket: the code of its close frame (RFC 6455, section 7.4.2: 4000 and above are ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketClose {
    /// The session ended. The reason of the frame is the [`EndReason`](crate::words::EndReason). It is not opened
    /// again.
    SessionEnded,
    /// An operator disconnected it. The session goes on; it may be opened again.
    Disconnected,
    /// What was sent is not a message. It is not opened again before the program is another one.
    Malformed,
    /// The token or the ticket is refused: refresh, and open it again.
    Unauthenticated,
    /// Nobody said who they are in time.
    NotAuthenticated,
    /// Too many messages or sockets: open it again later.
    TooMany,
    /// The client reads too slowly and has missed something: open it again, and load everything anew.
    Slow,
    /// The server does not know what was revoked, or stops: open it again.
    Unavailable,
}

impl SocketClose {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SessionEnded,
        Self::Disconnected,
        Self::Malformed,
        Self::Unauthenticated,
        Self::NotAuthenticated,
        Self::TooMany,
        Self::Slow,
        Self::Unavailable,
    ];

    /// The code of the frame.
    pub const fn code(self) -> u16 {
        match self {
            Self::SessionEnded => 4001,
            Self::Disconnected => 4002,
            Self::Malformed => 4400,
            Self::Unauthenticated => 4401,
            Self::NotAuthenticated => 4408,
            Self::TooMany => 4429,
            Self::Slow => 4410,
            Self::Unavailable => 4503,
        }
    }

    /// What a code means. `None` for those of the protocol itself, and of newer servers: the connection is lost.
    pub fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|close| close.code() == code)
    }
}

#[cfg(feature = "schema")]
mod examples {
    use super::{RoomClosed, RoomTyping};
    use crate::api::examples::Example;

    impl Example for RoomTyping {
        const EXAMPLE: &'static str = r#"{
            "roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82", "userId": "0198ad2e-7c0f-7b11-8a64-2f9d4c3b1a70",
            "typing": true
        }"#;
    }

    impl Example for RoomClosed {
        const EXAMPLE: &'static str = r#"{"roomId": "0198ad30-2c33-7a64-9d75-3e4f5a6b7c82"}"#;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::json;

    #[test]
    fn requests_travel_as_objects_that_name_their_type() {
        let attic = RoomId(Uuid::from_u128(7));
        let rooms = vec![Attendance { room_id: attic, here: true }];
        for (request, text) in [
            (
                SocketRequest::Authenticate { access_token: "a.b.c".to_owned() },
                r#"{"type":"authenticate","accessToken":"a.b.c"}"#.to_owned(),
            ),
            (
                SocketRequest::Attend { rooms },
                format!(r#"{{"type":"attend","rooms":[{{"roomId":"{attic}","here":true}}]}}"#),
            ),
            (
                SocketRequest::Typing { room_id: attic, typing: false },
                format!(r#"{{"type":"typing","roomId":"{attic}","typing":false}}"#),
            ),
        ] {
            assert_eq!(json::write(&request).expect("JSON"), text);
            // Only servers read them, which have a reader for any JSON.
            assert_eq!(serde_json::from_str::<SocketRequest>(&text).expect("JSON"), request);
        }
        assert!(serde_json::from_str::<SocketRequest>(r#"{"type":"shout"}"#).is_err());
    }

    #[test]
    fn each_way_to_close_has_a_code_of_its_own() {
        for close in SocketClose::ALL {
            assert_eq!(SocketClose::of(close.code()), Some(close));
            assert!((4000..5000).contains(&close.code()));
        }
        assert_eq!(SocketClose::of(1006), None);
    }
}
