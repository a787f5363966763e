//! Verifies the seals of the audit log, and names what is not as it was sealed.
//!
//! Two things are held against each other. The marks of entries name the one that is wrong; only whoever has the secret
//! can make them. The seals prove it: each is signed, names the one before it, and has the root of its entries. Entries
//! come page by page, and nothing grows with the log but the list of what was found, which ends somewhere.

use std::collections::VecDeque;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::Serialize;
use types::domain::Timestamp;
use uuid::Uuid;

use super::format::{self, BEFORE_THE_FIRST, Tree, VERSION};
use super::hex;
use crate::auth::secrets::Keys;
use crate::store::{AuditSeal, Digest, Origin, SealedAudit, Store, StoreError, StoredCommitment};

/// Entries read at once.
const ENTRIES_PER_PAGE: i64 = 5000;
/// Seals read at once.
const SEALS_PER_PAGE: i64 = 500;
/// More findings than this are counted only.
const MAX_FINDINGS: usize = 1000;

/// What the verifier is told from outside the database.
#[derive(Clone, Debug, Default)]
pub struct ExpectedSeals {
    /// The hash of a seal that was kept elsewhere.
    pub hash: Option<Digest>,
    /// Public keys of earlier secrets of this installation.
    pub public_keys: Vec<Digest>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// No entry is at these positions any more.
    EntryRemoved,
    /// An entry is not as it was sealed.
    EntryChanged,
    /// An entry was never sealed at its position.
    EntryInserted,
    /// The entries of a seal are not as they were sealed, and it cannot be said which of them is not.
    EntriesDiffer,
    /// A seal is missing.
    SealRemoved,
    /// A seal is not as it was signed.
    SealChanged,
    /// A seal has the number or the entries of another.
    SealInserted,
    /// A seal is signed with a key that is not this installation's.
    SealOfAnotherKey,
    /// A seal has a format that this version does not know.
    SealOfAnotherVersion,
    /// A seal does not name the one before it: they are of two histories.
    ChainBroken,
    /// The seal that was kept elsewhere is not in the chain.
    ExpectedSealMissing,
}

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub kind: FindingKind,
    /// The number of the seal, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<i64>,
    /// The positions that it is about, from the first to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positions: Option<(i64, i64)>,
    /// The id of the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Uuid>,
    /// What of it is not as it was, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
}

impl Finding {
    const fn of(kind: FindingKind) -> Self {
        Self { kind, seal: None, positions: None, entry: None, field: None }
    }

    const fn of_seal(kind: FindingKind, number: i64) -> Self {
        Self { seal: Some(number), ..Self::of(kind) }
    }

    const fn of_entry(kind: FindingKind, found: &SealedAudit) -> Self {
        let position = found.seal.position;
        Self { positions: Some((position, position)), entry: Some(found.entry.id), ..Self::of(kind) }
    }
}

/// What a seal is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SealName {
    pub number: i64,
    pub sealed_at: Timestamp,
    /// In hexadecimal digits.
    pub hash: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Sealed entries that were looked at.
    pub entries: u64,
    /// Seals that are genuine.
    pub seals: u64,
    /// Values that were wiped, which their commitments stand for.
    pub wiped: u64,
    /// Entries that are not sealed yet, about which nothing can be said.
    pub unsealed: u64,
    /// The newest genuine seal: to be kept elsewhere.
    pub newest: Option<SealName>,
    /// The seal that was asked for, where it is in the chain.
    pub expected: Option<SealName>,
    /// What verifies the seals, in hexadecimal digits.
    pub public_key: String,
    pub findings: Vec<Finding>,
    /// How many there are, with those that are only counted.
    pub findings_in_all: u64,
}

impl Report {
    /// Whether everything is as it was sealed.
    pub const fn is_good(&self) -> bool {
        self.findings_in_all == 0
    }

