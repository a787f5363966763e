//! `latchkey bench seed`: fills the configured database with users and their sessions, to see how a large installation
//! behaves.

use std::time::Instant;

use super::population::Population;
use super::set_up::SetUp;
use super::{BenchError, failed};
use crate::auth::secrets::Capability;
use crate::config::Config;
use crate::random::OsRandom;

/// How much to seed.
#[derive(Debug, clap::Args)]
pub struct Seed {
    /// How many users
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(3..=10_000_000))]
    users: u32,
    /// How many sessions they have between them
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    sessions: u32,
    /// Into a database that has users already
    #[arg(long)]
    among_users: bool,
}

impl Seed {
    /// Seeds, and says what is there. What an earlier run has written is not written again.
    ///
    /// # Errors
    /// Where the database cannot be used, or has other users.
    pub async fn run(self, config: &Config) -> Result<String, BenchError> {
        let set_up = SetUp::open(config, Capability::draw(&OsRandom).expose()).await?;
        let seeded = set_up.store.accounts().user_by_id(Population::with_many()).await?.is_some();
        if !seeded && !self.among_users && set_up.store.accounts().count_users().await? > 0 {
            return Err(failed("the database has users: to put others among them, add --among-users"));
        }
        let began = Instant::now();
        set_up.populate(self.users, self.sessions, progress).await?;
        set_up.close().await;
        Ok(format!(
            "{} users with {} sessions, after {:.0} s. Nobody can sign in as one of them.",
            self.users,
            self.sessions,
            began.elapsed().as_secs_f64()
        ))
    }
}

/// One line that changes.
fn progress(users: u32, sessions: u32) {
    eprint!("\r{users} users, {sessions} sessions ");
}
