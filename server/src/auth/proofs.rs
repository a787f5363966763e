//! Proofs of identity: how somebody showed who they are, and when.
//!
//! `amr` and `auth_time` of a token come from here (RFC 9068, section 2.2.1; `OpenID` Connect Core, section 2).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::domain::Timestamp;
use types::words::SignInMethod;

/// One proof of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub method: SignInMethod,
    /// When; in milliseconds where it is written.
    #[serde(with = "millis")]
    pub at: Timestamp,
}

mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use types::domain::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// A list of proofs has none in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no proof of identity")]
pub struct NoProof;

/// The proofs that a session rests on, in the order they were given: one at the least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proofs {
    first: Proof,
    further: Vec<Proof>,
}

impl Proofs {
    pub const fn one(method: SignInMethod, at: Timestamp) -> Self {
        Self { first: Proof { method, at }, further: Vec::new() }
    }

    /// The same with one more.
    #[must_use]
    pub fn and(mut self, proof: Proof) -> Self {
        self.further.push(proof);
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Proof> + '_ {
        std::iter::once(self.first).chain(self.further.iter().copied())
    }

    /// How a session is said to have been signed in: by the first proof.
    pub const fn method(&self) -> SignInMethod {
        self.first.method
    }

    /// The methods, each once (`amr`).
    pub fn methods(&self) -> Vec<SignInMethod> {
        let mut methods = Vec::with_capacity(1 + self.further.len());
        for proof in self.iter() {
            if !methods.contains(&proof.method) {
                methods.push(proof.method);
            }
        }
        methods
    }

    /// When the latest was given (`auth_time`).
    pub fn latest(&self) -> Timestamp {
        self.iter().map(|proof| proof.at).max().unwrap_or(self.first.at)
    }

    /// As it is stored: a list, in order.
    pub fn to_json(&self) -> String {
        let proofs: Vec<Proof> = self.iter().collect();
        // A list of plain values can always be written.
        serde_json::to_string(&proofs).unwrap_or_default()
    }

    /// Whether the latest is younger than `window`.
    pub fn are_recent(&self, now: Timestamp, window: Duration) -> bool {
        now.since(self.latest()) < window
    }
}

impl TryFrom<Vec<Proof>> for Proofs {
    type Error = NoProof;

    fn try_from(mut proofs: Vec<Proof>) -> Result<Self, NoProof> {
        if proofs.is_empty() {
            return Err(NoProof);
        }
        let first = proofs.remove(0);
        Ok(Self { first, further: proofs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn methods_are_named_once_and_the_latest_proof_counts() {
        let later = NOON.plus(Duration::from_secs(90));
        let proofs = Proofs::one(SignInMethod::Password, NOON)
            .and(Proof { method: SignInMethod::Code, at: later })
            .and(Proof { method: SignInMethod::Password, at: NOON });
        assert_eq!(proofs.methods(), [SignInMethod::Password, SignInMethod::Code]);
        assert_eq!((proofs.method(), proofs.latest()), (SignInMethod::Password, later));
        assert_eq!(Proofs::try_from(proofs.iter().collect::<Vec<_>>()), Ok(proofs));
        assert_eq!(Proofs::try_from(Vec::new()), Err(NoProof));
    }

    #[test]
    fn proofs_are_recent_to_the_millisecond() {
        let proofs = Proofs::one(SignInMethod::Password, NOON);
        let window = Duration::from_mins(10);
        for (after_ms, expected) in [(0, true), (599_999, true), (600_000, false), (600_001, false)] {
            assert_eq!(proofs.are_recent(NOON.plus(Duration::from_millis(after_ms)), window), expected, "{after_ms}");
        }
        assert!(!proofs.are_recent(NOON, Duration::ZERO));
    }
}
