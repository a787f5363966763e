//! What is hashed and signed, byte by byte: version 1. It never changes: seals of years ago must verify. Another
//! version is another module, chosen by the seal that names it.
//!
//! Numbers are eight bytes, big-endian; bytes and texts come after their length as a number; what may be missing comes
//! after one byte, 0 or 1. Each hash begins with a byte that says what it is of: leaves and nodes those of RFC 6962
//! (section 2.1).

use crate::auth::secrets::sha256;
use crate::store::{AuditSeal, Digest, Origin, StoredAudit};

pub const VERSION: i64 = 1;
/// What the first seal names as the one before it.
pub const BEFORE_THE_FIRST: Digest = [0; 32];

const SEAL: &[u8] = b"latchkey audit seal";

const LEAF: u8 = 0;
const NODE: u8 = 1;
const SEAL_HASH: u8 = 2;
const ORIGIN: u8 = 3;
const CLIENT_REASON: u8 = 4;

/// A text that can be read in one way only.
struct Encoded(Vec<u8>);

impl Encoded {
    fn of(kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(kind);
        Self(bytes)
    }

    fn number(mut self, number: i64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    fn optional(mut self, bytes: Option<&[u8]>) -> Self {
        self.0.push(u8::from(bytes.is_some()));
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self,
        }
    }

    fn hash(&self) -> Digest {
        sha256(&self.0)
    }
}

/// The leaf of an entry: what of it never changes, and the commitments to what may be wiped.
pub fn leaf(position: i64, entry: &StoredAudit, origin: Option<&[u8]>, client_reason: Option<&[u8]>) -> Digest {
    Encoded::of(LEAF)
        .number(position)
        .bytes(entry.id.as_bytes())
        .number(entry.at.as_millis())
        .optional(entry.user_id.as_ref().map(|id| &id.0.as_bytes()[..]))
        .optional(entry.actor_id.as_ref().map(|id| &id.0.as_bytes()[..]))
        .optional(entry.session_id.as_ref().map(|id| &id.0.as_bytes()[..]))
        .bytes(entry.action.as_bytes())
        .optional(entry.reason.as_deref().map(str::as_bytes))
        .optional(entry.detail.as_deref().map(str::as_bytes))
        .optional(origin)
        .optional(client_reason)
        .hash()
}

/// The commitment to where an entry came from.
pub fn commit_origin(salt: &[u8], origin: &Origin) -> Digest {
    Encoded::of(ORIGIN).bytes(salt).bytes(origin.ip.as_bytes()).bytes(origin.user_agent.as_bytes()).hash()
}

/// The commitment to a client's own words.
pub fn commit_client_reason(salt: &[u8], words: &str) -> Digest {
    Encoded::of(CLIENT_REASON).bytes(salt).bytes(words.as_bytes()).hash()
}

pub fn signed_text(seal: &AuditSeal) -> Vec<u8> {
    let count = seal.last_position.saturating_sub(seal.first_position).saturating_add(1);
    Encoded(Vec::with_capacity(256))
        .bytes(SEAL)
        .number(seal.version)
        .number(seal.number)
        .number(seal.sealed_at.as_millis())
        .number(seal.first_position)
        .number(seal.last_position)
        .number(count)
        .bytes(&seal.root)
        .bytes(&seal.previous)
        .bytes(&seal.public_key)
        .0
}

/// The hash of a seal, which the next one names.
pub fn seal_hash(seal: &AuditSeal) -> Digest {
    Encoded::of(SEAL_HASH).bytes(&signed_text(seal)).bytes(&seal.signature).hash()
}

/// The tree of RFC 6962 (section 2.1), leaf by leaf.
#[derive(Default)]
pub struct Tree {
    /// The roots of its full subtrees with their heights, highest first.
    subtrees: Vec<(u32, Digest)>,
}

impl Tree {
    /// The next leaf.
    pub fn push(&mut self, leaf: Digest) {
        let (mut height, mut hash) = (0, leaf);
        while let Some((_, left)) = self.subtrees.pop_if(|(other, _)| *other == height) {
            hash = node(&left, &hash);
            height += 1;
        }
        self.subtrees.push((height, hash));
    }

