//! The revocation list: what may not pass although its signature is good.
//!
//! Each server keeps in memory only what has been revoked and could still be alive, so that a request costs a look-up by
//! session and one by person, and no database read. The list also knows *as of when* it is true: a list that is too old does not
//! vouch for anything.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use app::domain::{SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::metrics::Reload;
use crate::store::{Revocation, RevokedSubject, Tail};

/// What the list says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not revoked, as of no longer ago than `REVOCATION_MAX_STALENESS`.
    Passes,
    /// Its session has ended.
    SessionEnded,
    /// It is from before a change to the person; its session may live.
    Superseded,
    /// The list is too old to say: ask the database.
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

/// Seconds since the epoch until which an entry is kept; 32 bits reach to the year 2106.
type KeepUntil = u32;

#[derive(Default)]
struct Entries {
    sessions: ById<KeepUntil>,
    people: ById<(i64, KeepUntil)>,
    /// The highest position up to which every row is in here.
    position: i64,
    /// The row at that position, if it was seen: by it another log is told from the one that was read so far.
    last: Option<Revocation>,
}

/// What is in the list although the log does not say so: the database was set back to an earlier state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Sessions that had ended.
    pub sessions: Vec<SessionId>,
    /// People, with the epoch that their tokens must have at least.
    pub people: Vec<(UserId, i64)>,
}

impl Lost {
    /// Whether nothing was lost.
    pub const fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.people.is_empty()
    }
}

/// What taking in a look at the log came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// Every row up to the head is in the list.
    Current,
    /// A row is missing, or the head went backwards: load everything anew.
    MustReload(Reload),
}

/// The list of one server.
pub struct RevocationList {
    entries: RwLock<Entries>,
    max_staleness: Duration,
    started: Instant,
    /// Milliseconds after `started` at which the last successful look at the log began.
    current_as_of: AtomicU64,
    loaded: AtomicBool,
}

impl RevocationList {
    /// An empty list that vouches for nothing until it has been loaded.
    pub fn new(max_staleness: Duration, now: Instant) -> Self {
        Self {
            entries: RwLock::default(),
            max_staleness,
            started: now,
            current_as_of: AtomicU64::new(0),
            loaded: AtomicBool::new(false),
        }
    }

    /// What the list says of a token of this session and person, with this epoch, at this (monotonic) instant.
    pub fn check(&self, session_id: SessionId, user_id: UserId, epoch: i64, now: Instant) -> Verdict {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        // A revocation that is known counts however old the list is.
        if entries.sessions.contains_key(session_id.0.as_bytes()) {
            return Verdict::SessionEnded;
        }
        if entries.people.get(user_id.0.as_bytes()).is_some_and(|(least, _)| epoch < *least) {
            return Verdict::Superseded;
        }
        drop(entries);
        if self.is_current(now) { Verdict::Passes } else { Verdict::Stale }
    }

