//! Keys that come from `LATCHKEY_SECRET`, and the two shapes a secret can have: plain and hashed.
//!
//! Every key is derived by HKDF-SHA-256 (RFC 5869) under its own label, so that one secret serves all servers and no
//! key is used for two things.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::events::MessageKey;
use crate::random::Random;
use crate::store::Digest;

/// The keys of an installation.
pub struct Keys {
    refresh_successor: hmac::Key,
    refresh_authenticity: hmac::Key,
    one_time_code: hmac::Key,
    bus: hmac::Key,
    setting: hmac::Key,
    audit_mark: hmac::Key,
    audit_seal: Ed25519KeyPair,
    sealing: LessSafeKey,
    name: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// A value could not be unsealed: it was changed, or sealed under another `LATCHKEY_SECRET`.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value cannot be opened: was LATCHKEY_SECRET changed?")]
pub struct CannotUnseal;

/// The library of ciphers failed; nothing can be trusted to work then.
#[derive(Debug, thiserror::Error)]
#[error("the cryptographic library refused to work")]
pub struct CryptoFailure;

impl From<aws_lc_rs::error::Unspecified> for CryptoFailure {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl Keys {
    /// Derives all keys from `LATCHKEY_SECRET`.
    pub fn derive(secret: &str) -> Result<Self, CryptoFailure> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"latchkey/1").extract(secret.as_bytes());
        let key = |label: &str| -> Result<[u8; 32], CryptoFailure> {
            let mut bytes = [0; 32];
            root.expand(&[label.as_bytes()], Bytes32)?.fill(&mut bytes)?;
            Ok(bytes)
        };
        let mac = |label| -> Result<hmac::Key, CryptoFailure> { Ok(hmac::Key::new(hmac::HMAC_SHA256, &key(label)?)) };
        Ok(Self {
            refresh_successor: mac("refresh token successor")?,
            refresh_authenticity: mac("refresh token authenticity")?,
            one_time_code: mac("one-time code")?,
            bus: mac("messages between servers")?,
            setting: mac("fingerprint of a setting")?,
            audit_mark: mac("mark of an audit entry")?,
            audit_seal: Ed25519KeyPair::from_seed_unchecked(&key("audit seal")?).map_err(|_| CryptoFailure)?,
            sealing: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key("sealing")?)?),
            name: key("name of the installation")?,
        })
    }

    /// What tells this installation from others that share a Redis with it. Says nothing about any key.
    pub fn installation(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.name[..12])
    }

    /// What another secret can be compared by, without being told.
    pub fn fingerprint(&self, secret: &SecretString) -> String {
        let tag = tag(&self.setting, secret.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(&tag[..12])
    }

    /// What proves that a message between servers is from one with this secret and this public address: two
    /// installations may have been given one secret by mistake, and one Redis on purpose.
    pub fn bus_message_key(&self, public_address: &str) -> MessageKey {
        MessageKey::new(hmac::Key::new(hmac::HMAC_SHA256, &tag(&self.bus, public_address.as_bytes())))
    }

    /// The secret that follows a refresh token's secret.
    pub(super) fn successor(&self, token: &[u8]) -> [u8; 32] {
        tag(&self.refresh_successor, token)
    }

    /// The mark by which a refresh token shows that this installation made it.
    pub(super) fn authenticity(&self, token: &[u8]) -> [u8; 32] {
        tag(&self.refresh_authenticity, token)
    }

    /// What is stored of a one-time code: keyed, because six digits could be tried out.
    pub fn code_digest(&self, owner: &[u8], digits: &str) -> Digest {
        tag(&self.one_time_code, &[owner, digits.as_bytes()].concat())
    }

    /// Signs a seal of the audit log (Ed25519).
    pub fn sign_audit_seal(&self, text: &[u8]) -> Vec<u8> {
        self.audit_seal.sign(text).as_ref().to_vec()
    }

    /// What verifies the seals of the audit log. May be shown to everybody.
    pub fn audit_public_key(&self) -> Vec<u8> {
        self.audit_seal.public_key().as_ref().to_vec()
    }

    /// What an entry of the audit log is marked with once it is sealed.
    pub fn audit_mark(&self, leaf: &Digest) -> [u8; 32] {
        tag(&self.audit_mark, leaf)
    }

    /// Encrypts (AES-256-GCM, random nonce) what the database keeps; `purpose` must be given again to open it.
    pub fn seal(&self, random: &dyn Random, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        self.sealing.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut sealed,
        )?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Keys::seal`] made.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotUnseal> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotUnseal)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotUnseal)?;
        let mut buffer = ciphertext.to_vec();
        let plain =
            self.sealing.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut buffer).map_err(|_| CannotUnseal)?;
        Ok(plain.to_vec())
    }
}

fn tag(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(key, message).as_ref());
    bytes
}

/// SHA-256: what is stored of a secret that cannot be guessed.
pub fn sha256(secret: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    bytes
}

/// An unguessable text (256 random bits, base64url) that is given out once and stored as a digest only.
pub struct Capability(String);

impl Capability {
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads one that a client presents: only the exact form [`Capability::draw`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        sha256(self.0.as_bytes())
    }

    /// The text, for the one it is given to.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Capability(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_only_and_not_after_a_flipped_bit() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        let sealed = keys.seal(&OsRandom, "signing key", b"private").unwrap();
        assert_eq!(keys.unseal("signing key", &sealed).unwrap(), b"private");
        assert!(keys.unseal("something else", &sealed).is_err());
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.unseal("signing key", &damaged).is_err(), "bit {bit}");
        }
        let others = Keys::derive("another secret of enough characters").unwrap();
        assert!(others.unseal("signing key", &sealed).is_err());
    }

    #[test]
    fn a_fingerprint_is_the_same_under_one_secret_only_and_shows_nothing_of_its_value() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        let others = Keys::derive("another secret of enough characters").unwrap();
        let value = SecretString::from("http://localhost:3000");
        let fingerprint = keys.fingerprint(&value);
        assert_eq!(fingerprint, keys.fingerprint(&value));
        assert_ne!(fingerprint, others.fingerprint(&value));
        assert_ne!(fingerprint, keys.fingerprint(&SecretString::from("http://localhost:3001")));
        assert_ne!(fingerprint, URL_SAFE_NO_PAD.encode(&sha256(value.expose_secret().as_bytes())[..12]));
        // Messages between servers are proved under a key of their own.
        assert_ne!(fingerprint, URL_SAFE_NO_PAD.encode(&tag(&keys.bus, value.expose_secret().as_bytes())[..12]));
    }

    #[test]
    fn sealing_twice_gives_two_different_texts() {
        let keys = Keys::derive("a secret of thirty-two characters").unwrap();
        assert_ne!(keys.seal(&OsRandom, "x", b"same").unwrap(), keys.seal(&OsRandom, "x", b"same").unwrap());
    }
}
