//! Signing keys, limits and clean-up.

use types::domain::Timestamp;
use types::words::EndReason;
use uuid::Uuid;

use super::Digest;

/// A signing key; the private part is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// The key id.
    pub kid: String,
    /// The public key, 32 bytes of Ed25519.
    pub public_key: Vec<u8>,
    /// The private key, sealed with a key from `LATCHKEY_SECRET`.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs: later than it was published, so that every verifier knows it by then.
    pub signs_from: Timestamp,
    /// When it stops verifying, once a successor was made.
    pub retires_at: Option<Timestamp>,
}

/// A server that runs on this database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    /// The process.
    pub id: Uuid,
    /// `SERVER_ID`.
    pub name: String,
    /// A digest of the settings in which all must agree.
    pub agreement: Digest,
    /// The settings that are compared, as a JSON object of names and values. No secret is among them.
    pub settings: String,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// Whether a server may run beside the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It may; these are the others.
    Beside(Vec<ServerRow>),
    /// It may not: these do not agree with it.
    Refused(Vec<ServerRow>),
}

/// How much a bucket holds, and how fast it fills again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many tries it holds when it is full.
    pub burst: i64,
    /// It gains one try in so many milliseconds.
    pub every_ms: i64,
}

impl Bucket {
    /// How far from full it may be for a try to be left.
    pub(in crate::store) const fn room_ms(&self) -> i64 {
        (self.burst - 1) * self.every_ms
    }
}

/// One try, and the bucket it is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Which bucket.
    pub key: super::Digest,
    /// How it is made.
    pub bucket: Bucket,
}

/// What the clean-up deletes.
#[derive(Clone, Copy, Debug)]
pub struct CleanupPolicy {
    /// Now.
    pub now: Timestamp,
    /// Ended sessions older than this go.
    pub history_before: Timestamp,
    /// Addresses and user agents older than this are wiped.
    pub origins_before: Timestamp,
    /// Why sessions end that nobody has used for too long, before their absolute end.
    pub unused: EndReason,
    /// The most rows of one kind in one transaction.
    pub batch: i64,
}

/// How many rows one round of clean-up touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Sessions past their time that were marked as ended.
    pub expired: u64,
    /// Of these, the ones that were idle for too long.
    pub idle: u64,
    /// Revocations that no token can need any more.
    pub revocations: u64,
    /// Registrations that nobody proved, tokens that set a new password, tickets, browsers not seen for long, and buckets that are
    /// full again.
    pub one_time: u64,
    /// Ended sessions past their history, with their histories.
    pub sessions: u64,
    /// Rows whose address and user agent were wiped.
    pub origins: u64,
    /// Messages sent long ago.
    pub mail: u64,
}

impl CleanupReport {
    /// Whether nothing is left to do.
    pub const fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many rows in all.
    pub const fn total(&self) -> u64 {
        self.expired + self.revocations + self.one_time + self.sessions + self.origins + self.mail
    }

    /// Two rounds together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            idle: self.idle + other.idle,
            revocations: self.revocations + other.revocations,
            one_time: self.one_time + other.one_time,
            sessions: self.sessions + other.sessions,
            origins: self.origins + other.origins,
            mail: self.mail + other.mail,
        }
    }
}
