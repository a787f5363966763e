//! `latchkey bench seed`: fills the configured database with users and their sessions, to see how a large installation
//! behaves.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::population::Population;
use super::set_up::{Added, SetUp};
use super::{BenchError, failed};
use crate::auth::secrets::Capability;
use crate::config::Config;
use crate::random::OsRandom;

/// How much to seed.
#[derive(Debug, clap::Args)]
pub struct Seed {
    /// How many users
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(3..=10_000_000)
    )]
    users: u32,
    /// How many sessions they have between them
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(..=100_000_000)
    )]
    sessions: u32,
    /// Into a database that has users already
    #[arg(long)]
    among_users: bool,
}

/// What seeding came to.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    /// Those that were asked for.
    users: u64,
    sessions: u64,
    added: Added,
    took: Duration,
}

impl Seed {
    /// How many users and sessions are asked for, together.
    pub fn rows(&self) -> u64 {
        u64::from(self.users) + u64::from(self.sessions)
    }

    /// Seeds; what an earlier run has written is not written again. Tells `progress` how many users and sessions are
    /// there by now, together.
    ///
    /// # Errors
    /// Where the database cannot be used, or has other users.
    pub async fn run(self, config: &Config, progress: &(dyn Fn(u64) + Sync)) -> Result<Seeded, BenchError> {
        let set_up = SetUp::open(config, Capability::draw(&OsRandom).expose()).await?;
        let is_seeded = set_up.store.accounts().user_by_id(Population::with_many()).await?.is_some();
        if !is_seeded && !self.among_users && set_up.store.accounts().count_users().await? > 0 {
            return Err(failed("the database has users: to put others among them, add --among-users"));
        }
        let began = Instant::now();
        let tell = |users: u32, sessions: u32| progress(u64::from(users) + u64::from(sessions));
        let added = set_up.populate(self.users, self.sessions, tell).await?;
        set_up.close().await;
        let (users, sessions) = (u64::from(self.users), u64::from(self.sessions));
        Ok(Seeded { users, sessions, added, took: began.elapsed() })
    }
}

impl Seeded {
    /// The same for programs.
    pub fn as_json(&self) -> Value {
        json!({
            "users": self.users,
            "sessions": self.sessions,
            "usersAdded": self.added.users,
            "sessionsAdded": self.added.sessions,
        })
    }
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, sessions, added, took } = self;
        let before = (users.saturating_sub(added.users), sessions.saturating_sub(added.sessions));
        match (added.users, added.sessions, before) {
            (0, 0, _) => {
                write!(f, "Nothing was added: all {users} users and {sessions} sessions had been seeded before.")?;
            }
            (new_users, new_sessions, (0, 0)) => {
                write!(f, "Added {new_users} users with {new_sessions} sessions in {:.0} s.", took.as_secs_f64())?;
            }
            (new_users, new_sessions, (old_users, old_sessions)) => {
                write!(f, "Added {new_users} users and {new_sessions} sessions in {:.0} s", took.as_secs_f64())?;
                write!(f, " to {old_users} users and {old_sessions} sessions that had been seeded before.")?;
            }
        }
        f.write_str(" Nobody can sign in as one of them.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_told_from_what_was_added() {
        let said = |users, sessions| {
            let (added, took) = (Added { users, sessions }, Duration::from_secs(7));
            Seeded { users: 10, sessions: 50, added, took }.to_string()
        };
        for (added, says) in [
            ((10, 50), "Added 10 users with 50 sessions in 7 s."),
            ((0, 20), "Added 0 users and 20 sessions in 7 s to 10 users and 30 sessions that had been seeded before."),
            ((0, 0), "Nothing was added: all 10 users and 50 sessions had been seeded before."),
        ] {
            assert_eq!(said(added.0, added.1), format!("{says} Nobody can sign in as one of them."));
        }
    }
}
