//! Answers that end only with their connection, such as event streams: written without hyper.
//!
//! Thousands of them are open at once and say nothing for minutes. hyper keeps two buffers of 8 kB for each connection,
//! and more for requests that will not come.

use std::io;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::response;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// An extension of an answer that has no end of its own. The connection is closed after it (RFC 9112, 6.3, rule 8).
#[derive(Clone, Copy, Debug)]
pub struct OpenEnded;

/// Whether an answer is one of these. The answer to a `HEAD` request is not.
pub fn is(response: &Response) -> bool {
    response.extensions().get::<OpenEnded>().is_some() && !response.body().is_end_stream()
}

/// How much a client may say into an answer before it is given up, in bytes.
const MOST_IGNORED: usize = 64 * 1024;

/// Writes an answer as it comes, until it is over or the client has gone.
///
/// # Errors
/// Where the client has gone, or has taken nothing for `stalled_write`.
pub async fn run(mut stream: TcpStream, response: Response, stalled_write: Duration) -> io::Result<()> {
    let (parts, mut body) = response.into_parts();
    let head = head(&parts)?;
    drop(parts);
    write(&mut stream, &head, stalled_write).await?;
    drop(head);
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            gone = gone(&stream) => return gone,
        };
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    write(&mut stream, &data, stalled_write).await?;
                }
            }
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return stream.shutdown().await,
        }
    }
}

/// Pending for as long as the client stays. What it says meanwhile is not listened to: nothing can follow this answer.
async fn gone(stream: &TcpStream) -> io::Result<()> {
    let mut ignored = 0;
    while ignored <= MOST_IGNORED {
        stream.readable().await?;
        match stream.try_read(&mut [0; 256]) {
            Ok(0) => return Ok(()),
            Ok(read) => ignored += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the client goes on talking"))
}

async fn write(stream: &mut TcpStream, bytes: &[u8], stalled_write: Duration) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let written = tokio::time::timeout(stalled_write, stream.write(left)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        left = &left[written..];
    }
    Ok(())
}

fn head(parts: &response::Parts) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    let reason = parts.status.canonical_reason().unwrap_or_default();
    write!(head, "HTTP/1.1 {} {reason}\r\n", parts.status.as_str())?;
    for (name, value) in &parts.headers {
        // What ends the answer is the connection.
        if ![CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING].contains(name) {
            write!(head, "{name}: ")?;
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    #[expect(clippy::disallowed_methods, reason = "the machine's date, as hyper's in other answers (RFC 9110, 6.6.1)")]
    let date = httpdate::fmt_http_date(SystemTime::now());
    write!(head, "connection: close\r\ndate: {date}\r\n\r\n")?;
    Ok(head)
}
