//! A client of the socket.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

use super::app::{Device, TestApp};
use super::contract;

/// How long something may take that comes by itself.
const WITHIN: Duration = Duration::from_secs(15);

/// An open socket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a server says.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An event, with its data.
    Event(String, Value),
    /// It has closed the socket, with this code and these words; without them, the connection is lost.
    Closed(Option<(u16, String)>),
}

impl Socket {
    /// Opens one, with what stands in the address after the path, and headers.
    ///
    /// # Errors
    /// The status of a refusal.
    pub async fn open(app: &TestApp, query: &str, headers: &[(&'static str, &str)]) -> Result<Self, StatusCode> {
        let url = format!("ws://{}/api/ws{query}", app.address);
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(StatusCode::from_u16(response.status().as_u16()).expect("a status")),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens one at a server, by an access token. `None` where that gives none.
    pub async fn at(server: SocketAddr, access_token: &str) -> Option<Self> {
        let mut request = format!("ws://{server}/api/ws").into_client_request().expect("a request");
        let bearer = format!("Bearer {access_token}");
        request.headers_mut().insert("authorization", bearer.parse().expect("a header"));
        connect_async(request).await.ok().map(|(socket, _)| Self(socket))
    }

    /// Opens one that says first who it is, and waits for `hello`.
    pub async fn of(device: &Device<'_>) -> Self {
        let mut socket = Self::open(device.app, "", &[]).await.expect("a socket");
        socket.says(&json!({"type": "authenticate", "accessToken": device.access_token()})).await;
        assert_eq!(socket.next_named("hello").await["sessionId"], device.session_id());
        socket
    }

    /// One for which the operating system keeps hardly anything that is not read yet.
    pub async fn with_small_buffer(device: &Device<'_>) -> Self {
        let stream = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        stream.set_recv_buffer_size(4096).expect("a small buffer");
        stream.connect(&device.app.address.into()).expect("a connection");
        stream.set_nonblocking(true).expect("a mode");
        let stream = MaybeTlsStream::Plain(TcpStream::from_std(stream.into()).expect("a stream"));
        let mut request = format!("ws://{}/api/ws", device.app.address).into_client_request().expect("a request");
        let bearer = format!("Bearer {}", device.access_token());
        request.headers_mut().insert("authorization", bearer.parse().expect("a header"));
        Self(client_async(request, stream).await.expect("a handshake").0)
    }

    /// One that attends a room, given by its path, and is known to be there.
    pub async fn attending(device: &Device<'_>, room: &str) -> Self {
        let mut socket = Self::of(device).await;
        socket.is_in(device, room).await;
        socket
    }

    /// Attends a room, given by its path, and waits until it is known to be there.
    pub async fn is_in(&mut self, device: &Device<'_>, room: &str) {
        self.attends(&[(room, true)]).await;
        let user = &device.tokens["user"]["id"];
        while self.next_named("room.presence").await["userId"] != *user {}
    }

    /// Attends these rooms, given by their paths, and no others.
    pub async fn attends(&mut self, rooms: &[(&str, bool)]) {
        self.says(&attend(rooms)).await;
    }

    /// Writes in a room, or does not any more.
    pub async fn types(&mut self, room: &str, typing: bool) {
        self.says(&json!({"type": "typing", "roomId": id_of_room(room), "typing": typing})).await;
    }

    pub async fn says(&mut self, message: &Value) {
        self.says_text(&message.to_string()).await;
    }

    pub async fn says_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("an open socket");
    }

    /// Says something that is no text.
    pub async fn says_bytes(&mut self, bytes: &'static [u8]) {
        self.0.send(Message::binary(bytes)).await.expect("an open socket");
    }

    /// Says something, unless it is closed by now.
    pub async fn tries_to_say(&mut self, message: &Value) -> bool {
        self.0.send(Message::text(message.to_string())).await.is_ok()
    }

    /// What comes next, in time.
    pub async fn next(&mut self) -> Heard {
        tokio::time::timeout(WITHIN, self.hears()).await.expect("something in time")
    }

    /// What comes next, however long that takes.
    pub async fn hears(&mut self) -> Heard {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(text.as_str()).expect("JSON");
                    let name = message["event"].as_str().expect("a name").to_owned();
                    assert!(message["id"].is_u64(), "{message}");
                    contract::check_event(&name, &message["data"]);
                    return Heard::Event(name, message["data"].clone());
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// The next event of this name; others are passed over.
    pub async fn next_named(&mut self, wanted: &str) -> Value {
        loop {
            match self.next().await {
                Heard::Event(name, data) if name == wanted => return data,
                Heard::Event(..) => {}
                closed @ Heard::Closed(_) => panic!("{closed:?} before {wanted}"),
            }
        }
    }

    /// The code and the words with which it is closed; events are passed over.
    pub async fn is_closed(&mut self) -> (u16, String) {
        loop {
            if let Heard::Closed(why) = self.next().await {
                return why.expect("a frame that says why");
            }
        }
    }

    /// Goes away without a word.
    pub fn goes_away(self) {
        drop(self);
    }
}

/// What says that these rooms are attended, given by their paths, and no others.
pub fn attend(rooms: &[(&str, bool)]) -> Value {
    let rooms: Vec<Value> =
        rooms.iter().map(|(room, here)| json!({"roomId": id_of_room(room), "here": here})).collect();
    json!({"type": "attend", "rooms": rooms})
}

/// The id in the path of a room.
pub fn id_of_room(room: &str) -> &str {
    room.rsplit('/').next().expect("an id")
}