    /// Whether this very session is known to have ended.
    pub fn has_ended(&self, session_id: SessionId) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.contains_key(session_id.0.as_bytes())
    }

    /// Whether the list vouches for what is not in it.
    pub fn is_current(&self, now: Instant) -> bool {
        self.loaded.load(Ordering::Acquire) && self.age(now) <= self.max_staleness
    }

    /// Whether it has ever been loaded.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// How long ago the last successful look at the log began.
    pub fn age(&self, now: Instant) -> Duration {
        let as_of = self.started + Duration::from_millis(self.current_as_of.load(Ordering::Acquire));
        now.saturating_duration_since(as_of)
    }

    /// The age beyond which it vouches for nothing: `REVOCATION_MAX_STALENESS`.
    pub const fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// The position up to which the list is complete.
    pub fn position(&self) -> i64 {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).position
    }

    /// How many sessions and people are in it.
    pub fn len(&self) -> usize {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.len() + entries.people.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts in what this server itself has just committed (or is about to), without waiting for the log.
    /// The position does not move: rows of other servers may lie before these.
    pub fn add(&self, revocations: &[Revocation]) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for revocation in revocations {
            entries.add(revocation.user_id, revocation.subject, revocation.remember_until);
        }
    }

    /// Refuses one subject at once, although nothing is committed: the database is away.
    pub fn refuse(&self, user_id: UserId, subject: RevokedSubject, until: Timestamp) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).add(user_id, subject, until);
    }

    /// Takes in what follows [`RevocationList::position`] in the log, and compares the row there with the one that was
    /// seen before; `began` is when the look at it began.
    pub fn take_in(&self, tail: &Tail, began: Instant) -> TakenIn {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let rows = match entries.follow(tail) {
            Ok(rows) => rows,
            Err(why) => return TakenIn::MustReload(why),
        };
        for revocation in rows {
            entries.add(revocation.user_id, revocation.subject, revocation.remember_until);
        }
        entries.position = tail.head;
        if let Some(last) = tail.revocations.last() {
            entries.last = Some(last.clone());
        }
        drop(entries);
        self.confirm(began);
        TakenIn::Current
    }

    /// Vouches from now on: every live row up to `head` was [added](Self::add), by a look that began at `began`. `last` is the row
    /// at `head`, if it is alive. What was refused before stays refused, for its time.
    pub fn vouch(&self, head: i64, last: Option<Revocation>, began: Instant) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.position = head;
        entries.last = last.filter(|row| row.position == head);
        drop(entries);
        self.confirm(began);
        self.loaded.store(true, Ordering::Release);
    }

    /// What is in the list and not in `live`, the whole live log, although it is to be remembered beyond `now`.
    pub fn beyond(&self, live: &HashSet<(UserId, RevokedSubject)>, now: Timestamp) -> Lost {
        let mut sessions = HashSet::new();
        let mut people: HashMap<UserId, i64> = HashMap::new();
        for (user_id, subject) in live {
            match subject {
                RevokedSubject::Session(id) => drop(sessions.insert(*id)),
                RevokedSubject::Epoch(least) => {
                    let known = people.entry(*user_id).or_default();
                    *known = (*known).max(*least);
                }
            }
        }
        let now = keep_until(now);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let ended = entries.sessions.iter().filter(|(_, until)| **until > now);
        let raised = entries.people.iter().filter(|(_, (_, until))| *until > now);
        Lost {
            sessions: ended
                .map(|(id, _)| SessionId(Uuid::from_bytes(*id)))
                .filter(|id| !sessions.contains(id))
                .collect(),
            people: raised
                .map(|(id, (least, _))| (UserId(Uuid::from_bytes(*id)), *least))
                .filter(|(id, least)| people.get(id).is_none_or(|known| known < least))
                .collect(),
        }
    }

    /// Drops what no token can need any more.
    pub fn prune(&self, now: Timestamp) {
        let now = keep_until(now);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.sessions.retain(|_, until| *until >= now);
        entries.people.retain(|_, (_, until)| *until >= now);
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
    /// The rows that are new in a look at the log, if it goes on from what is known here.
    fn follow<'t>(&self, tail: &'t Tail) -> Result<&'t [Revocation], Reload> {
        if tail.head < self.position {
            return Err(Reload::HeadWentBack);
        }
        let (known, new) = match tail.revocations.split_first() {
            Some((first, rest)) if first.position == self.position => (Some(first), rest),
            _ => (None, tail.revocations.as_slice()),
        };
        match (&self.last, known) {
            (Some(last), Some(known)) if last != known => return Err(Reload::RowReplaced),
            (Some(last), None) if last.remember_until > tail.database_time => {
                return Err(Reload::RowGone);
            }
            _ => {}
        }
        let mut expected = self.position;
        for revocation in new {
            expected += 1;
            if revocation.position != expected {
                return Err(Reload::RowMissing);
            }
        }
        if expected == tail.head { Ok(new) } else { Err(Reload::EndsBeforeHead) }
    }

    fn add(&mut self, user_id: UserId, subject: RevokedSubject, remember_until: Timestamp) {
        let until = keep_until(remember_until);
        match subject {
            RevokedSubject::Session(id) => {
                let entry = self.sessions.entry(*id.0.as_bytes()).or_default();
                *entry = until.max(*entry);
            }
            RevokedSubject::Epoch(least) => {
                let entry = self.people.entry(*user_id.0.as_bytes()).or_default();
                *entry = (least.max(entry.0), until.max(entry.1));
            }
        }
    }
}

