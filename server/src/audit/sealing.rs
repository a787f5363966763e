//! Seals what has been written since, every few seconds. Every server does so, and they take turns in the database.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::domain::Timestamp;

use super::format::{self, BEFORE_THE_FIRST, Tree, VERSION};
use super::hex;
use crate::auth::secrets::Keys;
use crate::context::Context;
use crate::jobs::{Schedule, every, pause};
use crate::random::Random;
use crate::store::{
    AuditSeal, Digest, EntrySeal, Origin, SealedBatch, Store, StoreError, StoredAudit, StoredCommitment, Unsealed,
};

/// So long an entry may stand unsealed.
const INTERVAL: Duration = Duration::from_secs(10);
/// The most entries under one seal: one transaction, which must not be in anybody's way.
const MAX_BATCH: i64 = 200;
/// A breath between two batches.
const PAUSE: Duration = Duration::from_millis(40);
/// How often the newest seal is written to the log, which is often kept elsewhere than the database.
const WITNESS_INTERVAL: Duration = Duration::from_hours(1);
/// Nobody guesses a salt: without it a commitment tells nothing, however few the values that may be behind it.
const SALT_LENGTH: usize = 16;

/// Seals the audit log until it is stopped.
pub struct Sealing {
    context: Context,
    seen: Mutex<Seen>,
}

/// What this server has seen of the seals.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The last one, by number and hash.
    seal: Option<(i64, Digest)>,
    /// When one was last written to the log.
    witnessed_at: Option<Timestamp>,
}

impl Sealing {
    pub fn new(context: Context) -> Self {
        Self { context, seen: Mutex::default() }
    }

    /// Seals every few seconds until `stop`, and once more then.
    pub async fn run(self, stop: CancellationToken) {
        let (sealing, stop) = (&self, &stop);
        every(Schedule::every("audit sealing", INTERVAL).at_stop(), stop, || sealing.round(stop)).await;
    }

    /// Seals what is not sealed yet.
    async fn round(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let Context { store, keys, random, .. } = &self.context;
        self.check_last_seal().await?;
        while let Some(seal) = seal_next(store, keys, &**random, self.context.now(), MAX_BATCH).await? {
            let is_full = seal.last_position - seal.first_position + 1 >= MAX_BATCH;
            self.see(&seal);
            if !is_full || !pause(stop, PAUSE).await {
                break;
            }
        }
        Ok(())
    }

    /// Whoever rewrites the end of the log while a server runs is found out by what the server remembers.
    async fn check_last_seal(&self) -> Result<(), StoreError> {
        let audit = self.context.store.audit();
        let seen = self.seen().seal;
        if let Some((number, hash)) = seen {
            let stored = audit.seal(number).await?;
            if stored.as_ref().map(format::seal_hash) == Some(hash) {
                return Ok(());
            }
            tracing::error!(number, hash = hex(&hash), "audit seal lost or changed");
        }
        let newest = audit.newest_seal().await?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).seal = newest.as_ref().map(name);
        Ok(())
    }

    fn see(&self, seal: &AuditSeal) {
        let (number, hash) = name(seal);
        let is_due = self.seen().witnessed_at.is_none_or(|before| seal.sealed_at.since(before) >= WITNESS_INTERVAL);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.seal = Some((number, hash));
        if is_due {
            seen.witnessed_at = Some(seal.sealed_at);
        }
        drop(seen);
        if is_due {
            tracing::info!(number, hash = hex(&hash), "audit log sealed");
        }
    }

    fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a seal is remembered by.
fn name(seal: &AuditSeal) -> (i64, Digest) {
    (seal.number, format::seal_hash(seal))
}

/// Seals the oldest entries that are not sealed yet, `limit` at the most. `None` where there are none.
pub async fn seal_next(
    store: &Store,
    keys: &Keys,
    random: &dyn Random,
    now: Timestamp,
    limit: i64,
) -> Result<Option<AuditSeal>, StoreError> {
    store.audit().seal_entries(&sealer(keys, random, now), limit).await
}

/// Makes seals of `now`, for a transaction that seals what it writes or finds.
pub fn sealer<'a>(
    keys: &'a Keys,
    random: &'a dyn Random,
    now: Timestamp,
) -> impl Fn(Unsealed<'_>) -> SealedBatch + Send + Sync + use<'a> {
    move |unsealed| make_seal(keys, random, now, unsealed)
}

fn make_seal(keys: &Keys, random: &dyn Random, now: Timestamp, unsealed: Unsealed<'_>) -> SealedBatch {
    let Unsealed { newest, entries, .. } = unsealed;
    let taken = unsealed.after();
    let mut tree = Tree::default();
    let mut sealed: Vec<EntrySeal> = Vec::with_capacity(entries.len());
    let mut position = taken;
    for entry in entries {
        position = position.saturating_add(1);
        let (entry, leaf) = seal_entry(keys, random, position, entry);
        tree.push(leaf);
        sealed.push(entry);
    }
    let mut seal = AuditSeal {
        number: newest.map_or(1, |seal| seal.number.saturating_add(1)),
        version: VERSION,
        sealed_at: now,
        first_position: taken.saturating_add(1),
        last_position: position,
        root: tree.root().to_vec(),
        previous: newest.map_or(BEFORE_THE_FIRST, format::seal_hash).to_vec(),
        public_key: keys.audit_public_key(),
        signature: Vec::new(),
    };
    seal.signature = keys.sign_audit_seal(&format::signed_text(&seal));
    SealedBatch { seal, entries: sealed }
}

fn seal_entry(keys: &Keys, random: &dyn Random, position: i64, entry: &StoredAudit) -> (EntrySeal, Digest) {
    let has_origin = entry.origin != Origin::default();
    let origin = has_origin.then(|| commit(random, |salt| format::commit_origin(salt, &entry.origin)));
    let words = entry.client_reason.as_deref();
    let client_reason = words.map(|words| commit(random, |salt| format::commit_client_reason(salt, words)));
    let (origin, client_reason) = (origin.unwrap_or_default(), client_reason.unwrap_or_default());
    let leaf = format::leaf(position, entry, origin.digest.as_deref(), client_reason.digest.as_deref());
    let mark = Some(keys.audit_mark(&leaf).to_vec());
    (EntrySeal { position, origin, client_reason, mark }, leaf)
}

fn commit(random: &dyn Random, digest: impl FnOnce(&[u8]) -> Digest) -> StoredCommitment {
    let mut salt = [0; SALT_LENGTH];
    random.fill(&mut salt);
    StoredCommitment { digest: Some(digest(&salt).to_vec()), salt: Some(salt.to_vec()) }
}
