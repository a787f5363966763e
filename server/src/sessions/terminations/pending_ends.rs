//! Ends that were acknowledged while the database was away and wait to be committed. This server enforces them
//! meanwhile.
//!
//! They are not on the revocation list, which knows sessions and users only. A pending end selects sessions of one user
//! as of a moment, and never touches a session of another user.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use types::domain::{SessionId, Timestamp, UserId};

use crate::store::Selection;

/// What a pending end does on this server before it is committed. Only the commit decides whether the requester was
/// alive, and a session that has itself ended must end no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// Refuses all selected sessions: the request came without a session, or selects the requester itself.
    Full,
    /// Refuses the requester. The other selected sessions get `503`: they do not pass, and are not notified of an end,
    /// because that could not be taken back.
    Held,
    /// Refuses the requester and no other session: its token had expired, and whether it was still alive could not be
    /// determined.
    OwnOnly,
}

/// Whether the pending ends cover a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covered {
    No,
    /// It ends if the requester was alive.
    Perhaps,
    /// It is over.
    Yes,
}

/// The pending end of some sessions, as of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingEnd {
    pub selection: Selection,
    /// The requesting session, where there is one.
    pub requester: Option<SessionId>,
    /// Where several sessions are selected, only those that began by then.
    pub began_by: Timestamp,
    /// What it does to sessions other than the requester.
    pub force: Force,
}

impl PendingEnd {
    /// Whether it covers this session of the user.
    pub fn covers(&self, session_id: SessionId, began_at: Timestamp) -> Covered {
        if !self.is_about(session_id, began_at) {
            return Covered::No;
        }
        match self.force {
            _ if self.requester == Some(session_id) => Covered::Yes,
            Force::Full => Covered::Yes,
            Force::Held => Covered::Perhaps,
            Force::OwnOnly => Covered::No,
        }
    }

    fn is_like(&self, selection: Selection, requester: Option<SessionId>) -> bool {
        self.selection == selection && self.requester == requester
    }

    fn is_about(&self, session_id: SessionId, began_at: Timestamp) -> bool {
        match self.selection {
            Selection::One { session_id: this, .. } => session_id == this,
            Selection::Others { keep, .. } => session_id != keep && began_at <= self.began_by,
            Selection::All { .. } => began_at <= self.began_by,
        }
    }
}

/// The pending ends of one server.
#[derive(Debug, Default)]
pub struct PendingEnds {
    /// How many there are. Nearly always there is none, and then a request takes no lock.
    count: AtomicUsize,
    by_user: RwLock<HashMap<UserId, Vec<PendingEnd>>>,
    /// Sessions with a pending end whose user is not known.
    unowned: RwLock<HashSet<SessionId>>,
}

impl PendingEnds {
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether this session has a pending end.
    pub fn cover(&self, user_id: UserId, session_id: SessionId, began_at: Timestamp) -> Covered {
        if self.count() == 0 {
            return Covered::No;
        }
        if self.unowned.read().unwrap_or_else(PoisonError::into_inner).contains(&session_id) {
            return Covered::Yes;
        }
        let pending_ends = self.by_user.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = pending_ends.get(&user_id).into_iter().flatten();
        theirs.map(|pending_end| pending_end.covers(session_id, began_at)).max().unwrap_or(Covered::No)
    }

    /// Adds a pending end of a session whose user is not known. False where there was one.
    pub fn add_unowned(&self, session_id: SessionId) -> bool {
        let is_new = self.unowned.write().unwrap_or_else(PoisonError::into_inner).insert(session_id);
        self.count.fetch_add(usize::from(is_new), Ordering::AcqRel);
        is_new
    }

    /// Removes it: that end is committed.
    pub fn remove_unowned(&self, session_id: SessionId) {
        let was_there = self.unowned.write().unwrap_or_else(PoisonError::into_inner).remove(&session_id);
        self.count.fetch_sub(usize::from(was_there), Ordering::AcqRel);
    }

    /// The moment up to which all of this user's sessions have a pending end.
    pub fn all_until(&self, user_id: UserId) -> Option<Timestamp> {
        if self.count() == 0 {
            return None;
        }
        let pending_ends = self.by_user.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = pending_ends.get(&user_id).into_iter().flatten();
        let of_all = theirs.filter(|end| matches!(end.selection, Selection::All { .. }) && end.force == Force::Full);
        of_all.map(|end| end.began_by).max()
    }

