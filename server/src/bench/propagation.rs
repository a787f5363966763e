//! How long after *sign out everywhere* on one server another one refuses, and the browsers connected there know.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use types::api::paths;

use super::load::finished;
use super::report::{ReportSection, Table, Target, cells};
use super::servers::Server;
use super::set_up::Device;
use super::statistics::{Millis, Percentiles};
use super::wire::{HttpClient, get, post};
use super::{Bench, BenchError, Filling, failed};
use crate::events::{PostgresNotify, Redis, Transport};
use crate::store::Store;

/// Connections that ask the other server again and again whether a token still passes.
const POLLERS: u32 = 2;
/// How long each of them rests between an answer and the next request.
const PAUSE: Duration = Duration::from_micros(100);
/// Sign-outs before it counts.
const WARM_UP: usize = 20;
/// Nobody is waited for longer.
const REFUSED_WITHIN: Duration = Duration::from_secs(10);
/// How many times the bus's own time it may take.
const TARGET: f64 = 3.0;

/// The most it may take, p99, where Redis is there and says nothing.
const WITHOUT_REDIS: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Notify,
    Redis,
    /// Both are there, and Redis hangs.
    PausedRedis,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Notify, Self::Redis, Self::PausedRedis];

    const fn name(self) -> &'static str {
        match self {
            Self::Notify => "PostgreSQL",
            Self::Redis => "Redis",
            Self::PausedRedis => "PostgreSQL, with Redis paused",
        }
    }

    const fn database(self) -> &'static str {
        match self {
            Self::Notify => "bus_notify",
            Self::Redis => "bus_redis",
            Self::PausedRedis => "bus_redis_paused",
        }
    }

    fn target(self, refused: Duration, bus: Duration) -> Target {
        let ratio = super::statistics::times(refused, bus);
        let what = match self {
            Self::Notify => "refused elsewhere, over PostgreSQL, p99",
            Self::Redis => "refused elsewhere, over Redis, p99",
            Self::PausedRedis => {
                return Target {
                    what: "refused elsewhere, with Redis paused, p99",
                    wanted: format!("≤ {}", Millis(WITHOUT_REDIS)),
                    measured: Millis(refused).to_string(),
                    met: refused <= WITHOUT_REDIS,
                };
            }
        };
        Target {
            what,
            wanted: format!("≤ {TARGET} × the bus"),
            measured: format!("{ratio:.1} × ({} of {})", Millis(refused), Millis(bus)),
            met: ratio <= TARGET,
        }
    }
}

/// The times of one bus.
#[derive(Default)]
struct Times {
    /// From one end of the bus to the other.
    bus: Vec<Duration>,
    /// From the request to its answer, on the server that was asked.
    answered: Vec<Duration>,
    /// From the request to the first refusal on the other server.
    refused: Vec<Duration>,
    /// From the answer to the first refusal on the other server.
    refused_after: Vec<Duration>,
    /// From the answer to the event on the other server.
    notified_after: Vec<Duration>,
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let database = bench.database(Filling::Nothing).await?;
    let sign_outs = bench.either(400, 200);
    let mut measured = Vec::new();
    for kind in Kind::ALL {
        bench.note(&format!("signing out everywhere, over {}", kind.name()));
        measured.push((kind, one_bus(bench, &database, kind, sign_outs).await?));
    }
    Ok(section(&measured, sign_outs))
}

async fn one_bus(bench: &mut Bench, database: &str, kind: Kind, sign_outs: usize) -> Result<Times, BenchError> {
    let redis = bench.redis.url();
    let bus = (kind != Kind::Notify).then_some(redis.as_str());
    let servers = [bench.serve_with(database, bus)?, bench.serve_with(database, bus)?];
    let set_up = bench.set_up(database).await?;
    let devices = set_up.sign_in(WARM_UP + sign_outs).await?;
    // Another database, another channel: the servers are not woken by what only times the way.
    let another = bench.postgres.create_database(kind.database())?;
    let store = Store::connect(&another, 2).await?;
    let transport: Box<dyn Transport> = match kind {
        Kind::Notify | Kind::PausedRedis => {
            Box::new(PostgresNotify::new(store.notifications().ok_or_else(|| failed("PostgreSQL has notifications"))?))
        }
        Kind::Redis => Box::new(Redis::new(&redis, "measured".to_owned()).map_err(failed)?),
    };
    let mut received = transport.subscribe().await.map_err(failed)?;
    let mut requester = HttpClient::connect(servers[0].address())?;
    let mut times = Times::default();
    let _paused = (kind == Kind::PausedRedis).then(|| bench.redis.pause()).transpose()?;
    for (number, device) in devices.iter().enumerate() {
        let stopwatch = Stopwatch::begin(&servers[1], device)?;
        let sent = Instant::now();
        transport.send(number.to_string()).await.map_err(failed)?;
        received.next().await.ok_or_else(|| failed("the bus broke"))?.map_err(failed)?;
        let bus = sent.elapsed();
        let asked = Instant::now();
        requester.ask(&post(paths::LOGOUT_ALL, Some(&device.access), "{}"))?.expect(200)?;
        let answered = Instant::now();
        let (refused, notified) = stopwatch.end()?;
        if number >= WARM_UP {
            times.bus.push(bus);
            times.answered.push(answered - asked);
            times.refused.push(refused - asked);
            times.refused_after.push(refused.saturating_duration_since(answered));
            times.notified_after.push(notified.saturating_duration_since(answered));
        }
    }
    store.close().await;
    set_up.close().await;
    Ok(times)
}

