//! An open socket, until it is closed.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::StatusCode;
use types::api::socket::MAX_ROOMS;
use types::api::{RoomId, ServerEvent, SocketClose, SocketRequest};

use super::allowance::Allowance;
use super::pings::{Pings, Unanswered};
use crate::events::WhyClosed;
use crate::http::problem::ApiError;
use crate::http::state::ApiState;
use crate::rooms::metrics::SocketEnd;
use crate::rooms::sockets::RoomSocket;
use crate::sessions::handlers::listening::{Listening, by_access_token};

/// The most bytes that a client may send at once.
pub const LONGEST_MESSAGE: usize = 4096;
/// How long a client may take to say who it is.
const AUTHENTICATES_WITHIN: Duration = Duration::from_secs(10);
/// How often a client is pinged.
const PING: Duration = Duration::from_secs(20);
/// How long a client may take to read what it is sent.
const READS_WITHIN: Duration = Duration::from_secs(10);
/// How long the handshake that closes may take.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);

/// How a socket ends.
enum End {
    /// With a code, and words for the frame.
    Close(SocketClose, String),
    /// The client has gone.
    Gone,
    /// Nothing can be read any more: the connection broke, or what came was too long, or no WebSocket.
    Broken,
}

impl From<SocketClose> for End {
    fn from(close: SocketClose) -> Self {
        Self::Close(close, String::new())
    }
}

impl From<Unanswered> for End {
    fn from(_: Unanswered) -> Self {
        Self::Gone
    }
}

/// Serves a socket to its end. Who has not said at the handshake who they are says so first.
///
/// Thousands of sockets rest here for hours: what they hold is boxed, or each hand-over would set aside room for it.
pub async fn run(state: ApiState, mut socket: WebSocket, listening: Option<Box<Listening>>, ip: String) {
    let listening = match listening {
        Some(listening) => Ok(listening),
        // Boxed, since thousands of sockets rest for hours after it.
        None => Box::pin(authenticate(&state, &mut socket, ip)).await,
    };
    let end = match listening {
        Ok(listening) => serve(&state, &mut socket, listening).await,
        Err(end) => end,
    };
    state.rooms().metrics.sockets_closed.increment(end.label());
    Box::pin(close(socket, end)).await;
}

/// Reads the first message, and begins to listen for whoever it is.
async fn authenticate(state: &ApiState, socket: &mut WebSocket, ip: String) -> Result<Box<Listening>, End> {
    let first = tokio::select! {
        first = first_message(socket, AUTHENTICATES_WITHIN) => first?,
        () = state.stopping.cancelled() => return Err(SocketClose::Unavailable.into()),
    };
    let SocketRequest::Authenticate { access_token } = first else {
        return Err(SocketClose::Unauthenticated.into());
    };
    let who = by_access_token(state, &access_token).await.map_err(|error| refused(&error))?;
    Listening::begin(state, who, ip).await.map(Box::new).map_err(|error| refused(&error).into())
}

/// The first message, in time.
async fn first_message(
    messages: &mut (impl Stream<Item = Result<Message, axum::Error>> + Send + Unpin),
    within: Duration,
) -> Result<SocketRequest, End> {
    let first = async {
        loop {
            if let Some(first) = read(messages.next().await).transpose() {
                return first;
            }
        }
    };
    tokio::time::timeout(within, first).await.map_err(|_| SocketClose::NotAuthenticated)?
}

/// How a socket says what a call would have been answered with.
fn refused(error: &ApiError) -> SocketClose {
    match error.status() {
        StatusCode::TOO_MANY_REQUESTS => SocketClose::TooMany,
        status if status.is_server_error() => SocketClose::Unavailable,
        _ => SocketClose::Unauthenticated,
    }
}

/// What a client has sent; nothing where it only shows that it is there.
fn read(received: Option<Result<Message, axum::Error>>) -> Result<Option<SocketRequest>, End> {
    match received {
        Some(Ok(Message::Text(text))) => {
            serde_json::from_str(text.as_str()).map(Some).map_err(|_| SocketClose::Malformed.into())
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Ok(Message::Binary(_))) => Err(SocketClose::Malformed.into()),
        Some(Err(_)) => Err(End::Broken),
    }
}

