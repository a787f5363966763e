//! The keys that sign access tokens: made on first start, kept sealed in the database, published as a JWK set.
//!
//! A new key is published before it signs, and an old one verifies until the last token it signed has run out.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use types::api::examples::Example;
use types::domain::Timestamp;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::secrets::{CannotUnseal, CryptoFailure, Keys, sha256};
use crate::random::Random;
use crate::store::SigningKeyRow;

const SEALED_FOR: &str = "signing key";
/// How long a new key is published before it signs; verifiers may keep the key set this long.
pub const PUBLISHED_BEFORE_SIGNING: Duration = Duration::from_mins(10);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Sealed under another secret.
    #[error(transparent)]
    Sealed(#[from] CannotUnseal),
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
    /// No key may sign at this time.
    #[error("there is no signing key")]
    None,
}

/// A key that signs, opened.
pub struct Signer {
    pub kid: String,
    pub key: EncodingKey,
}

struct Verifying {
    key: DecodingKey,
    retires_at: Option<Timestamp>,
}

#[derive(Default)]
struct Loaded {
    /// As they were read; sealed.
    rows: Vec<SigningKeyRow>,
    signers: Vec<(Timestamp, Arc<Signer>)>,
    verifying: HashMap<String, Verifying>,
    /// As a JWK, and until when it is one.
    published: Vec<(PublicKey, Option<Timestamp>)>,
}

/// A JWK set (RFC 7517, section 5).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeySet {
    /// The keys that have not retired.
    pub keys: Vec<PublicKey>,
}

/// A public key that verifies access tokens, as a JWK (RFC 8037).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// `EdDSA`.
    pub alg: String,
    /// `Ed25519`.
    pub crv: String,
    /// What the header of a token calls it.
    pub kid: String,
    /// `OKP`.
    pub kty: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key.
    pub x: String,
}

impl PublicKey {
    fn new(kid: &str, x: String) -> Self {
        let [alg, crv, kty, usage] = ["EdDSA", "Ed25519", "OKP", "sig"].map(str::to_owned);
        Self { alg, crv, kid: kid.to_owned(), kty, usage, x }
    }
}

impl Example for KeySet {
    const EXAMPLE: &'static str = r#"{
        "keys": [{
            "alg": "EdDSA", "crv": "Ed25519", "kid": "kPrK_qmxVWaYVA9w", "kty": "OKP", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }]
    }"#;
}

/// The keys as this server knows them now.
#[derive(Default)]
pub struct KeyRing(RwLock<Loaded>);

/// Makes a key, sealed for the database. `signs_from` is when it begins to sign.
pub fn make_key(
    keys: &Keys,
    random: &dyn Random,
    now: Timestamp,
    signs_from: Timestamp,
) -> Result<SigningKeyRow, CryptoFailure> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| CryptoFailure)?;
    let public_key = pair.public_key().as_ref().to_vec();
    Ok(SigningKeyRow {
        kid: URL_SAFE_NO_PAD.encode(&sha256(&public_key)[..12]),
        sealed_private_key: keys.seal(random, SEALED_FOR, document.as_ref())?,
        public_key,
        created_at: now,
        signs_from,
        retires_at: None,
    })
}

impl KeyRing {
    /// Takes the keys the database holds. Says whether they are others than before.
    pub fn load(&self, keys: &Keys, rows: &[SigningKeyRow]) -> Result<bool, KeyError> {
        if self.read().rows == rows {
            return Ok(false);
        }
        let mut loaded = Loaded { rows: rows.to_vec(), ..Loaded::default() };
        for row in rows {
            let private = Zeroizing::new(keys.unseal(SEALED_FOR, &row.sealed_private_key)?);
            let x = URL_SAFE_NO_PAD.encode(&row.public_key);
            let key = DecodingKey::from_ed_components(&x).map_err(|_| CryptoFailure)?;
            loaded.verifying.insert(row.kid.clone(), Verifying { key, retires_at: row.retires_at });
            // One that is to retire signs on until its successor does.
            let signer = Signer { kid: row.kid.clone(), key: EncodingKey::from_ed_der(&private) };
            loaded.signers.push((row.signs_from, Arc::new(signer)));
            loaded.published.push((PublicKey::new(&row.kid, x), row.retires_at));
        }
        loaded.signers.sort_by_key(|(from, _)| std::cmp::Reverse(*from));
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = loaded;
        Ok(true)
    }

    /// The newest key that may sign now.
    pub fn signer(&self, now: Timestamp) -> Result<Arc<Signer>, KeyError> {
        let loaded = self.read();
        let newest = loaded.signers.iter().find(|(from, _)| *from <= now);
        newest.map(|(_, signer)| Arc::clone(signer)).ok_or(KeyError::None)
    }

    /// Runs `verify` with the key of that id, unless there is none or it has retired.
    pub fn with_key<T>(&self, kid: &str, now: Timestamp, verify: impl FnOnce(&DecodingKey) -> T) -> Option<T> {
        let loaded = self.read();
        let found = loaded.verifying.get(kid).filter(|key| key.retires_at.is_none_or(|at| now < at))?;
        Some(verify(&found.key))
    }

    /// The JWK set (RFC 7517, RFC 8037): public members only, of keys that have not retired.
    pub fn published(&self, now: Timestamp) -> KeySet {
        let loaded = self.read();
        let keys = loaded.published.iter().filter(|(_, retires_at)| retires_at.is_none_or(|at| now < at));
        KeySet { keys: keys.map(|(key, _)| key.clone()).collect() }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Loaded> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_new_key_is_published_before_it_signs_and_the_old_one_retires() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        let mut old = make_key(&keys, &OsRandom, NOW, NOW).unwrap();
        let later = NOW.plus(PUBLISHED_BEFORE_SIGNING);
        let new = make_key(&keys, &OsRandom, NOW, later).unwrap();
        old.retires_at = Some(later.plus(Duration::from_mins(20)));
        let ring = KeyRing::default();
        ring.load(&keys, &[old.clone(), new.clone()]).unwrap();
        assert_eq!(ring.signer(NOW).unwrap().kid, old.kid);
        assert_eq!(ring.signer(later).unwrap().kid, new.kid);
        assert!(ring.with_key(&old.kid, later, |_| ()).is_some());
        assert!(ring.with_key(&old.kid, later.plus(Duration::from_mins(20)), |_| ()).is_none());
        assert!(ring.with_key("unknown", NOW, |_| ()).is_none());
        assert_eq!(ring.published(later).keys.len(), 2);
        let left = ring.published(later.plus(Duration::from_mins(20))).keys;
        assert_eq!((left.len(), &left[0].kid), (1, &new.kid));
    }

    #[test]
    fn the_published_set_holds_public_members_only() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        let row = make_key(&keys, &OsRandom, NOW, NOW).unwrap();
        let ring = KeyRing::default();
        ring.load(&keys, &[row]).unwrap();
        let published = serde_json::to_value(ring.published(NOW)).unwrap();
        let members: Vec<&String> = published["keys"][0].as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    }

    #[test]
    fn keys_sealed_under_another_secret_are_refused_at_start() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        let row = make_key(&keys, &OsRandom, NOW, NOW).unwrap();
        let others = Keys::derive("another secret of enough characters").unwrap();
        assert!(matches!(KeyRing::default().load(&others, &[row]), Err(KeyError::Sealed(_))));
    }
}
