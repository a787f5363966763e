//! `latchkey bench`: what this server costs and how quick it is, measured on this machine in one run.
//!
//! The servers run as processes of their own on loopback, beside a PostgreSQL and a Redis that are started for the run
//! and thrown away. Every value is a ratio to something measured in the same run, or a percentile. One file a
//! benchmark; what they share has files of its own. Not for a production machine at work: it takes all the cores there
//! are.

mod administration;
mod audit;
mod authenticated_request;
pub mod baseline;
mod devices;
mod import;
mod load;
mod machine;
mod population;
mod process;
mod propagation;
mod reads;
mod refresh;
mod report;
mod rooms;
pub mod seed;
mod servers;
mod services;
mod set_up;
mod statistics;
mod storm;
mod streams;
mod wire;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum;

use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::random::{OsRandom, Random as _};
use report::{BenchReport, ReportSection};
use services::{Postgres, Redis};
use set_up::SetUp;

/// Whatever takes longer than all of it together is broken.
const AT_MOST: Duration = Duration::from_hours(3);

/// The password of everybody who is measured; the database they are in goes with the run.
const PASSWORD: &str = "only for measurements";

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[error("the benchmark could not run: {0}")]
pub struct BenchError(String);

impl From<std::io::Error> for BenchError {
    fn from(error: std::io::Error) -> Self {
        failed(error)
    }
}

fn failed(error: impl std::fmt::Display) -> BenchError {
    BenchError(error.to_string())
}

/// The benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// All of them
    All,
    /// A checked request beside a bare route, whatever has been revoked
    Checked,
    /// What the database is asked a request
    Reads,
    /// Other requests while many users sign in
    Storm,
    /// Refreshing tokens beside a bare commit
    Refresh,
    /// The list of devices, whatever else there is
    Devices,
    /// Signed out on one server, refused on another
    Elsewhere,
    /// Many open event streams
    Streams,
    /// Many open sockets in rooms
    Rooms,
    /// Verifying the audit log
    Audit,
    /// Bringing a million users along from another system
    Import,
    /// Finding users and sessions among millions, and ending sessions by a rule
    Administration,
}

pub struct Plan {
    pub names: Vec<Name>,
    /// Fewer and shorter rounds.
    pub quick: bool,
}

/// Measures, and gives the report as Markdown.
///
/// # Errors
/// Where something could not be started, or broke.
pub async fn run(plan: Plan) -> Result<String, BenchError> {
    let measured = tokio::time::timeout(AT_MOST, measure(plan)).await;
    measured.unwrap_or_else(|_| Err(failed("it took too long")))
}

async fn measure(plan: Plan) -> Result<String, BenchError> {
    let mut bench = Bench::start(plan.quick)?;
    let machine = machine::describe(&bench.folder.0, &bench.postgres)?;
    let wanted = |name| plan.names.is_empty() || plan.names.contains(&Name::All) || plan.names.contains(&name);
    let mut sections: Vec<ReportSection> = Vec::new();
    if wanted(Name::Checked) {
        sections.extend(Box::pin(authenticated_request::measure(&mut bench)).await?);
    }
    if wanted(Name::Reads) {
        sections.push(Box::pin(reads::measure(&mut bench)).await?);
    }
    if wanted(Name::Storm) {
        sections.push(Box::pin(storm::measure(&mut bench)).await?);
    }
    if wanted(Name::Refresh) {
        sections.push(Box::pin(refresh::measure(&mut bench)).await?);
    }
    if wanted(Name::Devices) {
        sections.push(Box::pin(devices::measure(&mut bench)).await?);
    }
    if wanted(Name::Elsewhere) {
        sections.push(Box::pin(propagation::measure(&mut bench)).await?);
    }
    if wanted(Name::Streams) {
        sections.push(Box::pin(streams::measure(&mut bench)).await?);
    }
    if wanted(Name::Rooms) {
        sections.push(Box::pin(rooms::measure(&bench)).await?);
    }
    if wanted(Name::Audit) {
        sections.push(Box::pin(audit::measure(&mut bench)).await?);
    }
    if wanted(Name::Import) {
        sections.push(Box::pin(import::measure(&mut bench)).await?);
    }
    // Last: it ends sessions of the population.
    if wanted(Name::Administration) {
        sections.push(Box::pin(administration::measure(&mut bench)).await?);
    }
    bench.note("done");
    let date = SystemClock.now().to_string().chars().take(10).collect();
    Ok(BenchReport { date, quick: plan.quick, machine, sections }.markdown())
}

