//! Ends that were promised while the database was away and wait to be committed. This server keeps them meanwhile.
//!
//! Not on the revocation list, which knows sessions and people: a promise is about the sessions of one person, as they were at a
//! moment. A session that is somebody else's is not touched by it, whatever was asked for.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use types::domain::{SessionId, Timestamp, UserId};

use crate::store::Selection;

/// What a promise does on this server before it is committed. Only the commit can tell for certain whether the session that asked was
/// alive, and what has itself ended must end nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Force {
    /// Refuses all that it is about: no session asked, or it asked for itself. What was written down before this was distinguished is
    /// taken for such.
    #[default]
    Full,
    /// Refuses the session that asked; the others neither pass nor are they told that they are over, which could not be taken back.
    Held,
    /// Refuses the session that asked and no other: its token had run out, and nobody could say what has become of it since.
    OwnOnly,
}

/// What the promises say of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covered {
    /// Nothing.
    No,
    /// It is to end if the session that asked was alive.
    Perhaps,
    /// It is over.
    Yes,
}

/// Some sessions, as they were at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Which.
    pub selection: Selection,
    /// The session that asked, where one did.
    pub asker: Option<SessionId>,
    /// Of several, those that began by then.
    pub began_by: Timestamp,
    /// What it does to others than the one that asked.
    pub force: Force,
}

impl Promise {
    /// What it says of one of the user's sessions.
    pub fn covers(&self, session_id: SessionId, began_at: Timestamp) -> Covered {
        if !self.is_about(session_id, began_at) {
            return Covered::No;
        }
        match self.force {
            _ if self.asker == Some(session_id) => Covered::Yes,
            Force::Full => Covered::Yes,
            Force::Held => Covered::Perhaps,
            Force::OwnOnly => Covered::No,
        }
    }

    fn is_like(&self, selection: Selection, asker: Option<SessionId>) -> bool {
        self.selection == selection && self.asker == asker
    }

    fn is_about(&self, session_id: SessionId, began_at: Timestamp) -> bool {
        match self.selection {
            Selection::One { session_id: this, .. } => session_id == this,
            Selection::Others { keep, .. } => session_id != keep && began_at <= self.began_by,
            Selection::All { .. } => began_at <= self.began_by,
        }
    }
}

/// What one server has promised and not committed yet.
#[derive(Debug, Default)]
pub struct Promises {
    /// How many there are: nearly always none, and then a request costs no lock.
    count: AtomicUsize,
    by_person: RwLock<HashMap<UserId, Vec<Promise>>>,
    /// Sessions that are promised to be over without its being known whose they are.
    unowned: RwLock<HashSet<SessionId>>,
}

impl Promises {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether this session is promised to be over.
    pub fn cover(&self, user_id: UserId, session_id: SessionId, began_at: Timestamp) -> Covered {
        if self.count() == 0 {
            return Covered::No;
        }
        if self.unowned.read().unwrap_or_else(PoisonError::into_inner).contains(&session_id) {
            return Covered::Yes;
        }
        let promises = self.by_person.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = promises.get(&user_id).into_iter().flatten();
        theirs.map(|promise| promise.covers(session_id, began_at)).max().unwrap_or(Covered::No)
    }

    /// Promises the end of a session of whoever's it is. False where that was promised before.
    pub fn make_unowned(&self, session_id: SessionId) -> bool {
        let is_new = self.unowned.write().unwrap_or_else(PoisonError::into_inner).insert(session_id);
        self.count.fetch_add(usize::from(is_new), Ordering::AcqRel);
        is_new
    }

    /// That promise has been kept.
    pub fn keep_unowned(&self, session_id: SessionId) {
        let was_there = self.unowned.write().unwrap_or_else(PoisonError::into_inner).remove(&session_id);
        self.count.fetch_sub(usize::from(was_there), Ordering::AcqRel);
    }

    /// Until when sessions of this user began that are all promised to be over.
    pub fn all_until(&self, user_id: UserId) -> Option<Timestamp> {
        if self.count() == 0 {
            return None;
        }
        let promises = self.by_person.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = promises.get(&user_id).into_iter().flatten();
        let of_all = theirs.filter(|made| matches!(made.selection, Selection::All { .. }) && made.force == Force::Full);
        of_all.map(|made| made.began_by).max()
    }

