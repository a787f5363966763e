//! The revocation list: tokens that are refused although their signature is good.
//!
//! Each server keeps in memory only what has been revoked and could still be alive, so that a request costs a look-up
//! by session and one by user, and no database read. The list also knows *as of when* it is complete: a list that is
//! too old is not current.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use types::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use super::sync::{AtomicBool, AtomicU64, RwLock};
use crate::sessions::metrics::Reload;
use crate::sessions::revocations::own_commits::OwnCommits;
use crate::store::{Revocation, RevokedSubject, Tail};

/// What the list says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not revoked, as of no longer ago than `REVOCATION_MAX_STALENESS`.
    Passes,
    SessionEnded,
    /// It is from before a change to the user; its session may live.
    Superseded,
    /// The list is too old to decide: ask the database.
    Stale,
}

/// Ids are random enough by themselves: eight of their bytes are the hash. Nobody but this installation makes them.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // The last eight bytes of a UUIDv7 are random; the rotation lets them win over the first, which are time.
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }

    fn write_usize(&mut self, _length_prefix: usize) {}
}

type ById<V> = HashMap<[u8; 16], V, BuildHasherDefault<IdHasher>>;

/// Seconds since the epoch until which an entry is remembered; 32 bits reach to the year 2106.
type RememberUntilSecs = u32;

/// What is remembered of a user whose epoch was raised.
#[derive(Clone, Copy, Default)]
struct RaisedEpoch {
    /// The least epoch that tokens must have.
    least: i64,
    /// The highest that was raised to end all sessions, and not only to have tokens refreshed.
    least_by_end: i64,
    until: RememberUntilSecs,
}

#[derive(Default)]
struct Entries {
    sessions: ById<RememberUntilSecs>,
    users: ById<RaisedEpoch>,
    /// The highest position up to which every row is in here.
    position: i64,
    /// The row at that position, if it was read: with it the list notices that the log was replaced by another one.
    last: Option<Revocation>,
    /// Rows that this server has committed itself and no poll has shown yet.
    own: OwnCommits,
    polls: Polls,
}

/// Polls of the log, by number.
#[derive(Default)]
struct Polls {
    begun: u64,
    /// The last one whose rows are in the list.
    applied: u64,
}

/// Revocations that are in the list and not in the log, because the database was set back to an earlier state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Sessions that had ended.
    pub sessions: Vec<SessionId>,
    /// Users whose epoch was raised.
    pub users: Vec<LostEpoch>,
}

/// An epoch of a user that the database has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEpoch {
    pub user_id: UserId,
    /// The least epoch that tokens must have.
    pub least: i64,
    /// The least epoch of sessions that have not ended.
    pub least_by_end: i64,
}

impl Lost {
    /// Whether nothing was lost.
    pub const fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty()
    }
}

/// A poll of the log that is under way.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// When it began. Rows that are committed later may be missing from it.
    pub began: Instant,
    /// From which position on it must show the log, the row there included.
    pub from: i64,
    /// How many own rows had been added by then. Those that no poll has shown yet must be in it.
    own: u64,
    number: u64,
}

/// The result of applying a poll of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Every row up to the head is in the list.
    Current,
    /// A row is missing or differs, or the head went backwards: load everything anew.
    MustReload(Reload),
}

/// The list of one server.
pub struct RevocationList {
    entries: RwLock<Entries>,
    max_staleness: Duration,
    started: Instant,
    /// Milliseconds after `started` at which the last successful poll of the log began.
    current_as_of: AtomicU64,
    loaded: AtomicBool,
}

impl RevocationList {
    /// An empty list that is not current until it has been loaded.
    pub fn new(max_staleness: Duration, now: Instant) -> Self {
        Self {
            entries: RwLock::default(),
            max_staleness,
            started: now,
            current_as_of: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
        }
    }

    /// The verdict on a token of this session and user, with this epoch, at this (monotonic) instant.
    pub fn check(&self, session_id: SessionId, user_id: UserId, epoch: i64, now: Instant) -> Verdict {
        // Read first: a poll adds its entries before it makes the list current, so they are seen below.
        let current = self.is_current(now);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        // A known revocation counts however old the list is.
        if entries.sessions.contains_key(session_id.0.as_bytes()) {
            return Verdict::SessionEnded;
        }
        if entries.users.get(user_id.0.as_bytes()).is_some_and(|raised| epoch < raised.least) {
            return Verdict::Superseded;
        }
        if current { Verdict::Passes } else { Verdict::Stale }
    }