/// Rounded up, so that nothing is dropped early.
fn keep_until(moment: Timestamp) -> KeepUntil {
    KeepUntil::try_from(moment.as_secs().saturating_add(1)).unwrap_or(if moment.as_secs() < 0 {
        0
    } else {
        KeepUntil::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    const LATER: Timestamp = Timestamp::from_millis(900_000);

    fn row(position: i64, user_id: UserId, subject: RevokedSubject) -> Revocation {
        Revocation {
            position,
            user_id,
            subject,
            reason: None,
            ended_by: None,
            ended_by_device: None,
            at: Timestamp::from_millis(0),
            remember_until: LATER,
        }
    }

    fn tail(head: i64, revocations: Vec<Revocation>) -> Tail {
        Tail { head, database_time: Timestamp::from_millis(0), revocations }
    }

    fn loaded(now: Instant) -> RevocationList {
        let list = RevocationList::new(Duration::from_secs(2), now);
        list.vouch(0, None, now);
        list
    }

    #[test]
    fn a_list_vouches_for_nothing_before_it_is_loaded() {
        let now = Instant::now();
        assert_eq!(RevocationList::new(Duration::from_secs(2), now).check(LAPTOP, ADA, 0, now), Verdict::Stale);
    }

    #[test]
    fn a_revoked_session_is_refused_and_another_passes() {
        let now = Instant::now();
        let list = loaded(now);
        assert_eq!(list.take_in(&tail(1, vec![row(1, ADA, RevokedSubject::Session(LAPTOP))]), now), TakenIn::Current);
        assert_eq!(list.check(LAPTOP, ADA, 0, now), Verdict::SessionEnded);
        assert_eq!(list.check(PHONE, ADA, 0, now), Verdict::Passes);
    }

    #[test]
    fn an_epoch_refuses_older_tokens_of_that_person_only_and_never_sinks() {
        let now = Instant::now();
        let list = loaded(now);
        list.add(&[row(1, ADA, RevokedSubject::Epoch(3)), row(2, ADA, RevokedSubject::Epoch(2))]);
        assert_eq!(list.check(LAPTOP, ADA, 2, now), Verdict::Superseded);
        assert_eq!(list.check(LAPTOP, ADA, 3, now), Verdict::Passes);
        assert_eq!(list.check(PHONE, BOB, 0, now), Verdict::Passes);
    }

    #[test]
    fn a_list_that_is_too_old_says_so_but_still_refuses_what_it_knows() {
        let now = Instant::now();
        let list = loaded(now);
        list.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
        let at_the_bound = now + Duration::from_secs(2);
        assert_eq!(list.check(PHONE, ADA, 0, at_the_bound), Verdict::Passes);
        let past_it = at_the_bound + Duration::from_millis(1);
        assert_eq!(list.check(PHONE, ADA, 0, past_it), Verdict::Stale);
        assert_eq!(list.check(LAPTOP, ADA, 0, past_it), Verdict::SessionEnded);
    }

    #[test]
    fn a_gap_in_the_log_and_a_head_that_went_backwards_are_noticed() {
        let now = Instant::now();
        let list = loaded(now);
        let third = row(3, ADA, RevokedSubject::Session(LAPTOP));
        assert!(matches!(list.take_in(&tail(3, vec![third]), now), TakenIn::MustReload(_)));
        assert!(matches!(list.take_in(&tail(2, vec![]), now), TakenIn::MustReload(_)));
        list.vouch(5, None, now);
        assert!(matches!(list.take_in(&tail(4, vec![]), now), TakenIn::MustReload(_)));
        assert_eq!(list.position(), 5);
    }

    #[test]
    fn a_log_that_was_set_back_is_noticed_even_when_it_has_grown_past_where_it_was() {
        let now = Instant::now();
        let list = loaded(now);
        let mine = row(1, ADA, RevokedSubject::Session(LAPTOP));
        assert_eq!(list.take_in(&tail(1, vec![mine.clone()]), now), TakenIn::Current);
        assert_eq!(list.take_in(&tail(1, vec![mine.clone()]), now), TakenIn::Current);
        let others = [row(1, BOB, RevokedSubject::Session(PHONE)), row(2, BOB, RevokedSubject::Epoch(1))];
        assert!(matches!(list.take_in(&tail(2, others.to_vec()), now), TakenIn::MustReload(_)));
        assert!(matches!(list.take_in(&tail(2, others[1..].to_vec()), now), TakenIn::MustReload(_)));
        // Once nobody needs it any more it may be gone.
        let later = Tail { database_time: LATER, ..tail(2, others[1..].to_vec()) };
        assert_eq!(list.take_in(&later, now), TakenIn::Current);
    }

    #[test]
    fn what_a_log_that_was_set_back_has_lost_is_known() {
        let now = Instant::now();
        let list = loaded(now);
        let rows = [
            row(1, ADA, RevokedSubject::Session(LAPTOP)),
            row(2, ADA, RevokedSubject::Session(PHONE)),
            row(3, ADA, RevokedSubject::Epoch(2)),
            row(4, BOB, RevokedSubject::Epoch(5)),
        ];
        list.add(&rows);
        let live = HashSet::from([
            (ADA, RevokedSubject::Session(LAPTOP)),
            (ADA, RevokedSubject::Epoch(1)),
            (BOB, RevokedSubject::Epoch(5)),
        ]);
        let lost = list.beyond(&live, Timestamp::from_millis(0));
        assert_eq!(lost, Lost { sessions: vec![PHONE], people: vec![(ADA, 2)] });
        assert!(list.beyond(&live, LATER.plus(Duration::from_secs(2))).is_empty());
    }

    #[test]
    fn what_a_server_adds_by_itself_does_not_hide_rows_of_others() {
        let now = Instant::now();
        let list = loaded(now);
        list.add(&[row(2, ADA, RevokedSubject::Session(LAPTOP))]);
        let rows = vec![row(1, BOB, RevokedSubject::Session(PHONE)), row(2, ADA, RevokedSubject::Session(LAPTOP))];
        assert_eq!(list.take_in(&tail(2, rows), now), TakenIn::Current);
        assert_eq!(list.check(PHONE, BOB, 0, now), Verdict::SessionEnded);
    }

    #[test]
    fn an_entry_goes_when_no_token_can_need_it_and_not_before() {
        let now = Instant::now();
        let list = loaded(now);
        list.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
        list.prune(LATER);
        assert_eq!(list.len(), 1);
        list.prune(LATER.plus(Duration::from_secs(2)));
        assert!(list.is_empty());
    }
}