    fn find(&mut self, finding: Finding) {
        self.findings_in_all += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// Verifies all of the log. `progress` hears now and then how many entries it has looked at.
pub async fn verify(
    store: &Store,
    keys: &Keys,
    expected: &ExpectedSeals,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Report, StoreError> {
    let report = Report { public_key: hex(&keys.audit_public_key()), ..Report::default() };
    let entries = Entries { store, page: VecDeque::new(), after: (i64::MIN, Uuid::nil()) };
    let verification = Verification {
        store,
        keys,
        expected,
        progress,
        entries,
        report,
        number: 0,
        hash: Some(BEFORE_THE_FIRST),
        next_position: 1,
        is_coverage_lost: false,
        is_key_unknown: false,
    };
    Box::pin(verification.run()).await
}

/// Sealed entries in order, read page by page.
struct Entries<'a> {
    store: &'a Store,
    page: VecDeque<SealedAudit>,
    after: (i64, Uuid),
}

impl Entries<'_> {
    /// Reads on where nothing is left of the page. Says whether there is something.
    async fn fill(&mut self) -> Result<bool, StoreError> {
        if self.page.is_empty() {
            self.page = self.store.audit().sealed_after(self.after, ENTRIES_PER_PAGE).await?.into();
            self.after = self.page.back().map_or(self.after, |last| (last.seal.position, last.entry.id));
        }
        Ok(!self.page.is_empty())
    }

    /// The entries at the next position, of which there should be one; none where that is beyond `last`.
    async fn next(&mut self, last: i64) -> Result<Vec<SealedAudit>, StoreError> {
        let mut found: Vec<SealedAudit> = Vec::new();
        while self.fill().await? {
            let Some(position) = self.page.front().map(|next| next.seal.position) else { break };
            let is_another = found.first().is_some_and(|first| first.seal.position != position);
            if position > last || is_another {
                break;
            }
            found.extend(self.page.pop_front());
        }
        Ok(found)
    }
}

/// An entry, looked at.
struct Checked {
    leaf: Digest,
    /// Whether it was sealed like that, at that position.
    is_genuine: bool,
    /// Which of the values that may be wiped does not match its commitment.
    field: Option<&'static str>,
}

/// What covers the entries that are walked over.
#[derive(Clone, Copy)]
enum Coverage<'a> {
    Seal(&'a AuditSeal),
    /// The seal is missing or not genuine.
    Lost,
    /// There is no further seal.
    End,
}

struct Verification<'a> {
    store: &'a Store,
    keys: &'a Keys,
    expected: &'a ExpectedSeals,
    progress: &'a mut (dyn FnMut(u64) + Send),
    entries: Entries<'a>,
    report: Report,
    /// Of the last seal that was looked at.
    number: i64,
    /// Its hash, where it is genuine: the next one must name it.
    hash: Option<Digest>,
    /// Where the next entry must be.
    next_position: i64,
    /// Whether a seal was missing or not genuine since the last that was: its entries are covered by none.
    is_coverage_lost: bool,
    /// Whether one of those was signed with another key: then the marks of its entries were made with another, too.
    is_key_unknown: bool,
}

