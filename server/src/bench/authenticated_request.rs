//! A checked request beside a bare route, and beside one that asks Redis, with nothing, a hundred thousand and a
//! million revoked; and what the list of those takes in memory.

use std::time::Duration;

use types::api::paths;

use super::load::{Round, saturate};
use super::report::{ReportSection, Table, Target};
use super::servers::Server;
use super::statistics::Spread;
use super::wire::{HttpClient, get};
use super::{Bench, BenchError, Filling};

/// How many sessions are revoked and to be remembered.
const REVOKED: [u32; 3] = [0, 100_000, 1_000_000];
const CONNECTIONS: usize = 32;
/// How long a server rests before its memory is looked at.
const REST: Duration = Duration::from_secs(3);

/// One of those that are compared.
struct Runner {
    name: String,
    server: Server,
    request: Vec<u8>,
    rounds: Vec<Measured>,
}

/// One round of one of them.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    /// Microseconds of CPU time a request, in the server.
    cpu: f64,
    /// The same in Redis.
    redis: f64,
}

/// Measures both.
pub async fn measure(bench: &mut Bench) -> Result<[ReportSection; 2], BenchError> {
    let mut ours = Vec::new();
    for revoked in REVOKED {
        let filling = if revoked == 0 { Filling::Nothing } else { Filling::Revocations(revoked) };
        let database = bench.database(filling).await?;
        let set_up = bench.set_up(&database).await?;
        let device = set_up.sign_in(1).await?.remove(0);
        set_up.close().await;
        let server = bench.serve(&database)?;
        let name = format!("`GET {}`, {revoked} revoked", paths::SESSION);
        ours.push(Runner { name, server, request: get(paths::SESSION, &device.access), rounds: Vec::new() });
    }
    tokio::time::sleep(REST).await;
    let memory = memory(&ours)?;

    // The same request and the same bytes for everybody.
    let request = ours[0].request.clone();
    let body = bench.folder.0.join("body");
    let answer = HttpClient::connect(ours[0].server.address())?.ask(&request)?.expect(200)?;
    std::fs::write(&body, &answer.body)?;
    let baseline = |name: &str, redis| -> Result<Runner, BenchError> {
        let server = Server::baseline(&body, redis)?;
        Ok(Runner { name: name.to_owned(), server, request: request.clone(), rounds: Vec::new() })
    };
    let redis = bench.redis.url();
    let mut runners = vec![baseline("bare axum", None)?, baseline("bare axum and a GET to Redis", Some(&redis))?];
    runners.append(&mut ours);
    compare(bench, &mut runners).await?;
    Ok([requests(bench, &runners, answer.body.len()), memory])
}

/// Rounds of all, one after the other, each time beginning with another one.
async fn compare(bench: &Bench, runners: &mut [Runner]) -> Result<(), BenchError> {
    let (rounds, length) = (bench.either(9, 3), bench.either(2000, 1000));
    for round in 0..=rounds {
        bench.note(&format!("checked requests, round {round} of {rounds}"));
        for turn in 0..runners.len() {
            let at = (turn + round) % runners.len();
            let measured = run(bench, &runners[at], Duration::from_millis(length)).await?;
            // The first round is for getting warm.
            if round > 0 {
                runners[at].rounds.push(measured);
            }
        }
    }
    Ok(())
}

async fn run(bench: &Bench, runner: &Runner, length: Duration) -> Result<Measured, BenchError> {
    let (address, requests) = (runner.server.address(), vec![runner.request.clone()]);
    let (cpu, redis) = (runner.server.cpu()?, bench.redis.cpu()?);
    let load = tokio::task::spawn_blocking(move || saturate(address, &requests, CONNECTIONS, length));
    let round: Round = load.await.map_err(super::failed)??;
    let cpu = runner.server.cpu()?.saturating_sub(cpu);
    let redis = bench.redis.cpu()?.saturating_sub(redis);
    Ok(Measured { rate: round.rate(), cpu: round.micros_each(cpu), redis: round.micros_each(redis) })
}

