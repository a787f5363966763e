//! Bringing users along from another system: how long a million takes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::report::{ReportSection, Table, Target};
use super::servers::ourselves;
use super::{Bench, BenchError, failed};

const MANY: u32 = 1_000_000;
/// The same where there is little time.
const FEWER: u32 = 20_000;
/// How long a million may take.
const TARGET: Duration = Duration::from_mins(10);
/// A hash as Express applications have it. It is of no password that anybody uses.
const HASH: &str = "$2b$10$abcdefghijklmnopqrstuuL0zX1n2z6uuV3KgBM7FFRG4LWl4Z/l.";

struct Imported {
    database: &'static str,
    users: u32,
    took: Duration,
}

impl Imported {
    /// How long a million would have taken.
    fn a_million(&self) -> Duration {
        self.took.mul_f64(1e6 / f64::from(self.users.max(1)))
    }
}

pub async fn measure(bench: &mut Bench) -> Result<ReportSection, BenchError> {
    let users = bench.either(MANY, FEWER);
    let file = bench.folder.0.join("users.ndjson");
    write_users(&file, users)?;
    let postgres = bench.postgres.create_database("bench_import")?;
    let folder = bench.folder.0.join("import");
    let sqlite = format!("sqlite://{}/latchkey.db", folder.display());
    let on_postgres = Box::pin(import(bench, "PostgreSQL", &postgres, &file, users)).await?;
    bench.postgres.drop_database("bench_import")?;
    let on_sqlite = Box::pin(import(bench, "SQLite", &sqlite, &file, users)).await?;
    std::fs::remove_dir_all(folder)?;
    std::fs::remove_file(file)?;
    Ok(section(&[on_postgres, on_sqlite]))
}

/// A JSON object a line, as other systems are asked to write them.
fn write_users(path: &Path, users: u32) -> Result<(), BenchError> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..users {
        let email = format!("brought-along-{number:07}@latchkey.invalid");
        writeln!(
            file,
            r#"{{"email":"{email}","name":"Brought Along {number}","emailVerified":true,"passwordHash":"{HASH}"}}"#
        )?;
    }
    Ok(file.flush()?)
}

async fn import(
    bench: &Bench,
    name: &'static str,
    database: &str,
    file: &Path,
    users: u32,
) -> Result<Imported, BenchError> {
    bench.set_up(database).await?.close().await;
    bench.note(&format!("importing {users} users, on {name}"));
    let mut command = ourselves()?;
    command.args(["user", "import"]).arg(file).arg("--quiet").current_dir(&bench.folder.0);
    command.env_clear().envs(bench.settings(database)).stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    if !output.status.success() {
        return Err(failed(format!("the import failed: {}", String::from_utf8_lossy(&output.stderr).trim_end())));
    }
    let set_up = bench.set_up(database).await?;
    let imported = set_up.store.accounts().count_users().await?;
    set_up.close().await;
    if imported < u64::from(users) {
        return Err(failed(format!("only {imported} users were imported")));
    }
    Ok(Imported { database: name, users, took })
}

fn section(all: &[Imported]) -> ReportSection {
    let mut table = Table::new(["database", "users", "took", "users a second"]);
    let mut targets = Vec::new();
    for imported in all {
        let Imported { database, users, took } = imported;
        let rate = f64::from(*users) / took.as_secs_f64().max(f64::EPSILON);
        let seconds = format!("{:.1} s", took.as_secs_f64());
        table.row([(*database).to_owned(), users.to_string(), seconds, format!("{rate:.0}")]);
        targets.push(Target {
            what: if *database == "SQLite" {
                "importing 1,000,000 users, SQLite"
            } else {
                "importing 1,000,000 users, PostgreSQL"
            },
            wanted: format!("≤ {} min", TARGET.as_secs() / 60),
            measured: format!("{:.1} min", imported.a_million().as_secs_f64() / 60.0),
            met: imported.a_million() <= TARGET,
        });
    }
    ReportSection {
        title: "Importing users",
        text: "`latchkey user import`, a process of its own, from a file with a JSON object a line; each has a bcrypt \
               hash, which is kept as it is until the first sign-in."
            .to_owned(),
        tables: vec![table],
        targets,
    }
}
