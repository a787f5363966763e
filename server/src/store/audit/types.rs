//! Entries of the audit log, and their seals.

use types::domain::{SessionId, Timestamp, UserId};
use types::words::{AuditAction, EndReason, OrOther};
use uuid::Uuid;

use crate::store::Origin;

/// An audit entry to be written.
#[derive(Clone, Debug)]
pub struct NewAudit {
    /// The id (`UUIDv7`).
    pub id: Uuid,
    pub at: Timestamp,
    /// Whom it concerns.
    pub user_id: Option<UserId>,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Which session it concerns; where it concerns none, from which it was done.
    pub session_id: Option<SessionId>,
    /// What happened, such as `sign_in`.
    pub action: AuditAction,
    /// Why, where a session ended.
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// What was before and after, as JSON.
    pub detail: Option<String>,
    pub origin: Origin,
}

impl NewAudit {
    /// An entry with nothing but what every entry has.
    pub const fn new(id: Uuid, at: Timestamp, action: AuditAction, origin: Origin) -> Self {
        Self {
            id,
            at,
            user_id: None,
            actor_id: None,
            session_id: None,
            action,
            reason: None,
            client_reason: None,
            detail: None,
            origin,
        }
    }
}

/// An audit entry, with the name of the device it concerns where that is still known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub id: Uuid,
    pub at: Timestamp,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    pub action: OrOther<AuditAction>,
    pub reason: Option<EndReason>,
    /// The client's own words.
    pub client_reason: Option<String>,
    /// What was before and after, as JSON.
    pub detail: Option<String>,
    /// The device's name.
    pub device_name: Option<String>,
    /// Who acted for the user in the session that it concerns, by name, and why; where somebody did and the session is
    /// still known.
    pub acting: Option<(String, String)>,
    pub origin: Origin,
}

/// An entry as it is stored, in raw words: what is sealed, verified and exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAudit {
    pub id: Uuid,
    pub at: Timestamp,
    pub user_id: Option<UserId>,
    pub actor_id: Option<UserId>,
    pub session_id: Option<SessionId>,
    pub action: String,
    pub reason: Option<String>,
    pub client_reason: Option<String>,
    /// What was before and after, as JSON.
    pub detail: Option<String>,
    pub origin: Origin,
}

impl From<NewAudit> for StoredAudit {
    /// As it is read again once it has been written.
    fn from(entry: NewAudit) -> Self {
        let NewAudit { id, at, user_id, actor_id, session_id, action, reason, client_reason, detail, origin } = entry;
        Self {
            id,
            at,
            user_id,
            actor_id,
            session_id,
            action: action.as_str().to_owned(),
            reason: reason.map(|reason| reason.as_str().to_owned()),
            client_reason,
            detail,
            origin,
        }
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// Not earlier than this.
    pub from: Timestamp,
    /// Earlier than this.
    pub to: Timestamp,
    pub user: Option<UserId>,
    /// The name of an action.
    pub action: Option<String>,
}

/// Which entries are looked for, the newest first.
#[derive(Clone, Debug)]
pub struct AuditSearch {
    /// Not earlier than this.
    pub from: Timestamp,
    /// Older than the entry of this moment and id.
    pub before: (Timestamp, Uuid),
    pub user: Option<UserId>,
    pub actor: Option<UserId>,
    /// The name of an action.
    pub action: Option<String>,
    pub address: Option<String>,
}

/// What stands in a sealed entry for something that may be wiped. Whatever the database holds: it may have been
/// tampered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredCommitment {
    /// Wiped together with the value.
    pub salt: Option<Vec<u8>>,
    /// None where there was nothing to be wiped when the entry was sealed.
    pub digest: Option<Vec<u8>>,
}

/// What an entry has once it is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntrySeal {
    /// The place in the log, from 1 on without gaps.
    pub position: i64,
    /// Of address and user agent.
    pub origin: StoredCommitment,
    /// Of the client's own words.
    pub client_reason: StoredCommitment,
    /// Says that this entry was sealed at this position: only whoever has the secret can make it.
    pub mark: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAudit {
    pub entry: StoredAudit,
    pub seal: EntrySeal,
}

/// A seal as it is stored: it covers the entries of its positions, and the seal before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSeal {
    /// From 1 on without gaps.
    pub number: i64,
    /// The version of the format.
    pub version: i64,
    pub sealed_at: Timestamp,
    pub first_position: i64,
    pub last_position: i64,
    /// The root of the tree of its entries.
    pub root: Vec<u8>,
    /// The hash of the seal before it.
    pub previous: Vec<u8>,
    /// Verifies the signature.
    pub public_key: Vec<u8>,
    /// Of everything above.
    pub signature: Vec<u8>,
}

/// A seal that was made, and what each of its entries gets, in their order.
#[derive(Clone, Debug)]
pub struct SealedBatch {
    pub seal: AuditSeal,
    pub entries: Vec<EntrySeal>,
}

/// What is to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct Unsealed<'a> {
    pub newest: Option<&'a AuditSeal>,
    /// The last position that is taken.
    pub last_position: i64,
    /// At least one.
    pub entries: &'a [StoredAudit],
}

impl Unsealed<'_> {
    /// The position after which the entries come.
    pub fn after(&self) -> i64 {
        self.newest.map_or(self.last_position, |seal| seal.last_position.max(self.last_position))
    }

    /// Whether there is a position for each entry, and a number for their seal.
    pub fn has_room(&self) -> bool {
        let entries = i64::try_from(self.entries.len()).unwrap_or(i64::MAX);
        self.after().checked_add(entries).is_some() && self.newest.is_none_or(|seal| seal.number < i64::MAX)
    }
}

/// Makes a seal. Asked while nobody else seals, and where there is room for what it gives.
pub type MakeSeal<'a> = &'a (dyn Fn(Unsealed<'_>) -> SealedBatch + Send + Sync);
