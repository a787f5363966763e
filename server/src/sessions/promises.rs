//! Ends that were promised while the database was away and wait to be committed. This server keeps them meanwhile.
//!
//! Not on the revocation list, which knows sessions and people: a promise is about the sessions of one person, as they were at a
//! moment. A session that is somebody else's is not touched by it, whatever was asked for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use app::domain::{SessionId, Timestamp, UserId};

use crate::store::Selection;

/// Some sessions, as they were at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Which.
    pub selection: Selection,
    /// Of several, those that began by then.
    pub began_by: Timestamp,
}

impl Promise {
    fn covers(&self, session_id: SessionId, began_at: Timestamp) -> bool {
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
}

impl Promises {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether this session is promised to be over.
    pub fn cover(&self, user_id: UserId, session_id: SessionId, began_at: Timestamp) -> bool {
        if self.count() == 0 {
            return false;
        }
        let promises = self.by_person.read().unwrap_or_else(PoisonError::into_inner);
        promises.get(&user_id).is_some_and(|theirs| theirs.iter().any(|promise| promise.covers(session_id, began_at)))
    }

    /// Makes a promise, in place of an earlier one about the same sessions.
    pub fn make(&self, promise: Promise) {
        let mut by_person = self.by_person.write().unwrap_or_else(PoisonError::into_inner);
        let theirs = by_person.entry(promise.selection.user_id()).or_default();
        if let Some(made) = theirs.iter_mut().find(|made| made.selection == promise.selection) {
            made.began_by = made.began_by.max(promise.began_by);
        } else {
            theirs.push(promise);
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// The promise about these sessions has been kept: it is committed, and on the list.
    pub fn keep(&self, selection: Selection) {
        let mut by_person = self.by_person.write().unwrap_or_else(PoisonError::into_inner);
        let Some(theirs) = by_person.get_mut(&selection.user_id()) else { return };
        let before = theirs.len();
        theirs.retain(|made| made.selection != selection);
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
        assert!(!promises.cover(ADA, LAPTOP, BEFORE));
        for (selection, covered) in [
            (Selection::One { user_id: ADA, session_id: LAPTOP }, [true, false, true, false]),
            (Selection::Others { user_id: ADA, keep: LAPTOP }, [false, true, false, false]),
            (Selection::All { user_id: ADA }, [true, true, false, false]),
        ] {
            promises.make(Promise { selection, began_by: BEFORE });
            let asked = [(LAPTOP, BEFORE), (PHONE, BEFORE), (LAPTOP, after), (PHONE, after)];
            assert_eq!(asked.map(|(session, at)| promises.cover(ADA, session, at)), covered, "{selection:?}");
            assert!(!promises.cover(BOB, PHONE, BEFORE));
            assert_eq!(promises.count(), 1);
            promises.keep(selection);
            assert!(!promises.cover(ADA, LAPTOP, BEFORE) && promises.count() == 0);
        }
    }
}