/// What a database holds before it is measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Filling {
    /// Tables.
    Nothing,
    /// So many revocations that are still to be remembered.
    Revocations(u32),
    /// So many users with so many sessions.
    Population(u32, u32),
}

/// The run: what the benchmarks share.
struct Bench {
    // Before the folder: what is running there goes first.
    postgres: Postgres,
    redis: Redis,
    folder: Folder,
    quick: bool,
    secret: String,
    databases: HashMap<Filling, String>,
    begun: Instant,
}

impl Bench {
    fn start(quick: bool) -> Result<Self, BenchError> {
        let begun = Instant::now();
        let mut secret = [0; 32];
        OsRandom.fill(&mut secret);
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let folder = Folder::make(&secret[..12])?;
        let postgres = Postgres::start(&folder.0)?;
        let redis = Redis::start(&folder.0)?;
        Ok(Self { postgres, redis, folder, quick, secret, databases: HashMap::new(), begun })
    }

    /// Tells whoever waits what is being done.
    fn note(&self, doing: &str) {
        let seconds = self.begun.elapsed().as_secs();
        eprintln!("[{:2}:{:02}] {doing}", seconds / 60, seconds % 60);
    }

    /// One of two, by whether time matters more than accuracy.
    const fn either<T: Copy>(&self, usual: T, quick: T) -> T {
        if self.quick { quick } else { usual }
    }

    /// A database that is filled like that: a new one, or the one that an earlier benchmark had filled.
    async fn database(&mut self, filling: Filling) -> Result<String, BenchError> {
        if let Some(url) = self.databases.get(&filling) {
            return Ok(url.clone());
        }
        let name = format!("bench_{}", self.databases.len());
        let url = self.postgres.create_database(&name)?;
        let set_up = self.set_up(&url).await?;
        match filling {
            Filling::Nothing => {}
            Filling::Revocations(count) => {
                self.note(&format!("revoking {count} sessions"));
                set_up.revoke_strangers(count).await?;
            }
            Filling::Population(users, sessions) => {
                self.note(&format!("signing {users} users in with {sessions} sessions"));
                set_up.populate(users, sessions, |_, _| {}).await?;
                // What the servers would otherwise do while they are measured.
                self.note("sealing the audit log");
                set_up.seal_audit().await?;
            }
        }
        set_up.close().await;
        // What PostgreSQL would otherwise do by itself, in the middle of what is measured.
        self.postgres.ask(&name, "VACUUM ANALYZE")?;
        self.databases.insert(filling, url.clone());
        Ok(url)
    }

    /// The name of a database by its address.
    fn name_of(url: &str) -> &str {
        url.rsplit('/').next().unwrap_or_default()
    }

    /// The same installation as the servers on that database, from inside.
    async fn set_up(&self, database: &str) -> Result<SetUp, BenchError> {
        let config = Config::load(self.settings(database).into_iter(), None).map_err(failed)?;
        Box::pin(SetUp::open(&config, PASSWORD)).await
    }

    /// The settings of everybody on that database.
    fn settings(&self, database: &str) -> Vec<(String, String)> {
        let settings = [
            ("LATCHKEY_ENV", "development"),
            ("LATCHKEY_SECRET", &self.secret),
            ("DATABASE_URL", database),
            ("PUBLIC_URL", "http://localhost:3000"),
            ("RATE_LIMITS", "off"),
            // Everybody comes from here.
            ("MAX_CONNECTIONS_PER_ADDRESS", "100000"),
            ("LOG_LEVEL", "error"),
            // Longer than the run, so that no token runs out and nothing is cleaned up in the middle of it.
            ("JWT_EXPIRE", "2h"),
            ("CLEANUP_INTERVAL", "24h"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

/// A folder that goes with the run.
struct Folder(PathBuf);

impl Folder {
    fn make(suffix: &str) -> Result<Self, BenchError> {
        let folder = std::env::temp_dir().join(format!("latchkey-bench-{suffix}"));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind at worst, in a folder for what may be left behind.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
