//! The command line: one file a command, and what they share.
//!
//! `output` prints, `report` says why a command failed, `arguments` reads what several commands take, `installation`
//! opens what they work on. No rules here: what may be done to users and sessions is the business of `admin`, to roles
//! that of `roles`.

mod arguments;
mod audit;
mod bench;
mod cleanup;
mod config;
mod doctor;
mod explain;
mod import;
mod installation;
mod keys;
mod manual;
mod migrate;
mod openapi;
mod output;
mod report;
mod role;
mod serve;
mod session;
mod user;

use std::io;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use report::main;

use output::{Output, say};

use crate::accounts::AccountError;
use crate::admin::AdminError;
use crate::application::StartError;
use crate::audit::ExportError;
use crate::bench::BenchError;
use crate::config::{Config, ConfigErrors};
use crate::random::OsRandom;
use crate::store::StoreError;

/// What a shell is told where a command failed.
const EXIT_FAILED: u8 = 1;
/// Where it was called wrongly, as `clap` says it.
const EXIT_USAGE: u8 = 2;
/// Where what it is about is not there.
const EXIT_NOT_FOUND: u8 = 3;
/// Where a rule refuses it.
const EXIT_REFUSED: u8 = 4;
/// Where the settings are at fault (`EX_CONFIG` of `sysexits.h`).
const EXIT_CONFIG: u8 = 78;
/// Where the audit log is not as it was sealed (`EX_DATAERR`).
const EXIT_DATA: u8 = 65;

const AFTER_HELP: &str = "\
Settings come from the environment and from latchkey.toml: `latchkey config show` has them.

Exit codes:
  0   done, or there was nothing to do
  1   failed
  2   called wrongly, or not confirmed with --yes
  3   what it is about is not there
  4   a rule refuses it
  65  the audit log is not as it was sealed
  78  the settings are at fault";

