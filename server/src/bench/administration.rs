//! Administering a large installation: how long it takes to find users and sessions, on both databases, and to end the
//! sessions of a network while others go on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use types::api::{admin, paths};

use super::load::{finished, pace};
use super::report::{ReportSection, Table, Target, cells};
use super::statistics::{Percentiles, times};
use super::wire::{HttpClient, get, post};
use super::{Bench, BenchError, Filling, failed};
use crate::clock::{Clock as _, SystemClock};

/// Users and sessions that are signed in one by one: sessions are ended among these.
const POPULATION: (u32, u32) = (100_000, 1_000_000);
/// The same on SQLite where there is little time.
const FEWER: (u32, u32) = (10_000, 100_000);
/// How often these are copied for the searches, where there is time: ten times as many then.
const COPIES: u8 = 9;
/// An eighth of all sessions is there.
const NETWORK: &str = "203.0.0.0/19";
/// How long a page of users or sessions may take.
const SEARCH_TARGET: Duration = Duration::from_millis(50);
/// How long the end of 100,000 sessions may take.
const END_TARGET: Duration = Duration::from_secs(10);
/// How much longer other requests may take meanwhile.
const OTHERS_TARGET: f64 = 2.0;
const OTHER_CONNECTIONS: u32 = 8;
const OTHERS_PER_SECOND: u32 = 200;
/// How long is waited for the receipt.
const AT_MOST: Duration = Duration::from_mins(2);
/// Sessions that are asked for by their age began before that long ago: half of them.
const OLD: Duration = Duration::from_hours(24 * 12);

/// What is looked for among users.
const USER_SEARCHES: [(&str, &str); 15] = [
    ("the beginning of an address", "q=seeded-004"),
    ("one address", "q=seeded-0042424@latchkey.invalid"),
    ("the beginning of a name", "sort=name&q=s"),
    ("the newest", "sort=newest"),
    ("the newest of a beginning", "sort=newest&q=s"),
    ("a role", "role=admin"),
    ("a role, by name", "role=admin&sort=name"),
    ("a role, the newest", "role=admin&sort=newest"),
    ("an IP address", "q=203.0.113.7"),
    ("those who are disabled", "disabled=true"),
    ("those who are disabled, by name", "disabled=true&sort=name"),
    ("those who are not proved, by name", "unverified=true&sort=name"),
    ("those who are not proved, the newest", "unverified=true&sort=newest"),
    ("those who are both", "disabled=true&unverified=true"),
    ("a role among those who are disabled", "role=admin&disabled=true"),
];

/// What is looked for among the sessions of all users. The age is added.
const SESSION_SEARCHES: [(&str, &str); 7] = [
    ("sessions, the newest", ""),
    ("sessions at an IP address", "network=203.0.113.7"),
    ("sessions of a network", "network=203.0.0.0/19"),
    ("sessions of a client", "client=firefox"),
    ("sessions of a client that nobody has", "client=lynx"),
    ("sessions at a place", "place=paris"),
    ("sessions of a client at a network", "network=203.0.113.0/24&client=safari"),
];

/// What came of the searches on one database.
struct Searched {
    database: &'static str,
    users: u64,
    sessions: u64,
    found: Vec<(&'static str, Percentiles)>,
}

impl Searched {
    fn slowest(&self) -> Duration {
        self.found.iter().map(|(_, percentiles)| percentiles.p99).max().unwrap_or_default()
    }
}

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
    let on_postgres = Box::pin(search_postgres(bench, &database)).await?;
    let on_sqlite = Box::pin(search_sqlite(bench)).await?;
    let set_up = bench.set_up(&database).await?;
    let access = set_up.administrator().await?;
    set_up.close().await;
    let server = bench.serve(&database)?;
    bench.note(&format!("ending the sessions of {NETWORK}"));
    let ended = end(server.address(), &access, Duration::from_secs(bench.either(8, 5)))?;
    drop(server);
    Ok(section(&[on_postgres, on_sqlite], &ended))
}

/// Searches a copy of the population on PostgreSQL that is made larger, or the population itself where there is little
/// time.
async fn search_postgres(bench: &Bench, population: &str) -> Result<Searched, BenchError> {
    const NAME: &str = "bench_administration";
    if bench.quick {
        return search_all(bench, "PostgreSQL", population, POPULATION).await;
    }
    let database = bench.postgres.copy_database(NAME, Bench::name_of(population))?;
    copy_population(bench, "PostgreSQL", &database).await?;
    bench.postgres.ask(NAME, "VACUUM ANALYZE")?;
    let searched = search_all(bench, "PostgreSQL", &database, POPULATION).await?;
    bench.postgres.drop_database(NAME)?;
    Ok(searched)
}

