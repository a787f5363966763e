//! The command line: one file a command.

mod bench;
mod cleanup;
mod config;
mod keys;
mod migrate;
mod openapi;
mod serve;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::application::StartError;
use crate::bench::BenchError;
use crate::config::{Config, ConfigErrors};
use crate::random::OsRandom;
use crate::store::StoreError;

/// What a shell is told where the settings are at fault (`EX_CONFIG` of `sysexits.h`).
const EXIT_CONFIG: u8 = 78;

/// Sign-in and sessions for users and apps, on your own server.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve,
    /// Bring the tables of the database up to date
    Migrate,
    /// Delete what is past its time, as the server does by itself every hour
    Cleanup,
    /// Look after the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Print the document of the API (OpenAPI 3.1), as JSON
    Openapi,
    /// Measure what this server costs and how quick it is, on this machine
    Bench(bench::Bench),
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
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The terminal.
    #[error("the answer cannot be written")]
    Output(#[source] io::Error),
}

impl CliError {
    /// What the shell is told.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => EXIT_CONFIG,
            _ => 1,
        }
    }
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Serve => Box::pin(serve::run(settings()?)).await,
            Command::Migrate => migrate::run(&Config::database_from_surroundings(&OsRandom)?).await,
            Command::Cleanup => cleanup::run(&settings()?).await,
            Command::Keys(command) => command.run(&settings()?).await,
            Command::Config(command) => command.run(),
            Command::Openapi => openapi::run(),
            Command::Bench(bench) => Box::pin(bench.run()).await,
        }
    }
}

/// Tells a user why a command failed, cause by cause, and the shell that it did.
pub fn report(error: &CliError) -> ExitCode {
    let mut text = format!("latchkey: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&cause_text) {
            text.push_str("\n  because ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    eprintln!("{text}");
    ExitCode::from(error.exit_code())
}

fn settings() -> Result<Config, CliError> {
    Ok(Config::from_surroundings(&OsRandom)?)
}

/// Writes to standard output what a command was run for.
fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let text = text.trim_end();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Output)
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
        assert_eq!(CliError::CutShort.exit_code(), 1);
    }
}
