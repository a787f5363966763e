//! Signing keys.

#[cfg(rustfmt)]
mod queries;
pub(in crate::store) mod rows;
pub(in crate::store) mod sql;
mod types;

pub use types::*;

use ::types::domain::Timestamp;

use crate::store::db::verbs;

verbs! {
    /// Signing keys.
    KeysStore = keys;

    /// The secret of development on this database: `new` where there was none.
    development_secret(new: &str) -> String;
    /// All keys, oldest first.
    signing_keys() -> Vec<SigningKeyRow>;
    /// Stores the key if there is none at all, however many servers do so at once; gives all there are.
    ensure_signing_key(key: &SigningKeyRow) -> Vec<SigningKeyRow>;
    /// Stores a further key, unless there is one that was made after `due_before`: several servers may think that it is
    /// time. Those before it stop verifying at `retire_others_at`, unless that was set before.
    rotate_signing_key(key: &SigningKeyRow, retire_others_at: Timestamp, due_before: Timestamp) -> bool;
    /// Has a key stop verifying now, unless it signs, or is the next to sign.
    retire_signing_key(kid: &str, now: Timestamp) -> KeyRetirement;
}
