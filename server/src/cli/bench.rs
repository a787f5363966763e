//! `latchkey bench`: measures, or fills a database to be measured.

use std::path::PathBuf;

use super::output::Output;
use super::{CliError, say, settings};
use crate::bench::baseline::Baseline;
use crate::bench::seed::Seed;
use crate::bench::{self, BenchError, Name, Plan};
use crate::lifecycle::{Stop, Tasks};

/// What to measure.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    command: Option<Command>,
    /// Which benchmarks; all of them where none is named, which takes up to 15 GB of disk
    #[arg(value_enum)]
    names: Vec<Name>,
    /// Fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// Write the report to this file
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Fill the configured database with users and sessions
    Seed(Seed),
    /// What checked requests are compared with
    #[command(hide = true)]
    Baseline(Baseline),
}

impl Bench {
    pub async fn run(self, output: Output) -> Result<(), CliError> {
        let stop = Stop::on_signals(&Tasks::new()).map_err(CliError::Serve)?;
        // Whatever is under way is dropped, and takes its servers and folders with it.
        tokio::select! {
            done = self.measure(output) => done,
            () = stop.soft.cancelled() => Err(CliError::CutShort),
        }
    }

    async fn measure(self, output: Output) -> Result<(), CliError> {
        match self.command {
            Some(Command::Seed(seed)) => seed_database(seed, output).await,
            Some(Command::Baseline(baseline)) => Ok(baseline.run().await?),
            None => {
                let all = self.names.is_empty() || self.names.contains(&Name::All);
                if self.write.is_some() && !all {
                    return Err(
                        BenchError::from(std::io::Error::other("a part would take the place of the whole")).into()
                    );
                }
                let report = bench::run(Plan { names: self.names, quick: self.quick }).await?;
                if let Some(path) = self.write {
                    std::fs::write(path, &report).map_err(BenchError::from)?;
                }
                say(&report)
            }
        }
    }
}

async fn seed_database(seed: Seed, output: Output) -> Result<(), CliError> {
    let config = settings()?;
    let bar = output.progress(seed.rows(), "Seeding");
    let seeded = Box::pin(seed.run(&config, &|rows| bar.set(rows))).await;
    bar.finish();
    let seeded = seeded?;
    output.done(&seeded.to_string(), &seeded.as_json())
}