    /// The least epoch that tokens of this user must have, as far as this server knows.
    pub fn least_epoch(&self, user_id: UserId) -> Option<i64> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.users.get(user_id.0.as_bytes()).map(|raised| raised.least)
    }

    /// Whether this very session is known to have ended.
    pub fn has_ended(&self, session_id: SessionId) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.contains_key(session_id.0.as_bytes())
    }

    pub fn is_current(&self, now: Instant) -> bool {
        self.loaded.load(Ordering::Acquire) && self.age(now) <= self.max_staleness
    }

    /// Whether it has ever been loaded.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// When the last successful poll of the log began.
    pub fn as_of(&self) -> Instant {
        self.started + Duration::from_millis(self.current_as_of.load(Ordering::Acquire))
    }

    /// How long ago the last successful poll of the log began.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.as_of())
    }

    /// The age beyond which it is not current: `REVOCATION_MAX_STALENESS`.
    pub const fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// The position up to which the list is complete.
    pub fn position(&self) -> i64 {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).position
    }

    /// How many sessions and users are in it.
    pub fn len(&self) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.len() + entries.users.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds rows that this server has just committed, before a poll shows them, and checks that a poll does. The
    /// position does not move: rows of other servers may lie before these.
    pub fn add(&self, revocations: &[Revocation]) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for revocation in revocations {
            entries.add(revocation);
            entries.own.add(revocation);
        }
    }

    /// Makes room for a whole log of so many rows that is about to be loaded.
    pub fn expect(&self, rows: u64) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let missing = usize::try_from(rows).unwrap_or(0).saturating_sub(entries.sessions.len());
        entries.sessions.reserve(missing);
    }

    /// Adds a part of the log that is being loaded: rows by position.
    pub fn add_from_log(&self, revocations: &[Revocation]) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for revocation in revocations {
            entries.add(revocation);
        }
        entries.own.saw(revocations);
    }

    /// Begins a poll of the log. The database must not have been asked yet.
    pub fn begin_poll(&self, now: Instant) -> Poll {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.polls.begun += 1;
        // A poll may have read an own row before it was added here: the next one reads it once more.
        let from = entries.own.lowest_position().map_or(entries.position, |lowest| lowest.min(entries.position));
        Poll { began: now, from, own: entries.own.so_far(), number: entries.polls.begun }
    }

    /// How many polls have begun.
    pub fn polls_begun(&self) -> u64 {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).polls.begun
    }

    /// Whether a poll has been applied that began after so many others.
    pub fn has_polled_since(&self, begun: u64) -> bool {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).polls.applied > begun
    }

    /// Adds the rows after [`RevocationList::position`], once the row there is the one that was read before, and each
    /// of this server's own rows is in its place.
    pub fn apply(&self, tail: &Tail, poll: Poll) -> Applied {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let rows = match entries.follow(tail, poll) {
            Ok(rows) => rows,
            Err(why) => return Applied::MustReload(why),
        };
        for revocation in rows {
            entries.add(revocation);
        }
        entries.own.saw(&tail.revocations);
        entries.own.prune(tail.database_time);
        entries.position = tail.head;
        entries.polls.applied = entries.polls.applied.max(poll.number);
        if let Some(last) = tail.revocations.last().filter(|row| row.position == tail.head) {
            entries.last = Some(last.clone());
        }
        drop(entries);
        self.confirm(poll.began);
        Applied::Current
    }

    /// Makes the list current: every live row up to `head` was [added](Self::add_from_log), by a poll that began at
    /// `began`. `last` is the row at `head`, however old, unless it was cleaned up. Earlier entries stay until they
    /// expire.
    pub fn become_current(&self, head: i64, last: Option<Revocation>, began: Instant) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.position = head;
        entries.last = last.filter(|row| row.position == head);
        drop(entries);
        self.confirm(began);
        self.loaded.store(true, Ordering::Release);
    }

    /// The entries that are not in `live`, the whole live log, although they must be remembered beyond `now`.
    pub fn beyond(&self, live: &HashSet<(UserId, RevokedSubject)>, now: Timestamp) -> Lost {
        let mut sessions = HashSet::new();
        let mut users: HashMap<UserId, i64> = HashMap::new();
        for (user_id, subject) in live {
            match subject {
                RevokedSubject::Session(id) => drop(sessions.insert(*id)),
                RevokedSubject::Epoch(least) => {
                    let known = users.entry(*user_id).or_default();
                    *known = (*known).max(*least);
                }
            }
        }
        let now = remembered_until_secs(now);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let ended = entries.sessions.iter().filter(|(_, until)| **until > now);
        let raised = entries.users.iter().filter(|(_, raised)| raised.until > now);
        Lost {
            sessions: ended
                .map(|(id, _)| SessionId(Uuid::from_bytes(*id)))
                .filter(|id| !sessions.contains(id))
                .collect(),
            users: raised
                .map(|(id, &RaisedEpoch { least, least_by_end, .. })| LostEpoch {
                    user_id: UserId(Uuid::from_bytes(*id)),
                    least,
                    least_by_end,
                })
                .filter(|lost| users.get(&lost.user_id).is_none_or(|known| *known < lost.least))
                .collect(),
        }
    }

    /// Stops checking own rows from before this poll, which has loaded the whole log. They were in it, or they are
    /// [beyond](Self::beyond) it.
    pub fn complete(&self, poll: Poll) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).own.complete(poll.own);
    }

    /// Drops what no token can need any more.
    pub fn prune(&self, now: Timestamp) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.own.prune(now);
        let now = remembered_until_secs(now);
        entries.sessions.retain(|_, until| *until >= now);
        entries.users.retain(|_, raised| raised.until >= now);
        if entries.sessions.len() < entries.sessions.capacity() / 4 {
            entries.sessions.shrink_to_fit();
        }
    }

    fn confirm(&self, began: Instant) {
        let as_of = began.saturating_duration_since(self.started).as_millis();
        self.current_as_of.fetch_max(u64::try_from(as_of).unwrap_or(u64::MAX), Ordering::AcqRel);
    }
}