async fn search_sqlite(bench: &Bench) -> Result<Searched, BenchError> {
    let folder = bench.folder.0.join("administration");
    let database = format!("sqlite://{}/latchkey.db", folder.display());
    let (users, sessions) = bench.either(POPULATION, FEWER);
    let set_up = bench.set_up(&database).await?;
    bench.note(&format!("signing {users} users in with {sessions} sessions, on SQLite"));
    set_up.populate(users, sessions, |_, _| {}).await?;
    set_up.seal_audit().await?;
    set_up.close().await;
    if !bench.quick {
        copy_population(bench, "SQLite", &database).await?;
    }
    let searched = search_all(bench, "SQLite", &database, (users, sessions)).await?;
    std::fs::remove_dir_all(folder)?;
    Ok(searched)
}

async fn copy_population(bench: &Bench, name: &str, database: &str) -> Result<(), BenchError> {
    bench.note(&format!("copying them {COPIES} times, on {name}"));
    let set_up = bench.set_up(database).await?;
    set_up.store.maintenance().copy_population(COPIES).await?;
    set_up.close().await;
    Ok(())
}

/// Searches a database in which so many users and sessions were signed in.
async fn search_all(
    bench: &Bench,
    name: &'static str,
    database: &str,
    (users, sessions): (u32, u32),
) -> Result<Searched, BenchError> {
    let set_up = bench.set_up(database).await?;
    let access = set_up.administrator().await?;
    set_up.close().await;
    let server = bench.serve(database)?;
    let length = Duration::from_millis(bench.either(2000, 500));
    let old = format!("signedInBefore={}", SystemClock.now().minus(OLD));
    let of_users = USER_SEARCHES.map(|(what, query)| (what, admin::USERS, query));
    let of_sessions = SESSION_SEARCHES.map(|(what, query)| (what, admin::SESSIONS, query));
    let by_age = [("sessions by their age", admin::SESSIONS, old.as_str())];
    let mut found = Vec::new();
    for (what, path, query) in of_users.into_iter().chain(of_sessions).chain(by_age) {
        bench.note(&format!("finding {what}, on {name}"));
        found.push((what, search(server.address(), &access, &format!("{path}?{query}"), length)?));
    }
    drop(server);
    let times = if bench.quick { 1 } else { u64::from(COPIES) + 1 };
    Ok(Searched { database: name, users: u64::from(users) * times, sessions: u64::from(sessions) * times, found })
}

fn search(address: SocketAddr, access: &str, path: &str, length: Duration) -> Result<Percentiles, BenchError> {
    let mut client = HttpClient::connect(address)?;
    let request = get(path, access);
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

fn section(all: &[Searched; 2], ended: &Ended) -> ReportSection {
    let mut tables: Vec<Table> = all.iter().map(table_of).collect();
    let mut others = Table::new(["other requests", "p50", "p99", "worst"]);
    for (what, percentiles) in [("before", &ended.calm), ("while sessions end", &ended.meanwhile)] {
        let [p50, p99, worst] = cells(percentiles);
        others.row([what.to_owned(), p50, p99, worst]);
    }
    tables.push(others);
    let sizes: Vec<String> = all
        .iter()
        .map(|searched| {
            format!("{} with {} users and {} sessions", searched.database, searched.users, searched.sessions)
        })
        .collect();
    ReportSection {
        title: "Administering",
        text: format!(
            "`GET {}` and `GET {}` over one connection, on {}. Then, on a PostgreSQL database with {} users and \
             {} sessions, the {} sessions of {NETWORK} are ended by a rule, from the call to the receipt that says \
             *done*, in {:.1} s, while {OTHERS_PER_SECOND} requests a second ask for a profile.",
            admin::USERS,
            admin::SESSIONS,
            sizes.join(", and on "),
            POPULATION.0,
            POPULATION.1,
            ended.sessions,
            ended.took.as_secs_f64(),
        ),
        tables,
        targets: targets(all, ended),
    }
}

fn table_of(searched: &Searched) -> Table {
    let heading = format!("found on {} by", searched.database);
    let mut table = Table::new([heading.as_str(), "p50", "p99", "worst"]);
    for (what, percentiles) in &searched.found {
        let [p50, p99, worst] = cells(percentiles);
        table.row([(*what).to_owned(), p50, p99, worst]);
    }
    table
}

fn targets(all: &[Searched; 2], ended: &Ended) -> Vec<Target> {
    let mut targets: Vec<Target> = all
        .iter()
        .map(|searched| Target {
            what: if searched.database == "SQLite" {
                "finding users and sessions, the slowest of all searches, p99, SQLite"
            } else {
                "finding users and sessions, the slowest of all searches, p99, PostgreSQL"
            },
            wanted: format!("≤ {} ms", SEARCH_TARGET.as_millis()),
            measured: format!("{:.1} ms", searched.slowest().as_secs_f64() * 1000.0),
            met: searched.slowest() <= SEARCH_TARGET,
        })
        .collect();
    let a_share = 1e5 / f64::from(u32::try_from(ended.sessions.max(1)).unwrap_or(u32::MAX));
    let a_hundred_thousand = ended.took.mul_f64(a_share);
    let ratio = times(ended.meanwhile.p99, ended.calm.p99);
    targets.extend([
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
    ]);
    targets
}