    /// Adds a pending end, in place of an earlier one of the same sessions by the same session.
    pub fn add(&self, pending_end: PendingEnd) {
        let mut by_user = self.by_user.write().unwrap_or_else(PoisonError::into_inner);
        let theirs = by_user.entry(pending_end.selection.user_id()).or_default();
        if let Some(earlier) = theirs
            .iter_mut()
            .find(|end| end.is_like(pending_end.selection, pending_end.requester) && end.force == pending_end.force)
        {
            earlier.began_by = earlier.began_by.max(pending_end.began_by);
        } else {
            theirs.push(pending_end);
            self.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Removes a pending end: it is committed, and on the revocation list.
    pub fn remove(&self, selection: Selection, requester: Option<SessionId>) {
        let mut by_user = self.by_user.write().unwrap_or_else(PoisonError::into_inner);
        let Some(theirs) = by_user.get_mut(&selection.user_id()) else { return };
        let before = theirs.len();
        theirs.retain(|end| !end.is_like(selection, requester));
        self.count.fetch_sub(before - theirs.len(), Ordering::AcqRel);
        if theirs.is_empty() {
            by_user.remove(&selection.user_id());
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
    fn a_pending_end_covers_what_it_is_about_and_what_began_by_then() {
        let after = BEFORE.plus(Duration::from_millis(1));
        let pending_ends = PendingEnds::default();
        assert_eq!(pending_ends.cover(ADA, LAPTOP, BEFORE), Covered::No);
        for (selection, covered) in [
            (Selection::One { user_id: ADA, session_id: LAPTOP }, [true, false, true, false]),
            (Selection::Others { user_id: ADA, keep: LAPTOP }, [false, true, false, false]),
            (Selection::All { user_id: ADA }, [true, true, false, false]),
        ] {
            pending_ends.add(PendingEnd { selection, requester: None, began_by: BEFORE, force: Force::Full });
            let asked = [(LAPTOP, BEFORE), (PHONE, BEFORE), (LAPTOP, after), (PHONE, after)];
            let says = asked.map(|(session, at)| pending_ends.cover(ADA, session, at) == Covered::Yes);
            assert_eq!(says, covered, "{selection:?}");
            assert_eq!(pending_ends.cover(BOB, PHONE, BEFORE), Covered::No);
            assert_eq!(pending_ends.count(), 1);
            pending_ends.remove(selection, None);
            assert_eq!((pending_ends.cover(ADA, LAPTOP, BEFORE), pending_ends.count()), (Covered::No, 0));
        }
    }

    #[test]
    fn a_pending_end_by_a_session_of_which_nobody_knows_whether_it_was_alive_refuses_that_session_only() {
        let (selection, requester) = (Selection::All { user_id: ADA }, Some(LAPTOP));
        for (force, others) in
            [(Force::Full, Covered::Yes), (Force::Held, Covered::Perhaps), (Force::OwnOnly, Covered::No)]
        {
            let pending_ends = PendingEnds::default();
            pending_ends.add(PendingEnd { selection, requester, began_by: BEFORE, force });
            let says = [LAPTOP, PHONE].map(|session| pending_ends.cover(ADA, session, BEFORE));
            assert_eq!(says, [Covered::Yes, others], "{force:?}");
        }
    }

    #[test]
    fn what_one_session_has_pending_is_not_undone_by_what_another_asks_for() {
        let pending_ends = PendingEnds::default();
        let all = Selection::All { user_id: ADA };
        pending_ends.add(PendingEnd { selection: all, requester: Some(LAPTOP), began_by: BEFORE, force: Force::Full });
        pending_ends.add(PendingEnd {
            selection: all,
            requester: Some(PHONE),
            began_by: BEFORE,
            force: Force::OwnOnly,
        });
        assert_eq!(pending_ends.count(), 2);
        pending_ends.remove(all, Some(PHONE));
        assert_eq!((pending_ends.cover(ADA, PHONE, BEFORE), pending_ends.count()), (Covered::Yes, 1));
    }

    #[test]
    fn a_session_of_an_unknown_user_has_one_pending_end() {
        let pending_ends = PendingEnds::default();
        assert!(pending_ends.add_unowned(PHONE) && !pending_ends.add_unowned(PHONE));
        let says = [PHONE, LAPTOP].map(|session| pending_ends.cover(BOB, session, BEFORE));
        assert_eq!((says, pending_ends.count()), ([Covered::Yes, Covered::No], 1));
        pending_ends.remove_unowned(PHONE);
        assert_eq!((pending_ends.cover(BOB, PHONE, BEFORE), pending_ends.count()), (Covered::No, 0));
    }
}
