//! `latchkey migrate`: the tables of this version, whatever was there before. Again does no harm. Says what it did, and
//! needs no setting but the database's.

use secrecy::ExposeSecret as _;

use super::{CliError, say};
use crate::config::DatabaseConfig;
use crate::store::Store;

pub async fn run(config: &DatabaseConfig) -> Result<(), CliError> {
    let store = Store::connect(config.url.expose_secret(), config.pool_size).await?;
    let applied = store.migrate().await?;
    store.close().await;
    say(&summary(&applied))
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
        let names = ["0007 letters", "0008 places"].map(str::to_owned);
        assert_eq!(summary(&names), "Applied 2 migrations: 0007 letters, 0008 places.");
        assert_eq!(summary(&names[1..]), "Applied 1 migration: 0008 places.");
        assert_eq!(summary(&[]), "The database is up to date.");
    }
}