    /// Makes a promise, in place of an earlier one about the same sessions by the same session.
    pub fn make(&self, promise: Promise) {
        let mut by_person = self.by_person.write().unwrap_or_else(PoisonError::into_inner);
        let theirs = by_person.entry(promise.selection.user_id()).or_default();
        if let Some(made) =
            theirs.iter_mut().find(|made| made.is_like(promise.selection, promise.asker) && made.force == promise.force)
        {
            made.began_by = made.began_by.max(promise.began_by);
        } else {
            theirs.push(promise);
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The promise about these sessions has been kept: it is committed, and on the list.
    pub fn keep(&self, selection: Selection, asker: Option<SessionId>) {
        let mut by_person = self.by_person.write().unwrap_or_else(PoisonError::into_inner);
        let Some(theirs) = by_person.get_mut(&selection.user_id()) else { return };
        let before = theirs.len();
        theirs.retain(|made| !made.is_like(selection, asker));
        self.count.fetch_sub(before - theirs.len(), Ordering::AcqRel);
        if theirs.is_empty() {
            by_person.remove(&selection.user_id());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    const ADA: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const LAPTOP: SessionId = SessionId(Uuid::from_u128(10));
    const PHONE: SessionId = SessionId(Uuid::from_u128(11));
    const BEFORE: Timestamp = Timestamp::from_millis(1000);

    #[test]
    fn a_promise_covers_what_it_is_about_and_what_began_by_then() {
        let after = BEFORE.plus(Duration::from_millis(1));
        let promises = Promises::default();
        assert_eq!(promises.cover(ADA, LAPTOP, BEFORE), Covered::No);
        for (selection, covered) in [
            (Selection::One { user_id: ADA, session_id: LAPTOP }, [true, false, true, false]),
            (Selection::Others { user_id: ADA, keep: LAPTOP }, [false, true, false, false]),
            (Selection::All { user_id: ADA }, [true, true, false, false]),
        ] {
            promises.make(Promise { selection, asker: None, began_by: BEFORE, force: Force::Full });
            let asked = [(LAPTOP, BEFORE), (PHONE, BEFORE), (LAPTOP, after), (PHONE, after)];
            let says = asked.map(|(session, at)| promises.cover(ADA, session, at) == Covered::Yes);
            assert_eq!(says, covered, "{selection:?}");
            assert_eq!(promises.cover(BOB, PHONE, BEFORE), Covered::No);
            assert_eq!(promises.count(), 1);
            promises.keep(selection, None);
            assert_eq!((promises.cover(ADA, LAPTOP, BEFORE), promises.count()), (Covered::No, 0));
        }
    }

    #[test]
    fn a_promise_by_a_session_of_which_nobody_knows_whether_it_was_alive_refuses_that_session_only() {
        let (selection, asker) = (Selection::All { user_id: ADA }, Some(LAPTOP));
        for (force, others) in
            [(Force::Full, Covered::Yes), (Force::Held, Covered::Perhaps), (Force::OwnOnly, Covered::No)]
        {
            let promises = Promises::default();
            promises.make(Promise { selection, asker, began_by: BEFORE, force });
            let says = [LAPTOP, PHONE].map(|session| promises.cover(ADA, session, BEFORE));
            assert_eq!(says, [Covered::Yes, others], "{force:?}");
        }
    }

    #[test]
    fn what_one_session_was_promised_is_not_undone_by_what_another_asks_for() {
        let promises = Promises::default();
        let all = Selection::All { user_id: ADA };
        promises.make(Promise { selection: all, asker: Some(LAPTOP), began_by: BEFORE, force: Force::Full });
        promises.make(Promise { selection: all, asker: Some(PHONE), began_by: BEFORE, force: Force::OwnOnly });
        assert_eq!(promises.count(), 2);
        promises.keep(all, Some(PHONE));
        assert_eq!((promises.cover(ADA, PHONE, BEFORE), promises.count()), (Covered::Yes, 1));
    }

    #[test]
    fn a_session_of_whoever_is_promised_to_be_over_once() {
        let promises = Promises::default();
        assert!(promises.make_unowned(PHONE) && !promises.make_unowned(PHONE));
        let says = [PHONE, LAPTOP].map(|session| promises.cover(BOB, session, BEFORE));
        assert_eq!((says, promises.count()), ([Covered::Yes, Covered::No], 1));
        promises.keep_unowned(PHONE);
        assert_eq!((promises.cover(BOB, PHONE, BEFORE), promises.count()), (Covered::No, 0));
    }
}
