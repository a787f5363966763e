//! Ends that were promised while the database was away and wait to be committed. This server keeps them meanwhile.
//!
//! The revocation list refuses what such a wish names; here is what it means: the other devices of somebody, or those that there were.

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

    /// Keeps these from now on, and no others.
    pub fn keep(&self, promises: impl Iterator<Item = Promise>) {
        let mut by_person: HashMap<UserId, Vec<Promise>> = HashMap::new();
        let mut count = 0;
        for promise in promises {
            by_person.entry(promise.selection.user_id()).or_default().push(promise);
            count += 1;
        }
        *self.by_person.write().unwrap_or_else(PoisonError::into_inner) = by_person;
        self.count.store(count, Ordering::Release);
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
            promises.keep([Promise { selection, began_by: BEFORE }].into_iter());
            let asked = [(LAPTOP, BEFORE), (PHONE, BEFORE), (LAPTOP, after), (PHONE, after)];
            assert_eq!(asked.map(|(session, at)| promises.cover(ADA, session, at)), covered, "{selection:?}");
            assert!(!promises.cover(BOB, PHONE, BEFORE));
            assert_eq!(promises.count(), 1);
        }
        promises.keep(std::iter::empty());
        assert!(!promises.cover(ADA, LAPTOP, BEFORE) && promises.count() == 0);
    }
}