fn requests(bench: &Bench, runners: &[Runner], bytes: usize) -> ReportSection {
    let spread = |runner: &Runner, of: &dyn Fn(usize, &Measured) -> f64| {
        Spread::of(runner.rounds.iter().enumerate().map(|(round, measured)| of(round, measured)))
    };
    let (bare, redis, none, most) = (&runners[0], &runners[1], &runners[2], &runners[4]);
    let mut table = Table::new([
        "route",
        "requests a second",
        "of bare axum",
        "CPU a request, µs",
        "over bare axum, µs",
        "in Redis, µs",
    ]);
    for runner in runners {
        table.row([
            runner.name.clone(),
            spread(runner, &|_, round| round.rate).show(0),
            spread(runner, &|at, round| round.rate / bare.rounds[at].rate).show(2),
            spread(runner, &|_, round| round.cpu).show(1),
            spread(runner, &|at, round| round.cpu - bare.rounds[at].cpu).show(1),
            if std::ptr::eq(runner, redis) { spread(runner, &|_, round| round.redis).show(1) } else { String::new() },
        ]);
    }
    let of_bare = spread(none, &|at, round| round.rate / bare.rounds[at].rate);
    let over_bare = spread(none, &|at, round| round.cpu - bare.rounds[at].cpu);
    let of_redis = spread(none, &|at, round| round.rate / redis.rounds[at].rate);
    let flat = spread(most, &|at, round| round.rate / none.rounds[at].rate);
    let rounds = runners[0].rounds.len();
    let seconds = bench.either(2, 1);
    ReportSection {
        title: "A checked request",
        text: format!(
            "`GET {}`: the token is verified and looked up in the list of what is revoked. Beside it an axum route (`axum::serve`) \
             that answers the same request with the same {bytes} bytes of JSON and looks at nothing, and one that asks Redis first, \
             over one multiplexed connection without time limits. {CONNECTIONS} connections kept busy by one thread, {rounds} rounds \
             of {seconds} s each in turn; the ratios are those of each round.",
            paths::SESSION
        ),
        tables: vec![table],
        targets: vec![
            at_least("a checked request, of bare axum", 0.85, of_bare),
            Target {
                what: "its CPU time over bare axum",
                wanted: "≤ 4 µs".to_owned(),
                measured: format!("{} µs", over_bare.show(1)),
                met: over_bare.median <= 4.0,
            },
            at_least("a checked request, of axum and a GET to Redis", 1.0, of_redis),
            at_least("with 1,000,000 revoked, of with none", 0.95, flat),
        ],
    }
}

fn at_least(what: &'static str, wanted: f64, measured: Spread) -> Target {
    Target { what, wanted: format!("≥ {wanted:.2}"), measured: measured.show(2), met: measured.median >= wanted }
}

/// What the servers have before anybody has asked them anything.
fn memory(ours: &[Runner]) -> Result<ReportSection, BenchError> {
    let mut table = Table::new(["revoked", "memory, MB", "over none, bytes each"]);
    let none = ours[0].server.memory()?;
    let mut each = 0.0;
    for (runner, revoked) in ours.iter().zip(REVOKED) {
        let memory = runner.server.memory()?;
        each = (memory - none) / f64::from(revoked.max(1));
        let each = if revoked == 0 { String::new() } else { format!("{each:.0}") };
        table.row([revoked.to_string(), format!("{:.1}", memory / 1e6), each]);
    }
    Ok(ReportSection {
        title: "Memory of what is revoked",
        text: format!(
            "The memory of each server (PSS) {} s after its start, with the whole list loaded and before the first request.",
            REST.as_secs()
        ),
        tables: vec![table],
        targets: vec![Target {
            what: "memory of a revocation, of 1,000,000",
            wanted: "≤ 64 bytes".to_owned(),
            measured: format!("{each:.0} bytes"),
            met: each <= 64.0,
        }],
    })
}