/// Sign-in and sessions for users and apps, on your own server.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve,
    /// Bring the tables of the database up to date
    Migrate(migrate::Migrate),
    /// Look after accounts
    #[command(subcommand)]
    User(user::Command),
    /// Look after roles
    #[command(subcommand)]
    Role(role::Command),
    /// Look after sessions
    #[command(subcommand)]
    Session(session::Command),
    /// Delete what is past its time, as the server does by itself every hour
    Cleanup,
    /// Verify and export the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Look after the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Check a running installation from outside, and say what to do
    Doctor(doctor::Doctor),
    /// Say why a token is accepted or refused, now or at another time
    Explain(explain::Explain),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Print the document of the API (OpenAPI 3.1), as JSON
    Openapi,
    /// Measure what this server costs and how quick it is, on this machine
    Bench(bench::Bench),
    /// Print what completes these commands in a shell
    Completions(manual::Completions),
    /// Print the manual page, or write those of all commands
    Man(manual::Man),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("the server did not start")]
    Start(#[from] StartError),
    /// The server broke.
    #[error("the server broke")]
    Serve(#[source] io::Error),
    /// A second signal, or stopping took too long.
    #[error("stopped before everything under way was finished")]
    CutShort,
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    #[error("the database is not up to date: run `latchkey migrate`")]
    MigrationsPending,
    /// What it made would be sealed so that no server could open it.
    #[error("LATCHKEY_SECRET is not that of this installation: its signing keys cannot be opened with it")]
    WrongSecret,
    #[error("there is no database at {}: check DATABASE_URL, or make one with `latchkey migrate`", .0.display())]
    NoDatabase(PathBuf),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Called wrongly, in a way that only shows while it runs.
    #[error("{0}")]
    Usage(String),
    /// Asked for by a name that nothing has.
    #[error("{field}: `{value}` is not known; there are {}", .known.join(", "))]
    UnknownValue { field: &'static str, value: String, known: Vec<String> },
    /// It cannot be undone, and nobody said yes.
    #[error("{0}")]
    Unconfirmed(String),
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// A rule refuses it.
    #[error("{0}")]
    Refused(String),
    /// What was found has been said.
    #[error("the audit log is not as it was sealed")]
    NotAsSealed,
    /// What was found has been said.
    #[error("{failed} of {checks} checks failed")]
    Unwell { failed: usize, checks: usize },
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The terminal, or what stands in its place.
    #[error("the answer cannot be written")]
    Output(#[source] io::Error),
    #[error("the file cannot be read")]
    Import(#[source] io::Error),
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
}

impl CliError {
    /// What the shell is told.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::NoDatabase(_) | Self::WrongSecret => EXIT_CONFIG,
            Self::NotAsSealed => EXIT_DATA,
            Self::Usage(_)
            | Self::UnknownValue { .. }
            | Self::Unconfirmed(_)
            | Self::Admin(AdminError::NoSuchRole(_)) => EXIT_USAGE,
            Self::NotFound(_) | Self::Admin(AdminError::NoSuchUser(_) | AdminError::NoSuchSession(_)) => EXIT_NOT_FOUND,
            Self::Refused(_)
            | Self::Admin(
                AdminError::EmailTaken(_)
                | AdminError::LastOwner
                | AdminError::AboveActor
                | AdminError::NotAllowed(_)
                | AdminError::Disabled
                | AdminError::InUse(_)
                | AdminError::Account(AccountError::Field { .. }),
            ) => EXIT_REFUSED,
            _ => EXIT_FAILED,
        }
    }

    /// What to do next, where the error does not say so itself.
    const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => Some("`latchkey config show` says where each setting comes from"),
            Self::Store(_) | Self::Admin(AdminError::Store(_) | AdminError::Account(AccountError::Store(_))) => {
                Some("see DATABASE_URL in `latchkey config show`, and whether the database runs")
            }
            _ => None,
        }
    }
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn run(self) -> Result<(), CliError> {
        let Self { output, command } = self;
        match command {
            Command::Serve => Box::pin(serve::run(settings()?)).await,
            Command::Migrate(migrate) => migrate.run(&Config::database_from_surroundings(&OsRandom)?, output).await,
            Command::User(command) => Box::pin(command.run(&settings()?, output)).await,
            Command::Role(command) => Box::pin(command.run(&settings()?, output)).await,
            Command::Session(command) => Box::pin(command.run(&settings()?, output)).await,
            Command::Cleanup => cleanup::run(&settings()?, output).await,
            Command::Audit(command) => Box::pin(command.run(&settings()?, output)).await,
            Command::Keys(command) => command.run(&settings()?, output).await,
            Command::Doctor(doctor) => Box::pin(doctor.run(&settings()?, output)).await,
            Command::Explain(explain) => Box::pin(explain.run(&settings()?, output)).await,
            Command::Config(command) => command.run(output),
            Command::Openapi => openapi::run(),
            Command::Bench(bench) => Box::pin(bench.run(output)).await,
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(output),
        }
    }
}

fn settings() -> Result<Config, CliError> {
    Ok(Config::from_surroundings(&OsRandom)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_help_is_shown() {
        let error = Cli::try_parse_from(["latchkey"]).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }

    #[test]
    fn faulty_settings_have_an_exit_code_of_their_own() {
        assert_eq!(CliError::Config(ConfigErrors(Vec::new())).exit_code(), 78);
        assert_eq!(CliError::NoDatabase("nope.db".into()).exit_code(), 78);
        assert_eq!(CliError::NotAsSealed.exit_code(), 65);
        assert_eq!(CliError::CutShort.exit_code(), 1);
    }

    #[test]
    fn a_shell_can_tell_wrong_calls_what_is_missing_and_what_is_refused_apart() {
        for (error, code) in [
            (CliError::Usage(String::new()), 2),
            (CliError::Unconfirmed(String::new()), 2),
            (CliError::NotFound(String::new()), 3),
            (AdminError::NoSuchUser("ada@example.com".parse().unwrap()).into(), 3),
            (CliError::Refused(String::new()), 4),
            (AdminError::LastOwner.into(), 4),
            (CliError::MigrationsPending, 1),
        ] {
            assert_eq!(error.exit_code(), code, "{error:?}");
        }
    }
}