    /// The root of the leaves so far.
    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        let last = subtrees.next().unwrap_or_else(|| sha256(&[]));
        subtrees.fold(last, |right, left| node(&left, &right))
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [NODE; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    sha256(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::hex;
    use types::domain::{SessionId, Timestamp, UserId};
    use uuid::Uuid;

    fn entry() -> StoredAudit {
        StoredAudit {
            id: Uuid::from_u128(1),
            at: Timestamp::from_millis(1_767_225_600_000),
            user_id: Some(UserId(Uuid::from_u128(2))),
            actor_id: None,
            session_id: Some(SessionId(Uuid::from_u128(3))),
            action: "sign_in".to_owned(),
            reason: None,
            client_reason: Some("going home".to_owned()),
            detail: Some("{}".to_owned()),
            origin: Origin { ip: "192.0.2.1".to_owned(), user_agent: "Test/1.0".to_owned() },
        }
    }

    fn seal() -> AuditSeal {
        AuditSeal {
            number: 1,
            version: VERSION,
            sealed_at: Timestamp::from_millis(1_767_225_610_000),
            first_position: 1,
            last_position: 2,
            root: vec![1; 32],
            previous: BEFORE_THE_FIRST.to_vec(),
            public_key: vec![2; 32],
            signature: vec![3; 64],
        }
    }

    /// Values that another program came to, by the description in the decision.
    #[test]
    fn the_format_stays_as_it_is() {
        let entry = entry();
        let origin = commit_origin(&[7; 16], &entry.origin);
        assert_eq!(hex(&origin), "372abc4ce9f2fe0ff9068bb77ed10fb9f3344e434ae79da0993de27e49aab224");
        let client_reason = commit_client_reason(&[8; 16], "going home");
        assert_eq!(hex(&client_reason), "1ee292449a10c540d8b01983976df039d972bbb69ba6b9a13d04120462c19349");
        let whole = leaf(7, &entry, Some(&origin), Some(&client_reason));
        assert_eq!(hex(&whole), "661b82ce704d972224971b92be529ebad1fb0c812dc42b69bf5e82368f12c0d2");
        let bare = leaf(7, &StoredAudit { user_id: None, session_id: None, ..entry }, None, None);
        assert_eq!(hex(&bare), "028f793666f26fdc6126d77af5980519956c35fd5b9573725120fb25ec212def");
        assert_eq!(hex(&seal_hash(&seal())), "6054b24b59d7590d7bb116ac3c5451a68cb192bd2aa25059faa40712423914d1");
    }

    /// The definition of RFC 6962, section 2.1, as it stands there.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => sha256(&[]),
            [leaf] => *leaf,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node(&by_definition(&leaves[..half]), &by_definition(&leaves[half..]))
            }
        }
    }

    #[test]
    fn a_tree_of_any_size_is_the_one_of_the_rfc() {
        let leaves: Vec<Digest> = (0..70_u8).map(|number| sha256(&[number])).collect();
        for size in 0..=leaves.len() {
            let mut tree = Tree::default();
            leaves[..size].iter().for_each(|leaf| tree.push(*leaf));
            assert_eq!(tree.root(), by_definition(&leaves[..size]), "{size}");
        }
    }

    #[test]
    fn nothing_can_move_from_one_field_into_the_next() {
        let origin = |ip: &str, user_agent: &str| Origin { ip: ip.to_owned(), user_agent: user_agent.to_owned() };
        assert_ne!(commit_origin(&[7; 16], &origin("ab", "c")), commit_origin(&[7; 16], &origin("a", "bc")));
        let moved = StoredAudit { user_id: None, actor_id: entry().user_id, ..entry() };
        assert_ne!(leaf(1, &entry(), None, None), leaf(1, &moved, None, None));
        assert_ne!(leaf(1, &entry(), Some(&[1; 32]), None), leaf(1, &entry(), None, Some(&[1; 32])));
        assert_ne!(leaf(1, &entry(), None, None), leaf(2, &entry(), None, None));
    }
}
