//! A TCP proxy that does to a connection what networks do: delay it, cut it, let one direction or both vanish, refuse.
//!
//! It stands between one server and its PostgreSQL or its Redis. Of what goes through it knows only when PostgreSQL is
//! asked to commit, so that it can cut the line after the deed and before the word.

mod line;
mod wire;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::processes::free_port;
use line::Line;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;
/// How long a connection that nobody accepts is tried for.
const UNANSWERED: Duration = Duration::from_millis(100);

/// What the network does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Everything arrives.
    #[default]
    Sound,
    /// Everything arrives, so much later, each way.
    Slow(Duration),
    /// Connections stand and can be made, but nothing arrives in this direction.
    HalfOpen(Direction),
    /// Connections stand, but nothing arrives in either direction, and none can be made: not even a refusal comes back.
    BlackHole,
    /// Connections are closed and refused.
    Refused,
}

/// The way that something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToBackend,
    ToServer,
}

impl Condition {
    /// Whether anything arrives in this direction.
    fn lets_through(self, direction: Direction) -> bool {
        match self {
            Self::Sound | Self::Slow(_) => true,
            Self::HalfOpen(dead) => dead != direction,
            Self::BlackHole | Self::Refused => false,
        }
    }

    fn delay(self) -> Duration {
        if let Self::Slow(delay) = self { delay } else { Duration::ZERO }
    }
}

/// What every connection follows.
#[derive(Clone, Debug)]
struct Weather {
    condition: watch::Receiver<Condition>,
    /// Counts how often all connections were cut.
    cuts: watch::Receiver<u64>,
    /// Whether the next commit is to be cut off from its answer.
    trap: Arc<watch::Sender<bool>>,
    /// Whether it is PostgreSQL that is spoken.
    sees_commits: bool,
}

/// A proxy, as long as it is kept.
pub struct Proxy {
    address: SocketAddr,
    condition: watch::Sender<Condition>,
    cuts: watch::Sender<u64>,
    trap: Arc<watch::Sender<bool>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Carries to a PostgreSQL on a port of this machine.
    pub async fn to_postgres(port: u16) -> Self {
        Self::to(port, true).await
    }

    /// Carries to a Redis on a port of this machine.
    pub async fn to_redis(port: u16) -> Self {
        Self::to(port, false).await
    }

    async fn to(port: u16, sees_commits: bool) -> Self {
        let listener = Listener::open(SocketAddr::from(([127, 0, 0, 1], free_port()))).await.expect("a port");
        let address = listener.address;
        let (condition, cuts, trap) =
            (watch::Sender::default(), watch::Sender::default(), Arc::new(watch::Sender::new(false)));
        let trap_of_lines = Arc::clone(&trap);
        let weather =
            Weather { condition: condition.subscribe(), cuts: cuts.subscribe(), trap: trap_of_lines, sees_commits };
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, port, weather));
        Self { address, condition, cuts, trap, _accepting: accepting }
    }

    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the network. What was under way when it stopped arriving arrives late, as with TCP it does.
    pub fn becomes(&self, condition: Condition) {
        self.condition.send_replace(condition);
        if condition == Condition::Refused {
            self.cuts();
        }
    }

    /// Cuts every connection; what was under way is lost.
    pub fn cuts(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets the next commit through, and cuts its connection before the answer can come back.
    pub fn cuts_after_commit(&self) {
        self.trap.send_replace(true);
    }

    /// Whether that has happened.
    pub fn has_cut_after_commit(&self) -> bool {
        !*self.trap.borrow()
    }

    /// Gives up waiting for a commit.
    pub fn disarms(&self) {
        self.trap.send_replace(false);
    }
}

/// Accepts connections while the network lets them be made.
async fn accept(mut listener: Listener, port: u16, weather: Weather) {
    let mut lines = JoinSet::new();
    let mut condition = weather.condition.clone();
    loop {
        let wanted = ListenerState::under(*condition.borrow_and_update());
        listener.becomes(wanted).await.expect("a listening socket obeys");
        tokio::select! {
            changed = condition.changed() => if changed.is_err() { return },
            server = listener.next(), if wanted == ListenerState::Open => {
                lines.spawn(Line::new(server, port, weather.clone()).carry());
            }
            Some(_) = lines.join_next() => {}
        }
    }
}

/// How connections are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListenerState {
    Open,
    /// Refused at once.
    Shut,
    /// Neither accepted nor refused.
    Vanished,
}

impl ListenerState {
    const fn under(condition: Condition) -> Self {
        match condition {
            Condition::Sound | Condition::Slow(_) | Condition::HalfOpen(_) => Self::Open,
            Condition::BlackHole => Self::Vanished,
            Condition::Refused => Self::Shut,
        }
    }
}

/// The listening socket, or the place where it was and will be: the port comes from a range that is ours.
struct Listener {
    address: SocketAddr,
    /// None while connections are refused. A socket that has stopped listening is of no use to the runtime again.
    socket: Option<TcpListener>,
    /// Connections of our own that fill the queue, so that the kernel drops every further one.
    stuffing: Vec<TcpStream>,
    stuffed_from: HashSet<SocketAddr>,
    state: ListenerState,
}

impl Listener {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let (stuffing, stuffed_from) = (Vec::new(), HashSet::new());
        Ok(Self { address, socket: Some(socket), stuffing, stuffed_from, state: ListenerState::Open })
    }

    async fn becomes(&mut self, wanted: ListenerState) -> io::Result<()> {
        if wanted == self.state {
            return Ok(());
        }
        self.stuffing.clear();
        if wanted == ListenerState::Shut {
            self.socket = None;
        } else {
            let listener = match self.socket.take() {
                Some(listener) => listener,
                None => TcpListener::bind(self.address).await?,
            };
            let vanishes = wanted == ListenerState::Vanished;
            SockRef::from(&listener).listen(if vanishes { 0 } else { BACKLOG })?;
            self.socket = Some(listener);
            if vanishes {
                self.fill_queue().await?;
            }
        }
        self.state = wanted;
        Ok(())
    }

    async fn fill_queue(&mut self) -> io::Result<()> {
        while let Ok(made) = tokio::time::timeout(UNANSWERED, TcpStream::connect(self.address)).await {
            let made = made?;
            self.stuffed_from.insert(made.local_addr()?);
            self.stuffing.push(made);
        }
        Ok(())
    }

    /// The next connection of somebody else; none while there is no listener.
    async fn next(&mut self) -> TcpStream {
        let Some(listener) = &self.socket else { return std::future::pending().await };
        loop {
            let (stream, from) = listener.accept().await.expect("connections can be accepted");
            if !self.stuffed_from.remove(&from) {
                return stream;
            }
        }
    }
}

#[cfg(test)]
mod tests;
