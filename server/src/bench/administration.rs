//! Administering a large installation: how long it takes to find users, and to end the sessions of a network while
//! others go on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use types::api::{admin, paths};

use super::load::{finished, pace};
use super::report::{ReportSection, Table, Target, cells};
use super::statistics::{Percentiles, times};
use super::wire::{HttpClient, get, post};
use super::{Bench, BenchError, Filling, failed};

/// Users and sessions.
const POPULATION: (u32, u32) = (100_000, 1_000_000);
/// An eighth of all sessions is there.
const NETWORK: &str = "203.0.0.0/19";
/// How long a page of users may take.
const SEARCH_TARGET: Duration = Duration::from_millis(50);
/// How long the end of 100,000 sessions may take.
const END_TARGET: Duration = Duration::from_secs(10);
/// How much longer other requests may take meanwhile.
const OTHERS_TARGET: f64 = 2.0;
const OTHER_CONNECTIONS: u32 = 8;
const OTHERS_PER_SECOND: u32 = 200;
/// How long is waited for the receipt.
const AT_MOST: Duration = Duration::from_mins(2);

/// What is looked for.
const SEARCHES: [(&str, &str); 7] = [
    ("the beginning of an address", "q=seeded-004"),
    ("one address", "q=seeded-0042424@latchkey.invalid"),
    ("the beginning of a name", "sort=name&q=s"),
    ("the newest", "sort=newest"),
    ("a role", "role=admin"),
    ("an IP address", "q=203.0.113.7"),
    ("those who are disabled", "disabled=true"),
];

/// What came of an end by rule.
struct Ended {
    sessions: u64,
    took: Duration,
    calm: Percentiles,
    meanwhile: Percentiles,
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let (users, sessions) = POPULATION;
    let database = bench.database(Filling::Population(users, sessions)).await?;
    let set_up = bench.set_up(&database).await?;
    let device = set_up.sign_in(1).await?.pop().ok_or_else(|| failed("nobody is signed in"))?;
    let becomes_admin = format!("INSERT INTO user_roles (user_id, role) VALUES ('{}', 'admin')", device.user_id);
    bench.postgres.ask(Bench::name_of(&database), &becomes_admin)?;
    let session = set_up.store.sessions().session(device.session_id).await?;
    let access = set_up.access(&session.ok_or_else(|| failed("nobody is signed in"))?).await?;
    set_up.close().await;
    let server = bench.serve(&database)?;
    let length = Duration::from_millis(bench.either(2000, 700));
    let mut found = Vec::with_capacity(SEARCHES.len());
    for (what, query) in SEARCHES {
        bench.note(&format!("finding users: {what}"));
        found.push((what, search(server.address(), &access, query, length)?));
    }
    bench.note(&format!("ending the sessions of {NETWORK}"));
    let ended = end(server.address(), &access, Duration::from_secs(bench.either(8, 5)))?;
    drop(server);
    Ok(section(&found, &ended))
}

fn search(address: SocketAddr, access: &str, query: &str, length: Duration) -> Result<Percentiles, BenchError> {
    let mut client = HttpClient::connect(address)?;
    let request = get(&format!("{}?{query}", admin::USERS), access);
    client.ask(&request)?.expect(200)?;
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        let asked = Instant::now();
        client.ask(&request)?.expect(200)?;
        took.push(asked.elapsed());
    }
    Ok(Percentiles::of(took))
}

fn end(address: SocketAddr, access: &str, length: Duration) -> Result<Ended, BenchError> {
    let others = get(paths::PROFILE, access);
    let asks = || pace(address, &others, OTHER_CONNECTIONS, OTHERS_PER_SECOND, length);
    let calm = Percentiles::of(finished(asks())?);
    let meanwhile = asks();
    let mut client = HttpClient::connect(address)?;
    let body = format!(r#"{{"rule": {{"network": "{NETWORK}"}}}}"#);
    let began = Instant::now();
    let receipt = client.ask(&post(admin::END_BY_RULE, Some(access), &body))?.expect(202)?.json()?;
    let id = receipt["id"].as_str().ok_or_else(|| failed("there is no receipt"))?;
    let asks_for_receipt = get(&admin::end_run(id), access);
    let (took, sessions) = loop {
        let receipt = client.ask(&asks_for_receipt)?.expect(200)?.json()?;
        if receipt["status"] == "done" {
            break (began.elapsed(), receipt["ended"].as_u64().unwrap_or_default());
        }
        if began.elapsed() > AT_MOST {
            return Err(failed("the sessions do not end"));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let meanwhile = Percentiles::of(finished(meanwhile)?);
    Ok(Ended { sessions, took, calm, meanwhile })
}

fn section(found: &[(&str, Percentiles)], ended: &Ended) -> ReportSection {
    let mut searches = Table::new(["users found by", "p50", "p99", "worst"]);
    for (what, percentiles) in found {
        let [p50, p99, worst] = cells(percentiles);
        searches.row([(*what).to_owned(), p50, p99, worst]);
    }
    let mut others = Table::new(["other requests", "p50", "p99", "worst"]);
    for (what, percentiles) in [("before", &ended.calm), ("while sessions end", &ended.meanwhile)] {
        let [p50, p99, worst] = cells(percentiles);
        others.row([what.to_owned(), p50, p99, worst]);
    }
    let slowest = found.iter().map(|(_, percentiles)| percentiles.p99).max().unwrap_or_default();
    let a_share = 1e5 / f64::from(u32::try_from(ended.sessions.max(1)).unwrap_or(u32::MAX));
    let a_hundred_thousand = ended.took.mul_f64(a_share);
    let ratio = times(ended.meanwhile.p99, ended.calm.p99);
    ReportSection {
        title: "Administering",
        text: format!(
            "`GET {}` over one connection, on a PostgreSQL database with {} users and {} sessions. Then the {} sessions of \
             {NETWORK} are ended by a rule, from the call to the receipt that says *done*, in {:.1} s, while {OTHERS_PER_SECOND} \
             requests a second ask for a profile.",
            admin::USERS,
            POPULATION.0,
            POPULATION.1,
            ended.sessions,
            ended.took.as_secs_f64(),
        ),
        tables: vec![searches, others],
        targets: vec![
            Target {
                what: "finding users, the slowest of all searches, p99",
                wanted: format!("≤ {} ms", SEARCH_TARGET.as_millis()),
                measured: format!("{:.1} ms", slowest.as_secs_f64() * 1000.0),
                met: slowest <= SEARCH_TARGET,
            },
            Target {
                what: "ending 100,000 sessions by a rule, PostgreSQL",
                wanted: format!("≤ {} s", END_TARGET.as_secs()),
                measured: format!("{:.1} s", a_hundred_thousand.as_secs_f64()),
                met: a_hundred_thousand <= END_TARGET,
            },
            Target {
                what: "p99 of other requests meanwhile",
                wanted: format!("≤ {OTHERS_TARGET} ×"),
                measured: format!("{ratio:.2} ×"),
                met: ratio <= OTHERS_TARGET,
            },
        ],
    }
}