async fn serve(state: &ApiState, socket: &mut WebSocket, mut listening: Box<Listening>) -> End {
    let Some(events) = listening.sender() else { return closed(&listening) };
    let rooms = state.rooms().open_socket(*listening.who(), events);
    let now = state.context.clock.monotonic();
    let pings = Pings::every(PING);
    let mut connection = Connection { number: 0, pings, allowance: Allowance::full(now), rooms };
    match connection.run(state, socket, &mut listening).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

/// Why a socket is closed whose events have ended.
fn closed(listening: &Listening) -> End {
    match listening.why_closed() {
        Some(WhyClosed::Slow) => SocketClose::Slow.into(),
        Some(WhyClosed::Disconnected) => SocketClose::Disconnected.into(),
        None => SocketClose::Unavailable.into(),
    }
}

/// An open socket whose user is known.
struct Connection {
    /// Of the last event.
    number: u64,
    pings: Pings,
    allowance: Allowance,
    rooms: RoomSocket,
}

impl Connection {
    async fn run(
        &mut self,
        state: &ApiState,
        socket: &mut WebSocket,
        listening: &mut Listening,
    ) -> Result<std::convert::Infallible, End> {
        send(socket, Message::text(written(&listening.hello(), self.number))).await?;
        // One of its own: every socket would otherwise take the lock of the one token each time it wakes.
        let stopping = state.stopping.child_token();
        loop {
            tokio::select! {
                event = listening.next() => {
                    send_next(&mut self.number, socket, listening, event).await?;
                    self.rooms.prolong(listening.deadline());
                }
                received = socket.recv() => {
                    self.pings.answered();
                    if let Some(request) = read(received)? {
                        // Boxed, since thousands of sockets rest for hours and hardly ever say anything.
                        Box::pin(self.handle(state, socket, listening, request)).await?;
                    }
                }
                // Streams are closed then, but one that has just begun may have missed that.
                () = stopping.cancelled() => return Err(SocketClose::Unavailable.into()),
                due = self.pings.due() => {
                    due?;
                    send(socket, Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    /// Does what a client asks for, unless its socket is closed meanwhile.
    async fn handle(
        &mut self,
        state: &ApiState,
        socket: &mut WebSocket,
        listening: &mut Listening,
        request: SocketRequest,
    ) -> Result<(), End> {
        let now = state.context.clock.monotonic();
        match request {
            // It has said who it is. A new token changes nothing: the session is the same.
            SocketRequest::Authenticate { .. } => self.spend(1, now),
            SocketRequest::Attend { rooms } => {
                if rooms.len() > MAX_ROOMS {
                    return Err(SocketClose::Malformed.into());
                }
                let wanted: HashMap<RoomId, bool> = rooms.iter().map(|room| (room.room_id, room.here)).collect();
                self.spend(1 + self.rooms.count_new(&wanted), now)?;
                let Self { number, rooms, .. } = self;
                let mut attended = pin!(rooms.attend(&wanted));
                // What happens meanwhile is sent meanwhile. Where a whole room comes back at once, it is more than a
                // queue takes.
                loop {
                    tokio::select! {
                        attended = &mut attended => return attended.map_err(|_| SocketClose::Unavailable.into()),
                        event = listening.next() => send_next(number, socket, listening, event).await?,
                    }
                }
            }
            SocketRequest::Typing { room_id, typing } => {
                self.spend(1, now)?;
                self.rooms.types(room_id, typing);
                Ok(())
            }
        }
    }

    fn spend(&mut self, cost: usize, now: std::time::Instant) -> Result<(), End> {
        if self.allowance.spend(cost, now) { Ok(()) } else { Err(SocketClose::TooMany.into()) }
    }
}

/// Sends the next event, where there is one. After the end of its session the socket ends.
async fn send_next(
    number: &mut u64,
    socket: &mut WebSocket,
    listening: &Listening,
    event: Option<Arc<ServerEvent>>,
) -> Result<(), End> {
    // What is left of a queue that was full is not worth reading.
    let event = event.filter(|_| listening.why_closed().is_none());
    let Some(event) = event else { return Err(closed(listening)) };
    *number += 1;
    send(socket, Message::text(written(&event, *number))).await?;
    match &*event {
        ServerEvent::SessionEnded(ended) if listening.is_own_end(&event) => {
            Err(End::Close(SocketClose::SessionEnded, ended.reason.name().to_owned()))
        }
        _ => Ok(()),
    }
}

/// An event as the socket says it ([`types::api::SocketMessage`]). Its data is JSON already.
fn written(event: &ServerEvent, number: u64) -> String {
    let data = event.data().unwrap_or_else(|_| "{}".to_owned());
    format!(r#"{{"event":"{}","data":{data},"id":{number}}}"#, event.name().as_str())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match tokio::time::timeout(READS_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(SocketClose::Slow.into()),
    }
}

/// Says why, and waits a moment for the answer: closed at once, the client might not read it. Who closes first is
/// answered.
async fn close(mut socket: WebSocket, end: End) {
    let handshake = async {
        let words = match end {
            End::Close(close, reason) => Some((close, reason)),
            // If somebody is there who reads it.
            End::Broken => Some((SocketClose::Malformed, String::new())),
            End::Gone => None,
        };
        if let Some((close, reason)) = words {
            let frame = CloseFrame { code: close.code(), reason: reason.into() };
            socket.send(Message::Close(Some(frame))).await?;
        }
        while let Some(received) = socket.recv().await {
            received?;
        }
        Ok::<(), axum::Error>(())
    };
    // The connection is dropped either way.
    let _ = tokio::time::timeout(CLOSES_WITHIN, handshake).await;
}

impl End {
    const fn label(&self) -> SocketEnd {
        match self {
            Self::Gone | Self::Broken => SocketEnd::Gone,
            Self::Close(close, _) => match close {
                SocketClose::SessionEnded => SocketEnd::SessionEnded,
                SocketClose::Disconnected => SocketEnd::Disconnected,
                SocketClose::Malformed => SocketEnd::Malformed,
                SocketClose::Unauthenticated => SocketEnd::Unauthenticated,
                SocketClose::NotAuthenticated => SocketEnd::NotAuthenticated,
                SocketClose::TooMany => SocketEnd::TooMany,
                SocketClose::Slow => SocketEnd::Slow,
                SocketClose::Unavailable => SocketEnd::Unavailable,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use types::api::{SocketMessage, UserUpdated};
    use types::domain::UserId;
    use types::words::EventName;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn events_are_written_as_messages_of_the_socket() {
        let updated = UserUpdated { user_id: UserId(Uuid::from_u128(1)) };
        let text = written(&ServerEvent::UserUpdated(updated.clone()), 7);
        let message: SocketMessage<UserUpdated> = serde_json::from_str(&text).unwrap();
        assert_eq!(message, SocketMessage::of(EventName::UserUpdated, updated, 7));
    }

    #[tokio::test]
    async fn whoever_only_shows_that_they_are_there_has_not_said_in_time_who_they_are() {
        let ping = Ok(Message::Ping(Bytes::new()));
        let mut messages = stream::iter([ping]).chain(stream::pending());
        let end = first_message(&mut messages, Duration::from_millis(1)).await;
        assert!(matches!(end, Err(End::Close(SocketClose::NotAuthenticated, _))));
    }

    #[tokio::test]
    async fn the_first_message_may_come_after_pings() {
        let text = r#"{"type":"authenticate","accessToken":"a.b.c"}"#;
        let mut messages = stream::iter([Ok(Message::Ping(Bytes::new())), Ok(Message::text(text))]);
        let first = first_message(&mut messages, Duration::from_mins(1)).await;
        assert!(matches!(first, Ok(SocketRequest::Authenticate { access_token }) if access_token == "a.b.c"));
        assert!(matches!(first_message(&mut messages, Duration::from_mins(1)).await, Err(End::Gone)));
    }

    #[test]
    fn what_is_no_message_closes_the_socket() {
        let closes = |received| match read(received) {
            Err(End::Close(close, _)) => Some(close),
            _ => None,
        };
        for message in [Message::text("{}"), Message::text(r#"{"type":"shout"}"#), Message::binary(&b"{}"[..])] {
            assert_eq!(closes(Some(Ok(message))), Some(SocketClose::Malformed));
        }
        assert!(matches!(read(Some(Ok(Message::Pong(Bytes::new())))), Ok(None)));
        assert!(matches!(read(None), Err(End::Gone)));
        let typing = format!(r#"{{"type":"typing","roomId":"{}","typing":true}}"#, Uuid::nil());
        assert!(matches!(read(Some(Ok(Message::text(typing)))), Ok(Some(SocketRequest::Typing { typing: true, .. }))));
    }
}