impl Verification<'_> {
    async fn run(mut self) -> Result<Report, StoreError> {
        loop {
            let mut seals = self.store.audit().seals_after(self.number, SEALS_PER_PAGE).await?;
            if seals.is_empty() {
                let is_something_left = self.entries.fill().await?;
                // Again: an entry and its seal are there at the same moment.
                seals = self.store.audit().seals_after(self.number, SEALS_PER_PAGE).await?;
                if seals.is_empty() && is_something_left {
                    self.walk(i64::MAX, Coverage::End).await?;
                }
            }
            if seals.is_empty() {
                break;
            }
            for seal in seals {
                self.check_seal(&seal).await?;
            }
        }
        if self.expected.hash.is_some() && self.report.expected.is_none() {
            self.report.find(Finding::of(FindingKind::ExpectedSealMissing));
        }
        self.report.unsealed = self.store.audit().count_unsealed().await?;
        Ok(self.report)
    }

    async fn check_seal(&mut self, seal: &AuditSeal) -> Result<(), StoreError> {
        if seal.number <= self.number {
            self.report.find(Finding::of_seal(FindingKind::SealInserted, seal.number));
            return Ok(());
        }
        for number in (self.number.saturating_add(1)..seal.number).take(MAX_FINDINGS) {
            self.report.find(Finding::of_seal(FindingKind::SealRemoved, number));
            (self.hash, self.is_coverage_lost) = (None, true);
        }
        if let Some(kind) = self.objection(seal) {
            self.report.find(Finding::of_seal(kind, seal.number));
            (self.number, self.hash, self.is_coverage_lost) = (seal.number, None, true);
            self.is_key_unknown |= kind == FindingKind::SealOfAnotherKey;
            return Ok(());
        }
        if seal.first_position < self.next_position {
            // Signed once, and put in where it does not belong.
            self.report.find(Finding::of_seal(FindingKind::SealInserted, seal.number));
            (self.number, self.hash) = (seal.number, None);
            return Ok(());
        }
        if self.hash.is_some_and(|hash| seal.previous != hash) {
            self.report.find(Finding::of_seal(FindingKind::ChainBroken, seal.number));
        }
        if seal.first_position > self.next_position {
            let last = seal.first_position - 1;
            if !self.is_coverage_lost {
                // Another took its number.
                let positions = Some((self.next_position, last));
                let removed = Finding::of_seal(FindingKind::SealRemoved, seal.number);
                self.report.find(Finding { positions, ..removed });
            }
            self.walk(last, Coverage::Lost).await?;
        }
        self.walk(seal.last_position, Coverage::Seal(seal)).await?;
        self.pass(seal);
        Ok(())
    }

    /// Takes a seal as genuine.
    fn pass(&mut self, seal: &AuditSeal) {
        let hash = format::seal_hash(seal);
        let name = SealName { number: seal.number, sealed_at: seal.sealed_at, hash: hex(&hash) };
        if self.expected.hash == Some(hash) {
            self.report.expected = Some(name.clone());
        }
        self.report.newest = Some(name);
        self.report.seals += 1;
        (self.number, self.hash) = (seal.number, Some(hash));
        (self.is_coverage_lost, self.is_key_unknown) = (false, false);
    }

    /// Why a seal is not genuine.
    fn objection(&self, seal: &AuditSeal) -> Option<FindingKind> {
        if seal.version != VERSION {
            return Some(FindingKind::SealOfAnotherVersion);
        }
        let key = UnparsedPublicKey::new(&ED25519, &seal.public_key);
        if key.verify(&format::signed_text(seal), &seal.signature).is_err() {
            return Some(FindingKind::SealChanged);
        }
        let is_trusted = self.is_own(seal) || self.expected.public_keys.iter().any(|key| seal.public_key == key);
        (!is_trusted).then_some(FindingKind::SealOfAnotherKey)
    }

    fn is_own(&self, seal: &AuditSeal) -> bool {
        seal.public_key == self.keys.audit_public_key()
    }

    /// Looks at the entries up to a position.
    async fn walk(&mut self, last: i64, coverage: Coverage<'_>) -> Result<(), StoreError> {
        // Marks are made with the secret: those of an earlier one cannot be verified.
        let has_marks = match coverage {
            Coverage::Seal(seal) => self.is_own(seal),
            Coverage::Lost | Coverage::End => self.expected.public_keys.is_empty() && !self.is_key_unknown,
        };
        let (before, found_before) = (self.report.findings.len(), self.report.findings_in_all);
        let mut tree = Tree::default();
        let mut left_over: Option<(i64, i64)> = None;
        loop {
            let found = self.entries.next(last).await?;
            let Some(position) = found.first().map(|first| first.seal.position) else { break };
            let checked: Vec<Checked> = found.iter().map(|entry| check(self.keys, entry, has_marks)).collect();
            let chosen = checked.iter().position(|entry| entry.is_genuine).unwrap_or(0);
            // Before the first, or beyond the last: no entry was ever sealed there.
            let is_nowhere = position < self.next_position
                || (matches!(coverage, Coverage::End) && !checked.iter().any(|entry| entry.is_genuine));
            for (index, (entry, checked)) in found.iter().zip(&checked).enumerate() {
                self.count(entry);
                if is_nowhere || index != chosen {
                    self.report.find(Finding::of_entry(FindingKind::EntryInserted, entry));
                } else if !checked.is_genuine || checked.field.is_some() {
                    let changed = Finding::of_entry(FindingKind::EntryChanged, entry);
                    self.report.find(Finding { field: checked.field, ..changed });
                }
            }
            if is_nowhere {
                continue;
            }
            self.miss_until(position - 1);
            self.next_position = position.saturating_add(1);
            left_over = Some((left_over.map_or(position, |(first, _)| first), position));
            tree.push(checked[chosen].leaf);
        }
        match coverage {
            Coverage::Seal(seal) => {
                self.miss_until(last);
                self.compare(&tree, seal, before, found_before);
            }
            Coverage::Lost => self.miss_until(last),
            Coverage::End if !self.is_coverage_lost && left_over.is_some() => {
                let removed = Finding::of_seal(FindingKind::SealRemoved, self.number.saturating_add(1));
                self.report.find(Finding { positions: left_over, ..removed });
            }
            Coverage::End => {}
        }
        Ok(())
    }

    fn count(&mut self, entry: &SealedAudit) {
        self.report.entries += 1;
        let commitments = [&entry.seal.origin, &entry.seal.client_reason];
        let wiped = commitments.iter().filter(|stored| stored.digest.is_some() && stored.salt.is_none());
        self.report.wiped += wiped.count() as u64;
        if self.report.entries.is_multiple_of(ENTRIES_PER_PAGE.unsigned_abs()) {
            (self.progress)(self.report.entries);
        }
    }

    /// Nothing stands at the positions up to this one that did not come so far.
    fn miss_until(&mut self, last: i64) {
        if last >= self.next_position {
            let positions = Some((self.next_position, last));
            self.report.find(Finding { positions, ..Finding::of(FindingKind::EntryRemoved) });
            self.next_position = last.saturating_add(1);
        }
    }

    /// Holds the entries of a seal against its root.
    fn compare(&mut self, tree: &Tree, seal: &AuditSeal, before: usize, found_before: u64) {
        if seal.root == tree.root() {
            // Everything is as it was sealed but the marks themselves.
            for finding in &mut self.report.findings[before..] {
                if finding.kind == FindingKind::EntryChanged && finding.field.is_none() {
                    finding.field = Some("mark");
                }
            }
        } else if self.report.findings_in_all == found_before {
            let positions = Some((seal.first_position, seal.last_position));
            let differ = Finding::of_seal(FindingKind::EntriesDiffer, seal.number);
            self.report.find(Finding { positions, ..differ });
        }
    }
}

