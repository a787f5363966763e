//! Signing keys.

use types::domain::Timestamp;

/// What came of retiring a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRetirement {
    /// It verifies nothing any more.
    Retired,
    /// It had retired before.
    Unchanged,
    /// There is no such key.
    NotFound,
    /// Refused: it signs, or is the next to sign.
    Signs,
}

/// A signing key; the private part is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    pub kid: String,
    /// The public key, 32 bytes of Ed25519.
    pub public_key: Vec<u8>,
    /// The private key, sealed with a key from `LATCHKEY_SECRET`.
    pub sealed_private_key: Vec<u8>,
    pub created_at: Timestamp,
    /// From when it signs: later than it was published, so that every verifier knows it by then.
    pub signs_from: Timestamp,
    /// When it stops verifying, once a successor was made.
    pub retires_at: Option<Timestamp>,
}
