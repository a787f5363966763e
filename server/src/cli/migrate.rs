//! `latchkey migrate`: the tables of this version, whatever was there before. Again does no harm. Says what it did, and
//! needs no setting but the database's.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::CliError;
use super::installation::connect;
use super::output::{Output, Table};
use crate::config::DatabaseConfig;
use crate::store::Store;

/// Which tables there are, and which there should be.
#[derive(Debug, clap::Args)]
pub struct Migrate {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the migrations, and whether each was run, without running any
    Status,
}

impl Migrate {
    pub async fn run(self, config: &DatabaseConfig, output: Output) -> Result<(), CliError> {
        match self.command {
            None => {
                let store = Store::connect(config.url.expose_secret(), config.pool_size).await?;
                let applied = store.migrate().await?;
                store.close().await;
                output.done(&summary(&applied), &json!({ "applied": applied }))
            }
            Some(Command::Status) => {
                let store = connect(config).await?;
                let migrations = store.maintenance().migrations().await?;
                store.close().await;
                show(&migrations, output)
            }
        }
    }
}

fn show(migrations: &[(String, bool)], output: Output) -> Result<(), CliError> {
    let mut table = Table::new(&["migration", "state"]);
    for (name, was_run) in migrations {
        table.add([name.clone(), if *was_run { "applied" } else { "pending" }.to_owned()]);
    }
    let values = migrations.iter().map(|(name, was_run)| json!({ "name": name, "applied": was_run }));
    output.answer(&table, &values.collect::<Vec<_>>())?;
    let pending = migrations.iter().filter(|(_, was_run)| !was_run).count();
    if pending > 0 {
        output.note(&format!("{pending} pending: run `latchkey migrate`"));
    }
    Ok(())
}

fn summary(applied: &[String]) -> String {
    let names = applied.join(", ");
    match applied.len() {
        0 => "The database is up to date.".to_owned(),
        1 => format!("Applied 1 migration: {names}."),
        count => format!("Applied {count} migrations: {names}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_counted_and_named() {
        let names = ["0007 mails", "0008 places"].map(str::to_owned);
        assert_eq!(summary(&names), "Applied 2 migrations: 0007 mails, 0008 places.");
        assert_eq!(summary(&names[1..]), "Applied 1 migration: 0008 places.");
        assert_eq!(summary(&[]), "The database is up to date.");
    }
}
