//! The program: what was asked for, done or explained.

use std::process::ExitCode;

use latchkey::cli;

/// Most of what a checked request costs is small allocations, and this allocator has the cheapest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    cli::main().await
}
