//! One connection: HTTP/1.1 over a stream that keeps an eye on the clock.
//!
//! hyper has one time limit from the end of an answer to the end of the next head, which would have to be short against clients
//! that dribble and long for connections that are kept. So the stream itself knows what it waits for, and fails when that takes too long.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{convert::Infallible, io};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, StatusCode, Version};
use http_body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::{Answer, Limits};
use crate::http::problem::ApiError;

/// Serves one connection to its end.
pub async fn run<A: Answer>(
    stream: TcpStream,
    peer: SocketAddr,
    answer: Arc<A>,
    limits: Arc<Limits>,
    stop: CancellationToken,
) {
    // A token of its own: every connection would otherwise take the lock of the one token each time it wakes.
    let stop = stop.child_token();
    // Answers are written whole; waiting to fill a packet would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let progress = Arc::new(Progress::default());
    let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&progress), &limits));
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (answer, progress) = (Arc::clone(&answer), Arc::clone(&progress));
        async move {
            progress.enter(Phase::Busy);
            let request = request.map(Body::new);
            let response = match ambiguous(&request, &progress) {
                Some(refusal) => refusal,
                None => answer.answer(peer, request).await,
            };
            Ok::<_, Infallible>(Tracked::wrap(response, progress))
        }
    });
    let connection =
        http1::Builder::new().max_buf_size(limits.head_bytes).serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients go away in the middle all the time: nobody needs to act on it.
        tracing::trace!(error = %error, "a connection broke");
    }
}

/// Refuses requests about whose extent or host two servers could disagree (RFC 9112, 3.2 and 6.1). hyper refuses the others
/// itself, but of `Content-Length` beside `Transfer-Encoding` it drops the former without a word.
fn ambiguous(request: &Request, progress: &Progress) -> Option<Response> {
    let hosts = request.headers().get_all(HOST).iter().count();
    let hosts_wrong = hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11);
    let lengths_wrong = request.headers().contains_key(TRANSFER_ENCODING) && progress.head_has_content_length();
    if !hosts_wrong && !lengths_wrong {
        return None;
    }
    let error = ApiError::new(StatusCode::BAD_REQUEST, "malformed-request", "The request is not clear HTTP");
    let mut response = error.into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first byte ever.
    Silent = 0,
    /// The rest of a head.
    Head = 1,
    /// Us; and bodies, which have a limit of their own where they are read.
    Busy = 2,
    /// The next request.
    Idle = 3,
}

/// What a connection waits for, shared by its stream, which sees bytes, and its service, which sees requests.
#[derive(Default)]
struct Progress {
    /// The phase in the two lowest bits, and above them how often it changed.
    state: AtomicU32,
    /// The bytes of the latest head, as they came.
    head: Mutex<Vec<u8>>,
}

impl Progress {
    fn state(&self) -> u32 {
        self.state.load(Ordering::Acquire)
    }

    fn phase(state: u32) -> Phase {
        match state & 3 {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Idle,
        }
    }

    fn enter(&self, phase: Phase) {
        // Only this connection's task writes, so reading before writing loses nothing.
        let changes = (self.state() >> 2).wrapping_add(1);
        self.state.store((changes << 2) | phase as u32, Ordering::Release);
    }

    fn received(&self, bytes: &[u8]) {
        match Self::phase(self.state()) {
            Phase::Busy => return,
            Phase::Head => {}
            Phase::Silent | Phase::Idle => {
                self.head.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.enter(Phase::Head);
            }
        }
        self.head.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    fn head_has_content_length(&self) -> bool {
        const NAME: &[u8] = b"content-length";
        let bytes = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = bytes.split(|byte| *byte == b'\n').take_while(|line| !matches!(line, [] | [b'\r']));
        lines.any(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)))
    }
}

/// A stream that fails when it has waited too long for what its connection waits for.
struct TimedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
    head: Duration,
    idle: Duration,
    stalled_write: Duration,
    /// The state that `deadline` belongs to.
    waiting_in: Option<u32>,
    deadline: Instant,
    /// Fires at `deadline` or before it: moving a timer costs more than letting it fire early now and then.
    timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    fn new(stream: TcpStream, progress: Arc<Progress>, limits: &Limits) -> Self {
        let deadline = Instant::now() + limits.head;
        Self {
            stream,
            progress,
            head: limits.head,
            idle: limits.idle,
            stalled_write: limits.stalled_write,
            waiting_in: None,
            deadline,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
            write_timer: None,
        }
    }

    /// Pending until what the connection waits for has taken too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let state = self.progress.state();
        let phase = Progress::phase(state);
        if self.waiting_in != Some(state) {
            let limit = match phase {
                Phase::Silent | Phase::Head => self.head,
                Phase::Busy | Phase::Idle => self.idle,
            };
            self.waiting_in = Some(state);
            self.deadline = Instant::now() + limit;
            if self.timer.deadline() > self.deadline {
                self.timer.as_mut().reset(self.deadline);
            }
        }
        loop {
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if now >= self.deadline {
                if phase != Phase::Busy {
                    return Poll::Ready(io::ErrorKind::TimedOut.into());
                }
                // Nobody may read again when the answer is out: look again later whether the connection rests by then.
                self.deadline = now + self.idle;
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }

    /// Passes on what became of a write, unless the client has not taken a byte for too long.
    fn watch_write<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let limit = self.stalled_write;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let bytes = &buffer.filled()[before..];
                if !bytes.is_empty() {
                    this.progress.received(bytes);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.poll_deadline(context).map(Err),
        }
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch_write(context, written)
    }

    /// Answers are small: copying head and body together costs less than telling the kernel of two pieces.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.watch_write(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// A body that tells its connection when it has been handed over, so that waiting for the next request begins.
struct Tracked {
    body: Body,
    _handed_over: HandedOver,
}

impl Tracked {
    fn wrap(response: Response, progress: Arc<Progress>) -> http::Response<Self> {
        // After a switch of protocols there are no requests to wait for.
        let progress = (response.status() != StatusCode::SWITCHING_PROTOCOLS).then_some(progress);
        response.map(|body| Self { body, _handed_over: HandedOver(progress) })
    }
}

struct HandedOver(Option<Arc<Progress>>);

impl Drop for HandedOver {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.enter(Phase::Idle);
        }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
