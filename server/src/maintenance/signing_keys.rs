//! Looking after the signing keys: knowing those of the database, and making a new one when the time has come.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::domain::Timestamp;

use crate::auth::keys::{KeyRing, PUBLISHED_BEFORE_SIGNING, make_key};
use crate::auth::refresh::Lifetimes;
use crate::auth::secrets::CryptoFailure;
use crate::auth::tokens::AccessTokens;
use crate::context::Context;
use crate::jobs::{Schedule, every};
use crate::store::{SigningKeyRow, StoreError};

/// How often the keys are read again.
const INTERVAL: Duration = Duration::from_mins(1);

/// Why the keys could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum KeyCareError {
    /// The database.
    #[error("the signing keys cannot be read or written")]
    Store(#[from] StoreError),
    /// The cipher library.
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
    /// What the database holds is of no use.
    #[error("the signing keys cannot be used")]
    Key(#[from] crate::auth::keys::KeyError),
}

/// Looks after the keys of one server; all servers do so, and of a rotation that is due one of them does it.
pub struct KeyCare {
    /// Where they are, sealed.
    pub context: Context,
    /// The keys this server works with.
    pub ring: Arc<KeyRing>,
    /// Access tokens, whose cache is cleared.
    pub tokens: Arc<AccessTokens>,
    /// Token and session lifetimes.
    pub lifetimes: Lifetimes,
    /// `SIGNING_KEY_ROTATION`: how old the newest key may become. `None` leaves it to the operator.
    pub rotation: Option<Duration>,
}

impl KeyCare {
    /// Reads the keys now and then until `stop`, so that a key made elsewhere is known before it signs.
    pub async fn run(self, stop: CancellationToken) {
        let care = &self;
        every(Schedule::every("signing keys", INTERVAL).at_once(), &stop, || care.once()).await;
    }

    /// Makes a new key where the newest is too old, and loads the keys there are.
    pub async fn once(&self) -> Result<(), KeyCareError> {
        let Self { context, ring, tokens, rotation, .. } = self;
        let mut rows = context.store.keys().signing_keys().await?;
        let due_before = rotation.map(|rotation| context.now().minus(rotation));
        if let Some(due_before) = due_before.filter(|due_before| is_due(&rows, *due_before)) {
            self.rotate(due_before).await?;
            rows = context.store.keys().signing_keys().await?;
        }
        if ring.load(&context.keys, &rows)? {
            tokens.forget();
        }
        Ok(())
    }

    async fn rotate(&self, due_before: Timestamp) -> Result<(), KeyCareError> {
        let Context { store, keys, random, clock, .. } = &self.context;
        let now = clock.now();
        let signs_from = now.plus(PUBLISHED_BEFORE_SIGNING);
        let key = make_key(keys, &**random, now, signs_from)?;
        // The old keys verify until the last token they could have signed has run out.
        let retire_others_at = self.lifetimes.remember_until(signs_from);
        if store.keys().rotate_signing_key(&key, retire_others_at, due_before).await? {
            tracing::info!(kid = key.kid, %signs_from, %retire_others_at, "signing key published");
        }
        Ok(())
    }
}

fn is_due(rows: &[SigningKeyRow], due_before: Timestamp) -> bool {
    rows.iter().all(|key| key.created_at <= due_before)
}
