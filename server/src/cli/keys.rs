//! `latchkey keys rotate`: a new key for signing access tokens. Running servers find it by themselves.

use clap::Subcommand;
use secrecy::ExposeSecret as _;

use super::{CliError, say};
use crate::application::{Parts, StartError, master_secret};
use crate::auth::keys::{PUBLISHED_BEFORE_SIGNING, make_key};
use crate::auth::refresh::Lifetimes;
use crate::auth::secrets::Keys;
use crate::config::Config;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new signing key; tokens signed with the old ones stay good until they run out
    Rotate,
}

impl Command {
    pub async fn run(self, config: &Config) -> Result<(), CliError> {
        match self {
            Self::Rotate => rotate(config).await,
        }
    }
}

async fn rotate(config: &Config) -> Result<(), CliError> {
    let store = Store::connect(config.database.url.expose_secret(), config.database.pool_size).await?;
    let parts = Parts::system();
    parts.set_clock(&store).await?;
    let Parts { clock, random } = parts;
    let secret = master_secret(config, &store, &*random).await?;
    let keys = Keys::derive(secret.expose_secret()).map_err(StartError::Crypto)?;
    let now = clock.now();
    let signs_from = now.plus(PUBLISHED_BEFORE_SIGNING);
    let key = make_key(&keys, &*random, now, signs_from).map_err(StartError::Crypto)?;
    // The old keys verify until the last token they could have signed has run out.
    let retire_others_at = Lifetimes::of(config).remember_until(signs_from);
    // Asked for by somebody: however young the others are.
    store.keys().rotate_signing_key(&key, retire_others_at, now).await?;
    store.close().await;
    say(&format!(
        "Key {} is published by every server within a minute and signs from {signs_from}; older keys retire at {retire_others_at}.",
        key.kid
    ))
}
