//! Verifying the audit log: how long a million sealed entries take.

use std::time::{Duration, Instant};

use super::report::{ReportSection, Table, Target};
use super::set_up::SetUp;
use super::{Bench, BenchError, Filling, failed};

/// Users and sessions: each session is an entry.
const MANY: (u32, u32) = (100_000, 1_000_000);
/// The same where there is little time.
const FEWER: (u32, u32) = (10_000, 100_000);
/// How long a million entries may take.
const TARGET: Duration = Duration::from_mins(1);

struct Verified {
    database: &'static str,
    entries: u64,
    seals: u64,
    took: Duration,
}

impl Verified {
    /// How long a million entries would have taken.
    fn a_million(&self) -> Duration {
        let entries = u32::try_from(self.entries.max(1)).unwrap_or(u32::MAX);
        self.took.mul_f64(1e6 / f64::from(entries))
    }
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let (users, sessions) = MANY;
    let postgres = bench.database(Filling::Population(users, sessions)).await?;
    let set_up = bench.set_up(&postgres).await?;
    let on_postgres = verify(bench, "PostgreSQL", &set_up).await?;
    set_up.close().await;

    let (users, sessions) = bench.either(MANY, FEWER);
    let set_up = bench.set_up(&format!("sqlite://{}/audit.db", bench.folder.0.display())).await?;
    bench.note(&format!("signing {users} users in with {sessions} sessions, on SQLite"));
    set_up.populate(users, sessions, |_, _| {}).await?;
    set_up.seal_audit().await?;
    let on_sqlite = verify(bench, "SQLite", &set_up).await?;
    set_up.close().await;
    Ok(section(&[on_postgres, on_sqlite]))
}

async fn verify(bench: &Bench, database: &'static str, set_up: &SetUp) -> Result<Verified, BenchError> {
    bench.note(&format!("verifying the audit log on {database}"));
    let began = Instant::now();
    let report = set_up.verify_audit().await?;
    let took = began.elapsed();
    if !report.is_good() || report.unsealed > 0 {
        return Err(failed("the audit log is not as it was sealed"));
    }
    Ok(Verified { database, entries: report.entries, seals: report.seals, took })
}

fn section(all: &[Verified]) -> ReportSection {
    let mut table = Table::new(["database", "entries", "seals", "took", "entries a second"]);
    let mut targets = Vec::new();
    for verified in all {
        let Verified { database, entries, seals, took } = verified;
        let rate = 1e6 / verified.a_million().as_secs_f64().max(f64::EPSILON);
        table.row([
            (*database).to_owned(),
            entries.to_string(),
            seals.to_string(),
            format!("{:.1} s", took.as_secs_f64()),
            format!("{rate:.0}"),
        ]);
        targets.push(Target {
            what: if *database == "SQLite" {
                "verifying 1,000,000 audit entries, SQLite"
            } else {
                "verifying 1,000,000 audit entries, PostgreSQL"
            },
            wanted: format!("≤ {} s", TARGET.as_secs()),
            measured: format!("{:.1} s", verified.a_million().as_secs_f64()),
            met: verified.a_million() <= TARGET,
        });
    }
    ReportSection {
        title: "Verifying the audit log",
        text: "`latchkey audit verify`, in this process: the signature of each seal, and of each entry its place, its \
               mark and its commitments. What is sealed is the sign-ins of the population, with addresses and user \
               agents."
            .to_owned(),
        tables: vec![table],
        targets,
    }
}
