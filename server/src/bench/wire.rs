//! HTTP/1.1 as bytes on a socket, and sockets after RFC 6455: clients that cost next to nothing beside the server they
//! measure.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::random::{OsRandom, Random as _};

/// How long a read or a write may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// What is read at once from a WebSocket.
const READ_AT_ONCE: usize = 1024;

/// The bit of a frame that is the last of its message (RFC 6455, 5.2). Here all are.
const LAST: u8 = 0x80;
/// The bit of a length after which a mask follows.
const MASKED: u8 = 0x80;
// The kinds of frames.
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// `GET` with a bearer token.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// `POST` of JSON, with a bearer token where there is one.
pub fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer, read whole.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Bytes of head and body.
    pub length: usize,
}

impl HttpAnswer {
    pub fn json(&self) -> io::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(io::Error::from)
    }

    /// This answer, if it is the one that was hoped for.
    pub fn expect(self, status: u16) -> io::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(io::Error::other(format!("the server answered {} instead of {status}: {body}", self.status)))
    }
}

/// A connection that stays open.
pub struct HttpClient {
    stream: TcpStream,
    received: Vec<u8>,
}

impl HttpClient {
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIME_LIMIT))?;
        stream.set_write_timeout(Some(TIME_LIMIT))?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<HttpAnswer> {
        self.send(request)?;
        self.answer()
    }

    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Reads the answer to the oldest request that has none.
    pub fn answer(&mut self) -> io::Result<HttpAnswer> {
        let (status, head) = self.head()?;
        let announced = header(&self.received[..head], "content-length").and_then(|length| length.parse().ok());
        let length = head + announced.unwrap_or(0);
        while self.received.len() < length {
            self.read_more()?;
        }
        let rest = self.received.split_off(length);
        let mut answer = std::mem::replace(&mut self.received, rest);
        Ok(HttpAnswer { status, body: answer.split_off(head), length })
    }

    /// Reads an answer of a length that is known, into the same buffer each time. The quickest way.
    pub fn same_answer(&mut self, length: usize) -> io::Result<()> {
        self.received.resize(length, 0);
        let read = self.stream.read_exact(&mut self.received);
        let good = self.received.starts_with(b"HTTP/1.1 200");
        let status = String::from_utf8_lossy(&self.received[..self.received.len().min(12)]).into_owned();
        self.received.clear();
        read?;
        if good { Ok(()) } else { Err(io::Error::other(format!("the server answered {status}"))) }
    }

    /// Reads the head of an answer without end; what follows is read with [`HttpClient::line`].
    pub fn opened(&mut self) -> io::Result<u16> {
        let (status, head) = self.head()?;
        self.received.drain(..head);
        Ok(status)
    }

    /// The next line of an answer without end. `None` where the server has ended it.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            match self.read_more() {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The status, and how many bytes the head has.
    fn head(&mut self) -> io::Result<(u16, usize)> {
        loop {
            if let Some(end) = end_of_head(&self.received) {
                let status = self.received.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
                let status = status.and_then(|digits| digits.parse().ok());
                return Ok((status.ok_or_else(|| io::Error::other("this is no HTTP"))?, end));
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// How long the head is, once it is whole.
fn end_of_head(received: &[u8]) -> Option<usize> {
    received.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// A header of a head, by its name and with its value in small letters.
fn header(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_lowercase();
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}

/// A WebSocket that stays open.
pub struct SocketClient {
    stream: tokio::net::TcpStream,
    received: Vec<u8>,
}

impl SocketClient {
    /// Opens one, with a bearer token.
    pub async fn open(address: SocketAddr, path: &str, token: &str) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, received: Vec::new() };
        let mut key = [0; 16];
        OsRandom.fill(&mut key);
        let key = STANDARD.encode(key);
        client.stream.write_all(&upgrade(path, token, &key)).await?;
        let end = loop {
            if let Some(end) = end_of_head(&client.received) {
                break end;
            }
            client.read_more().await?;
        };
        let head: Vec<u8> = client.received.drain(..end).collect();
        let accepted = header(&head, "sec-websocket-accept");
        if head.starts_with(b"HTTP/1.1 101") && accepted == Some(accept(&key).to_lowercase()) {
            return Ok(client);
        }
        Err(io::Error::other(format!("no WebSocket was opened: {}", String::from_utf8_lossy(&head))))
    }

    /// Sends a text.
    pub async fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(TEXT, text.as_bytes()).await
    }

    /// The next text; pings are answered. `None` once the server closes it.
    pub async fn text(&mut self) -> io::Result<Option<String>> {
        loop {
            match take_frame(&mut self.received)? {
                Some(Frame::Text(text)) => return Ok(Some(text)),
                Some(Frame::Ping(payload)) => self.send(PONG, &payload).await?,
                Some(Frame::Close) => return Ok(None),
                None => self.read_more().await?,
            }
        }
    }

    async fn send(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let mut mask = [0; 4];
        OsRandom.fill(&mut mask);
        self.stream.write_all(&masked_frame(kind, payload, mask)).await
    }

    async fn read_more(&mut self) -> io::Result<()> {
        self.received.reserve(READ_AT_ONCE);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The handshake of a client (RFC 6455, 4.1).
fn upgrade(path: &str, token: &str, key: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
    )
    .into_bytes()
}

/// How a server shows that it has understood a handshake (RFC 6455, 4.2.2).
fn accept(key: &str) -> String {
    const SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{SUFFIX}").as_bytes()))
}

/// A frame of a client, which masks what it sends (RFC 6455, 5.2).
fn masked_frame(kind: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![LAST | kind];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => frame.push(MASKED | length),
        (_, Ok(length)) => {
            frame.push(MASKED | 0x7e);
            frame.extend(length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(MASKED | 0x7f);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What a server sends over a WebSocket.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Text(String),
    Ping(Vec<u8>),
    Close,
}

/// Takes the first frame of what was received. `None` while it is not whole.
fn take_frame(received: &mut Vec<u8>) -> io::Result<Option<Frame>> {
    let [kind, length, ..] = received[..] else { return Ok(None) };
    if length & MASKED != 0 {
        return Err(io::Error::other("a server masks nothing"));
    }
    let (head, length) = match length {
        126 => (4, received.get(2..4).map(number)),
        127 => (10, received.get(2..10).map(number)),
        length => (2, Some(usize::from(length))),
    };
    let Some(end) = length.map(|length| length.saturating_add(head)) else { return Ok(None) };
    let Some(payload) = received.get(head..end) else { return Ok(None) };
    let frame = match kind ^ LAST {
        TEXT => Frame::Text(String::from_utf8_lossy(payload).into_owned()),
        PING => Frame::Ping(payload.to_vec()),
        CLOSE => Frame::Close,
        _ => return Err(io::Error::other(format!("a frame that no server of ours sends: {kind:#x}"))),
    };
    received.drain(..end);
    Ok(Some(frame))
}

/// A number as it travels.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests;
