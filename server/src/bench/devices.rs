//! The list of a user's devices: what it costs depends on how many they are, and not on how many everybody else has.

use std::time::{Duration, Instant};

use types::api::paths;
use types::domain::UserId;

use super::population::{FEW, MANY, Population};
use super::report::{ReportSection, Table, Target, cells};
use super::statistics::{Percentiles, Spread, times};
use super::wire::{HttpClient, get};
use super::{Bench, BenchError, Filling, failed};
use crate::clock::{Clock as _, SystemClock};

/// Users and sessions in the small database; the user with many devices alone has a thousand of these.
const SMALL: (u32, u32) = (200, 2_020);
/// And in the large one.
const LARGE: (u32, u32) = (100_000, 1_000_000);
/// How much longer the list may take in the large one.
const TARGET: f64 = 1.25;

/// One user in one database.
struct Case {
    database: usize,
    devices: u32,
    client: HttpClient,
    request: Vec<u8>,
    /// Medians of the rounds.
    medians: Vec<Duration>,
    took: Vec<Duration>,
    /// Pages of the database that one list touches.
    pages: u32,
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let (mut servers, mut cases) = (Vec::new(), Vec::new());
    // Both first: a connection that says nothing while a database is filled is closed.
    for (users, sessions) in [SMALL, LARGE] {
        bench.database(Filling::Population(users, sessions)).await?;
    }
    for (number, (users, sessions)) in [SMALL, LARGE].into_iter().enumerate() {
        let database = bench.database(Filling::Population(users, sessions)).await?;
        let server = bench.serve(&database)?;
        let set_up = bench.set_up(&database).await?;
        for (devices, who) in [(FEW, Population::with_few()), (MANY, Population::with_many())] {
            let rows = set_up.store.sessions().sessions_of(who, SystemClock.now()).await?;
            let session = rows.first().ok_or_else(|| failed("nobody is signed in"))?;
            let request = get(paths::SESSIONS, &set_up.access(session).await?);
            let pages = pages(bench, Bench::name_of(&database), who, &set_up.store)?;
            let client = HttpClient::connect(server.address())?;
            cases.push(Case { database: number, devices, client, request, medians: vec![], took: vec![], pages });
        }
        set_up.close().await;
        servers.push(server);
    }
    let (rounds, length) = (bench.either(7, 3), Duration::from_millis(bench.either(1500, 700)));
    for round in 0..=rounds {
        bench.note(&format!("lists of devices, round {round} of {rounds}"));
        for case in &mut cases {
            let took = list(case, length)?;
            if round > 0 {
                case.medians.push(Percentiles::of(took.iter().copied()).p50);
                case.took.extend(took);
            }
        }
    }
    drop(servers);
    Ok(section(&cases))
}

fn list(case: &mut Case, length: Duration) -> Result<Vec<Duration>, BenchError> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        let asked = Instant::now();
        case.client.ask(&case.request)?.expect(200)?;
        took.push(asked.elapsed());
    }
    Ok(took)
}

/// How many pages the statement behind the list touches; fails where it does not come out of its index.
fn pages(bench: &Bench, database: &str, who: UserId, store: &crate::store::Store) -> Result<u32, BenchError> {
    let (_, statement) = store
        .statements()
        .find(|(name, _)| *name == "LIVE_SESSIONS")
        .ok_or_else(|| failed("a statement is missing"))?;
    let now = SystemClock.now().as_millis();
    let plan = bench.postgres.ask(
        database,
        &format!(
            "SET plan_cache_mode = force_generic_plan; PREPARE listed AS {statement}; \
             EXPLAIN (ANALYZE, BUFFERS) EXECUTE listed('{who}', {now})"
        ),
    )?;
    if !plan.contains("sessions_live_of_user") || plan.contains("Seq Scan") {
        return Err(failed(format!("the list does not come out of its index:\n{plan}")));
    }
    let buffers = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared ")).unwrap_or_default();
    Ok(buffers.split_whitespace().filter_map(|word| word.split_once('=')?.1.parse::<u32>().ok()).sum())
}

fn section(cases: &[Case]) -> ReportSection {
    let sizes = [SMALL, LARGE].map(|(_, sessions)| sessions);
    let mut table = Table::new(["devices", "sessions in all", "pages read", "p50", "p99", "worst", "of the small one"]);
    let mut targets = Vec::new();
    for devices in [FEW, MANY] {
        let of = |database| cases.iter().find(|case| case.database == database && case.devices == devices);
        let (Some(small), Some(large)) = (of(0), of(1)) else { continue };
        let ratio = Spread::of(large.medians.iter().zip(&small.medians).map(|(large, small)| times(*large, *small)));
        for case in [small, large] {
            let [p50, p99, worst] = cells(&Percentiles::of(case.took.iter().copied()));
            let compared = if case.database == 0 { String::new() } else { ratio.show(2) };
            table.row([
                devices.to_string(),
                sizes[case.database].to_string(),
                case.pages.to_string(),
                p50,
                p99,
                worst,
                compared,
            ]);
        }
        targets.push(Target {
            what: if devices == FEW {
                "list of 10 devices, 1,000,000 sessions of 2,020"
            } else {
                "list of 1,000 devices, the same"
            },
            wanted: format!("≤ {TARGET} ×"),
            measured: format!("{} ×", ratio.show(2)),
            met: ratio.median <= TARGET,
        });
    }
    ReportSection {
        title: "The list of devices",
        text: format!(
            "`GET {}` of a person with {FEW} devices and of one with {MANY}, over one connection, on a PostgreSQL database with {} \
             sessions and on one with {}; rounds in turn. Pages are those of table and index that the statement touches \
             (`EXPLAIN (ANALYZE, BUFFERS)`, with a generic plan as the server's); each list comes out of the index \
             `sessions_live_of_user`, in order. Among a million, a person's sessions lie on a page each.",
            paths::SESSIONS,
            sizes[0],
            sizes[1],
        ),
        tables: vec![table],
        targets,
    }
}