/// Looks at one device on a server until it is refused and notified.
struct Stopwatch {
    pollers: Vec<JoinHandle<io::Result<Instant>>>,
    stream: JoinHandle<io::Result<Instant>>,
    over: Arc<AtomicBool>,
}

impl Stopwatch {
    fn begin(server: &Server, device: &Device) -> Result<Self, BenchError> {
        let address = server.address();
        let mut stream = HttpClient::connect(address)?;
        stream.send(&get(paths::EVENTS, &device.access))?;
        if stream.opened()? != 200 {
            return Err(failed("an event stream was not opened"));
        }
        let stream = std::thread::spawn(move || {
            while let Some(line) = stream.line()? {
                if line == "event: session.ended" {
                    return Ok(Instant::now());
                }
            }
            Err(io::Error::other("a stream was closed without a word"))
        });
        let over = Arc::new(AtomicBool::new(false));
        let request: Arc<[u8]> = get(paths::SESSION, &device.access).into();
        // Once before anything is timed, so that the token's signature has been verified.
        HttpClient::connect(address)?.ask(&request)?.expect(200)?;
        let pollers = (0..POLLERS).map(|_| poll(address, Arc::clone(&request), Arc::clone(&over))).collect();
        Ok(Self { pollers, stream, over })
    }

    /// When the first request was refused, and when the stream was notified.
    fn end(self) -> Result<(Instant, Instant), BenchError> {
        let notified = finished(self.stream)?;
        let mut refused = Vec::new();
        for poller in self.pollers {
            refused.push(finished(poller)?);
        }
        self.over.store(true, Ordering::Relaxed);
        Ok((refused.into_iter().min().unwrap_or(notified), notified))
    }
}

/// Asks until the answer is a refusal.
fn poll(address: SocketAddr, request: Arc<[u8]>, over: Arc<AtomicBool>) -> JoinHandle<io::Result<Instant>> {
    std::thread::spawn(move || {
        let mut client = HttpClient::connect(address)?;
        let began = Instant::now();
        while began.elapsed() < REFUSED_WITHIN && !over.load(Ordering::Relaxed) {
            match client.ask(&request)?.status {
                200 => std::thread::sleep(PAUSE),
                401 => return Ok(Instant::now()),
                status => return Err(io::Error::other(format!("the other server answered {status}"))),
            }
        }
        Err(io::Error::other("the other server did not refuse"))
    })
}

fn section(measured: &[(Kind, Times)], sign_outs: usize) -> ReportSection {
    let mut table = Table::new(["bus", "", "p50", "p99", "worst"]);
    let mut targets = Vec::new();
    for (kind, times) in measured {
        let rows = [
            ("the bus's own way", &times.bus),
            ("signed out: request to answer", &times.answered),
            ("request to refusal elsewhere", &times.refused),
            ("answer to refusal elsewhere", &times.refused_after),
            ("answer to event elsewhere", &times.notified_after),
        ];
        for (what, took) in rows {
            let [p50, p99, worst] = cells(&Percentiles::of(took.iter().copied()));
            table.row([kind.name().to_owned(), what.to_owned(), p50, p99, worst]);
        }
        let (bus, refused) =
            (Percentiles::of(times.bus.iter().copied()).p99, Percentiles::of(times.refused_after.iter().copied()).p99);
        targets.push(kind.target(refused, bus));
    }
    ReportSection {
        title: "Signed out here, refused elsewhere",
        text: format!(
            "Two servers on one database. {sign_outs} people, one after the other, are signed out everywhere (`POST {}`) on one; on the \
             other {POLLERS} connections ask again and again whether the token still passes, resting {} µs in between, and an event \
             stream is open. The bus's own way is from `NOTIFY` to `LISTEN` or from `PUBLISH` to `SUBSCRIBE`, once before each sign-out and \
             under the same polling, between two connections of one process. What counts is the time from the answer, since \
             nothing is acknowledged before it; a refusal is seen up to one poll late. Zero means that the other server refused before \
             the answer was here.",
            paths::LOGOUT_ALL,
            PAUSE.as_micros(),
        ),
        tables: vec![table],
        targets,
    }
}