/// Holds an entry against its commitments and its mark.
fn check(keys: &Keys, found: &SealedAudit, has_marks: bool) -> Checked {
    let SealedAudit { entry, seal } = found;
    let leaf = format::leaf(seal.position, entry, seal.origin.digest.as_deref(), seal.client_reason.digest.as_deref());
    let is_genuine = !has_marks || seal.mark.as_deref().is_some_and(|mark| mark == keys.audit_mark(&leaf));
    let has_origin = entry.origin != Origin::default();
    let words = entry.client_reason.as_deref();
    let fields = [
        ("ip, user_agent", fits(&seal.origin, has_origin, |salt| format::commit_origin(salt, &entry.origin))),
        (
            "client_reason",
            fits(&seal.client_reason, words.is_some(), |salt| {
                format::commit_client_reason(salt, words.unwrap_or_default())
            }),
        ),
    ];
    let field = fields.into_iter().find(|(_, fits)| !fits).map(|(name, _)| name);
    Checked { leaf, is_genuine, field }
}

/// Whether a value is the one that was committed to, or was wiped with its salt.
fn fits(stored: &StoredCommitment, is_there: bool, digest: impl FnOnce(&[u8]) -> Digest) -> bool {
    match (&stored.digest, &stored.salt) {
        (Some(committed), Some(salt)) => is_there && *committed == digest(salt),
        (Some(_) | None, None) => !is_there,
        (None, Some(_)) => false,
    }
}
