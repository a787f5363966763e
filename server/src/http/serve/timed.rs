//! A stream that keeps an eye on the clock.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::Limits;
use super::connection_slots::ConnectionSlot;
use super::progress::{Phase, Progress};

/// How long a stream waits for what.
pub struct Waits {
    /// For a head.
    pub head: Duration,
    idle: Duration,
    idle_when_scarce: Duration,
    stalled_write: Duration,
    /// That of the connection, which is kept as long as the stream is open.
    slot: Arc<ConnectionSlot>,
}

impl Waits {
    pub fn new(limits: &Limits, slot: Arc<ConnectionSlot>) -> Self {
        let Limits { head, idle, idle_when_scarce, stalled_write, .. } = *limits;
        Self { head, idle, idle_when_scarce, stalled_write, slot }
    }
}

/// A stream that fails when it has waited too long for what its connection waits for.
pub struct TimedStream {
    stream: TcpStream,
    progress: Arc<Progress>,
    waits: Waits,
    /// The state that `deadline` belongs to.
    waiting_in: Option<u32>,
    deadline: Instant,
    /// From when on a connection that rests makes room, if slots are scarce.
    rested: Instant,
    /// Fires at `deadline` or before it: moving a timer costs more than letting it fire early now and then.
    timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    /// Nothing has been read yet.
    pub fn new(stream: TcpStream, progress: Arc<Progress>, waits: Waits) -> Self {
        let deadline = Instant::now() + waits.head;
        Self {
            stream,
            progress,
            waits,
            waiting_in: None,
            deadline,
            rested: deadline,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
            write_timer: None,
        }
    }

    /// The stream alone.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Pending until what the connection waits for has taken too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let state = self.progress.state();
        let phase = Progress::phase(state);
        if self.waiting_in != Some(state) {
            let limit = match phase {
                Phase::Silent | Phase::Head => self.waits.head,
                Phase::Busy | Phase::Idle => self.waits.idle,
            };
            let now = Instant::now();
            self.waiting_in = Some(state);
            self.deadline = now + limit;
            self.rested = if phase == Phase::Idle { now + self.waits.idle_when_scarce } else { self.deadline };
            let first = self.rested.min(self.deadline);
            if self.timer.deadline() > first {
                self.timer.as_mut().reset(first);
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
                self.deadline = now + self.waits.idle;
                self.rested = self.deadline;
            }
            if now >= self.rested && now < self.deadline {
                if self.waits.slot.are_scarce() {
                    return Poll::Ready(io::ErrorKind::TimedOut.into());
                }
                self.rested = now + self.waits.idle_when_scarce;
            }
            self.timer.as_mut().reset(self.rested.min(self.deadline));
        }
    }

    /// Passes on what became of a write, unless the client has not taken a byte for too long.
    fn limit_write<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let limit = self.waits.stalled_write;
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
        this.limit_write(context, written)
    }

    /// Answers are small: copying head and body together costs less than telling the kernel of two pieces.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            this.progress.flushed();
        }
        this.limit_write(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
