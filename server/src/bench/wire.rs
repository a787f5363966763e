//! HTTP/1.1 as bytes on a socket: a client that costs next to nothing beside the server it measures.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a read or a write may take.
const TIME_LIMIT: Duration = Duration::from_secs(20);

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
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                let status = self.received.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
                let status = status.and_then(|digits| digits.parse().ok());
                return Ok((status.ok_or_else(|| io::Error::other("this is no HTTP"))?, end + 4));
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

/// A header of a head, by its name in small letters.
fn header(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head).to_lowercase();
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answered_with(text: &'static str) -> HttpClient {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || listener.accept().unwrap().0.write_all(text.as_bytes()).unwrap());
        HttpClient::connect(address).unwrap()
    }

    #[test]
    fn answers_end_where_they_say_and_the_next_one_follows() {
        let mut client = answered_with(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
        );
        let first = client.answer().unwrap();
        assert_eq!((first.status, first.body.as_slice(), first.length), (200, b"hi".as_slice(), 40));
        assert_eq!(client.answer().unwrap().status, 401);
        assert!(client.answer().is_err());
    }

    #[test]
    fn a_stream_is_read_line_by_line_until_it_ends() {
        let mut client = answered_with("HTTP/1.1 200 OK\r\n\r\nevent: hello\ndata: {}\n\n");
        assert_eq!(client.opened().unwrap(), 200);
        let lines: Vec<String> = std::iter::from_fn(|| client.line().unwrap()).collect();
        assert_eq!(lines, ["event: hello", "data: {}", ""]);
    }
}
