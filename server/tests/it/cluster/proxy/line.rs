//! One connection through the proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::wire::{COMMITTED, Frontend};
use super::{Direction, Weather};

const PIECE_BYTES: usize = 16 * 1024;

/// A server's connection, to be carried on to the backend.
pub struct Line {
    server: TcpStream,
    port: u16,
    weather: Weather,
}

/// The connection is to be torn.
struct Torn;

impl Line {
    pub const fn new(server: TcpStream, port: u16, weather: Weather) -> Self {
        Self { server, port, weather }
    }

    /// Carries until both sides have closed, or until the line is torn.
    pub async fn carry(self) {
        let Self { mut server, port, mut weather } = self;
        weather.cuts.mark_unchanged();
        let Ok(mut backend) = TcpStream::connect(("127.0.0.1", port)).await else {
            reset(&server);
            return;
        };
        for stream in [&server, &backend] {
            stream.set_nodelay(true).expect("an option of a socket");
        }
        let mut cuts = weather.cuts.clone();
        let commit_asked = Arc::new(AtomicBool::new(false));
        let way = |direction| Way { direction, weather: weather.clone(), commit_asked: Arc::clone(&commit_asked) };
        let torn = {
            let (from_server, to_server) = server.split();
            let (from_backend, to_backend) = backend.split();
            let there = way(Direction::ToBackend).carry(from_server, to_backend);
            let back = way(Direction::ToServer).carry(from_backend, to_server);
            tokio::select! {
                carried = async { tokio::try_join!(there, back) } => carried.is_err(),
                _ = cuts.changed() => true,
            }
        };
        if torn {
            reset(&server);
            reset(&backend);
        }
    }
}

/// Has the connection end with a reset once it is dropped, unread or unsent bytes and all.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// One direction of a line.
struct Way {
    direction: Direction,
    weather: Weather,
    /// Whether a commit has gone by whose answer is still to come.
    commit_asked: Arc<AtomicBool>,
}

impl Way {
    async fn carry(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), Torn> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut frontend = Frontend::default();
        loop {
            let read = from.read(&mut piece).await;
            // A close and a reset travel like any bytes: they come through when the network lets them.
            let direction = self.direction;
            let weather = self.weather.condition.wait_for(|now| now.lets_through(direction)).await;
            let delay = weather.map_err(|_| Torn)?.delay();
            tokio::time::sleep(delay).await;
            let piece = &piece[..read.map_err(|_| Torn)?];
            if piece.is_empty() {
                return to.shutdown().await.map_err(|_| Torn);
            }
            if self.weather.sees_commits {
                self.inspects(&mut frontend, piece)?;
            }
            to.write_all(piece).await.map_err(|_| Torn)?;
        }
    }

    /// Tears the line where the trap is set and this piece says that the commit is done.
    fn inspects(&self, frontend: &mut Frontend, piece: &[u8]) -> Result<(), Torn> {
        match self.direction {
            Direction::ToBackend => {
                if frontend.asks_to_commit(piece) {
                    self.commit_asked.store(true, Ordering::SeqCst);
                }
                Ok(())
            }
            Direction::ToServer => {
                let asked = self.commit_asked.swap(false, Ordering::SeqCst);
                let committed = asked && piece.windows(COMMITTED.len()).any(|bytes| bytes == COMMITTED);
                if committed && self.weather.trap.send_if_modified(std::mem::take) { Err(Torn) } else { Ok(()) }
            }
        }
    }
}
