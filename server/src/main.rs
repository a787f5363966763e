//! The program: what was asked for, done or explained.

use std::process::ExitCode;

use clap::Parser as _;
use latchkey::cli::{Cli, report};

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}
