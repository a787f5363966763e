//! Other requests while many users sign in at once: hashing a password takes a core for tens of milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use types::api::paths;

use super::load::{finished, pace};
use super::report::{ReportSection, Table, Target, cells};
use super::servers::Server;
use super::set_up::Device;
use super::statistics::{Millis, Percentiles, times};
use super::wire::{HttpClient, get, post};
use super::{Bench, BenchError, Filling, PASSWORD};

/// Users who sign in at the same time, again and again.
const STORM: usize = 32;
const CONNECTIONS: u32 = 4;
/// Requests a second to each of the two servers: far below what they could answer.
const RATE: u32 = 400;
/// How much longer than a route that hashes nothing, in the same storm, the slowest of a hundred may take.
const TARGET: f64 = 2.0;

/// The times of requests to one server.
#[derive(Default)]
struct Times {
    calm: Vec<Duration>,
    storm: Vec<Duration>,
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let database = bench.database(Filling::Nothing).await?;
    let set_up = bench.set_up(&database).await?;
    let users = set_up.sign_in(STORM).await?;
    set_up.close().await;
    let server = bench.serve(&database)?;
    let request = get(paths::SESSION, &users[0].access);
    let body = bench.folder.0.join("storm");
    std::fs::write(&body, HttpClient::connect(server.address())?.ask(&request)?.expect(200)?.body)?;
    let bare = Server::baseline(&body, None)?;

    let (rounds, length) = (bench.either(5, 2), Duration::from_secs(bench.either(4, 3)));
    let (mut ours, mut baseline) = (Times::default(), Times::default());
    let (mut signed_in, mut stormed) = (0, Duration::ZERO);
    for round in 1..=rounds {
        bench.note(&format!("a storm of sign-ins, round {round} of {rounds}"));
        let (checked, plain) = both(&server, &bare, &request, length)?;
        ours.calm.extend(checked);
        baseline.calm.extend(plain);
        let storm = Storm::begin(&server, &users);
        std::thread::sleep(Duration::from_millis(500));
        let (checked, plain) = both(&server, &bare, &request, length)?;
        ours.storm.extend(checked);
        baseline.storm.extend(plain);
        let (count, lasted) = storm.end()?;
        signed_in += count;
        stormed += lasted;
    }
    Ok(section(&ours, &baseline, f64::from(signed_in) / stormed.as_secs_f64()))
}

/// Paced requests to both servers at once.
fn both(
    server: &Server,
    bare: &Server,
    request: &[u8],
    length: Duration,
) -> Result<(Vec<Duration>, Vec<Duration>), BenchError> {
    let checked = pace(server.address(), request, CONNECTIONS, RATE, length);
    let plain = pace(bare.address(), request, CONNECTIONS, RATE, length);
    Ok((finished(checked)?, finished(plain)?))
}

/// Users who sign in as fast as they are let in.
struct Storm {
    over: Arc<AtomicBool>,
    began: Instant,
    users: Vec<std::thread::JoinHandle<std::io::Result<u32>>>,
}

impl Storm {
    fn begin(server: &Server, users: &[Device]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let address = server.address();
        let users = users
            .iter()
            .map(|user| {
                let (email, over) = (user.email.clone(), Arc::clone(&over));
                std::thread::spawn(move || {
                    let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
                    let request = post(paths::LOGIN, None, &body);
                    let mut client = HttpClient::connect(address)?;
                    let mut count = 0;
                    while !over.load(Ordering::Relaxed) {
                        client.ask(&request)?.expect(200)?;
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        Self { over, began: Instant::now(), users }
    }

    /// How many signed in, in how long.
    fn end(self) -> Result<(u32, Duration), BenchError> {
        self.over.store(true, Ordering::Relaxed);
        let mut count = 0;
        for user in self.users {
            count += finished(user)?;
        }
        Ok((count, self.began.elapsed()))
    }
}

fn section(ours: &Times, baseline: &Times, sign_ins: f64) -> ReportSection {
    let mut table = Table::new(["request", "", "p50", "p99", "worst", "p99, of calm"]);
    let mut storms = Vec::new();
    for (name, measured) in [("checked", ours), ("bare axum, a process of its own", baseline)] {
        let (calm, storm) =
            (Percentiles::of(measured.calm.iter().copied()), Percentiles::of(measured.storm.iter().copied()));
        let ratio = times(storm.p99, calm.p99);
        let ([p50, p99, worst], last) = (cells(&calm), String::new());
        table.row([name.to_owned(), "calm".to_owned(), p50, p99, worst, last]);
        let ([p50, p99, worst], last) = (cells(&storm), format!("{ratio:.1}"));
        table.row([name.to_owned(), "storm".to_owned(), p50, p99, worst, last]);
        storms.push(storm.p99);
    }
    let (checked, bare) = (storms[0], storms[1]);
    let ratio = times(checked, bare);
    ReportSection {
        title: "A storm of sign-ins",
        text: format!(
            "{RATE} checked requests a second over {CONNECTIONS} connections, first calmly and then while {STORM} people sign in at \
             the same time, again and again ({sign_ins:.0} a second get through). As many requests go to a bare axum route in a \
             process of its own, which hashes nothing: what it suffers is the machine's being busy, with passwords, PostgreSQL, \
             the people and the measuring. What the target asks is that whoever is signed in suffers no more than a \
             neighbour of this server does. Times run from when a request was due.",
        ),
        tables: vec![table],
        targets: vec![Target {
            what: "p99 of a checked request in a storm of sign-ins",
            wanted: format!("≤ {TARGET} × bare axum"),
            measured: format!("{ratio:.1} × ({} of {})", Millis(checked), Millis(bare)),
            met: ratio <= TARGET,
        }],
    }
}
