//! The installation that a command works on: its database, beside the servers that run on it. They notice what changed
//! as they notice what another server has changed.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::CliError;
use crate::accounts::{AccountError, Accounts};
use crate::admin::{AdminError, Administration};
use crate::application::{ClockAndRandom, StartError, master_secret};
use crate::areas;
use crate::auth::keys::KeyRing;
use crate::auth::secrets::Keys;
use crate::config::{Config, DatabaseConfig};
use crate::context::Context;
use crate::lifecycle::Tasks;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::roles::Roles;
use crate::store::{SigningKeyRow, Store};

/// An installation that somebody administers.
pub struct Installation {
    pub context: Context,
    pub administration: Administration,
    pub roles: Roles,
}

impl Installation {
    /// Opens the database of these settings.
    pub async fn open(config: &Config) -> Result<Self, CliError> {
        let store = open_store(config).await?;
        let parts = ClockAndRandom::system();
        parts.set_clock(&store).await?;
        let ClockAndRandom { clock, random } = parts;
        let keys = keys_of(config, &store, &*random).await?;
        let context = Context {
            store,
            metrics: Arc::new(Metrics::new(Arc::clone(&clock))),
            clock,
            random,
            keys: Arc::new(keys),
            events: Arc::default(),
            tasks: Tasks::new(),
        };
        let accounts = Accounts::new(&context, config).map_err(AccountError::from).map_err(AdminError::from)?;
        let permissions = areas::permissions();
        let roles = Roles::beside_servers(&context, config, permissions.clone());
        let administration = Administration::new(context.clone(), Arc::new(accounts), config, permissions);
        Ok(Self { context, administration, roles })
    }

    /// Lets go of it.
    pub async fn close(self) {
        self.context.store.close().await;
    }
}

/// The keys of the installation. Refused under another secret than the one its signing keys are sealed with: no server
/// could open what is sealed with that, and none would start any more.
pub async fn keys_of(config: &Config, store: &Store, random: &dyn Random) -> Result<Keys, CliError> {
    let secret = master_secret(config, store, random).await?;
    let keys = Keys::derive(secret.expose_secret()).map_err(StartError::Crypto)?;
    let rows = store.keys().signing_keys().await?;
    let opens = |row: &SigningKeyRow| KeyRing::default().load(&keys, std::slice::from_ref(row)).is_ok();
    // One that it opens is enough: another may have been damaged.
    if rows.is_empty() || rows.iter().any(opens) { Ok(keys) } else { Err(CliError::WrongSecret) }
}

/// The database, which must be there: only what begins an installation makes one.
pub async fn connect(config: &DatabaseConfig) -> Result<Store, CliError> {
    let url = config.url.expose_secret();
    match Store::missing_file(url) {
        Some(file) => Err(CliError::NoDatabase(file)),
        None => Ok(Store::connect(url, config.pool_size).await?),
    }
}

/// The database, whose tables must be those of this version.
pub async fn open_store(config: &Config) -> Result<Store, CliError> {
    let store = connect(&config.database).await?;
    if store.maintenance().missing_migrations().await?.is_empty() {
        Ok(store)
    } else {
        Err(CliError::MigrationsPending)
    }
}