impl Entries {
    /// The rows that are new in a poll of the log, if it goes on from what is known here.
    fn follow<'t>(&self, tail: &'t Tail, poll: Poll) -> Result<&'t [Revocation], Reload> {
        if tail.head < self.position {
            return Err(Reload::HeadWentBack);
        }
        // Rows before the position are shown for the sake of own ones only.
        let before = tail.revocations.partition_point(|row| row.position < self.position);
        let rows = &tail.revocations[before..];
        let (known, new) = match rows.split_first() {
            Some((first, rest)) if first.position == self.position => (Some(first), rest),
            _ => (None, rows),
        };
        match (&self.last, known) {
            (Some(last), Some(known)) if !last.is_same_row(known) => return Err(Reload::RowReplaced),
            (Some(last), None) if last.remember_until > tail.database_time => {
                return Err(Reload::RowGone);
            }
            // Where none was, none comes: rows are only ever cleaned up.
            (None, Some(_)) => return Err(Reload::RowReplaced),
            _ => {}
        }
        let mut expected = self.position;
        for revocation in new {
            expected += 1;
            if revocation.position != expected {
                return Err(Reload::RowMissing);
            }
        }
        if expected != tail.head {
            return Err(Reload::EndsBeforeHead);
        }
        if self.own.is_missed_in(tail, poll.own) { Err(Reload::OwnRowLost) } else { Ok(new) }
    }

    fn add(&mut self, revocation: &Revocation) {
        let Revocation { user_id, subject, reason, remember_until, .. } = revocation;
        let until = remembered_until_secs(*remember_until);
        match *subject {
            RevokedSubject::Session(id) => {
                let entry = self.sessions.entry(*id.0.as_bytes()).or_default();
                *entry = until.max(*entry);
            }
            RevokedSubject::Epoch(least) => {
                let entry = self.users.entry(*user_id.0.as_bytes()).or_default();
                entry.least = entry.least.max(least);
                if reason.is_some() {
                    entry.least_by_end = entry.least_by_end.max(least);
                }
                entry.until = entry.until.max(until);
            }
        }
    }
}

/// Rounded up, so that nothing is dropped early.
fn remembered_until_secs(moment: Timestamp) -> RememberUntilSecs {
    RememberUntilSecs::try_from(moment.as_secs().saturating_add(1)).unwrap_or(if moment.as_secs() < 0 {
        0
    } else {
        RememberUntilSecs::MAX
    })
}
