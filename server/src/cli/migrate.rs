//! `latchkey migrate`: the tables of this version, whatever was there before. Again does no harm.

use secrecy::ExposeSecret as _;

use super::{CliError, say};
use crate::config::Config;
use crate::store::Store;

pub async fn run(config: &Config) -> Result<(), CliError> {
    let store = Store::connect(config.database.url.expose_secret(), config.database.pool_size).await?;
    store.migrate().await?;
    store.close().await;
    say("The database is up to date.")
}
