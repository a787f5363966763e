//! The revocation list while others change it, in every order there is.
//!
//! The list is the real one: its file once more, with loom's lock and atomics in place of the standard library's. loom
//! runs each scenario again and again until it has tried every order in which the threads can meet at them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loom::thread;

use super::{ADA, LAPTOP, LATER, PHONE, row, tail};
use crate::store::{Revocation, RevokedSubject};

use list::{Applied, RevocationList, Verdict};

mod sync {
    //! What the copy of the list below is made of.

    use std::sync::LockResult;

    pub use loom::sync::atomic::{AtomicBool, AtomicU64};
    use loom::sync::{Mutex, MutexGuard};

    /// Lets in one at a time, readers too: two that read at once change nothing for each other, and there is less to
    /// try.
    #[derive(Default)]
    pub struct RwLock<T>(Mutex<T>);

    impl<T> RwLock<T> {
        pub fn read(&self) -> LockResult<MutexGuard<'_, T>> {
            self.0.lock()
        }

        pub fn write(&self) -> LockResult<MutexGuard<'_, T>> {
            self.0.lock()
        }
    }
}

#[expect(
    clippy::duplicate_mod,
    dead_code,
    reason = "the real file, made of something else; not all of it is tried here"
)]
#[path = "../revocations/list.rs"]
mod list;

/// The longest that a list may be current for, and an instant by which one that has not looked since is current no
/// more.
const MAX_STALENESS: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(10);

/// Runs a scenario in every order. Gives what it answered, each answer once, and how many orders there were.
fn every_order(scenario: impl Fn() -> Verdict + Send + Sync + 'static) -> (Vec<Verdict>, usize) {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let orders = Arc::new(AtomicUsize::new(0));
    let (seen, counted) = (Arc::clone(&answers), Arc::clone(&orders));
    loom::model(move || {
        let verdict = scenario();
        counted.fetch_add(1, Ordering::Relaxed);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(&verdict) {
            seen.push(verdict);
        }
    });
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (answers, orders.load(Ordering::Relaxed))
}

/// A list that was loaded at `now`, when the log was empty.
fn loaded(now: Instant) -> Arc<RevocationList> {
    let list = RevocationList::new(MAX_STALENESS, now);
    list.become_current(0, None, now);
    Arc::new(list)
}

fn laptop(list: &RevocationList, now: Instant) -> Verdict {
    list.check(LAPTOP, ADA, 0, now)
}

/// A list that is too old, a poll that brings the end of a session, and a request of that session, all at once: until
/// the poll is over the list is too old, and from then on it knows.
#[test]
fn a_poll_that_makes_the_list_current_brings_every_entry_up_to_then() {
    let started = Instant::now();
    let (answers, orders) = every_order(move || {
        let now = started + LONG;
        let list = loaded(started);
        let polling = Arc::clone(&list);
        let poll = thread::spawn(move || {
            let rows = vec![row(1, ADA, RevokedSubject::Session(LAPTOP))];
            assert_eq!(polling.apply(&tail(1, rows), polling.begin_poll(now)), Applied::Current);
        });
        let verdict = laptop(&list, now);
        assert_ne!(verdict, Verdict::Passes, "the list was current for a session whose end was on its way");
        poll.join().expect("a poll");
        assert_eq!(laptop(&list, now), Verdict::SessionEnded);
        assert_eq!(list.check(PHONE, ADA, 0, now), Verdict::Passes);
        verdict
    });
    assert!(answers.contains(&Verdict::Stale) && answers.contains(&Verdict::SessionEnded), "{answers:?}");
    assert!(orders >= 5, "only {orders} orders");
}

/// The same for the first load, after a start: before it is over nothing passes.
#[test]
fn nothing_passes_before_the_whole_log_is_in_the_list() {
    let started = Instant::now();
    let (answers, orders) = every_order(move || {
        let list = Arc::new(RevocationList::new(MAX_STALENESS, started));
        let loading = Arc::clone(&list);
        let load = thread::spawn(move || {
            loading.add_from_log(&[row(6, ADA, RevokedSubject::Epoch(1))]);
            loading.become_current(7, None, started);
        });
        let verdict = laptop(&list, started);
        assert_ne!(verdict, Verdict::Passes, "the list was current before it was loaded");
        load.join().expect("a load");
        assert_eq!(laptop(&list, started), Verdict::Superseded);
        assert_eq!(list.check(LAPTOP, ADA, 1, started), Verdict::Passes);
        verdict
    });
    assert!(answers.contains(&Verdict::Stale) && answers.contains(&Verdict::Superseded), "{answers:?}");
    assert!(orders >= 5, "only {orders} orders");
}

/// A sign-out is answered here while the tail loads a log that was read before it, and entries are pruned: a request
/// after the answer is refused.
#[test]
fn what_was_added_before_the_answer_is_refused_whatever_the_tail_does_meanwhile() {
    let now = Instant::now();
    let (answers, orders) = every_order(move || {
        let list = loaded(now);
        let answered = Arc::new(sync::AtomicBool::new(false));
        let (signing_out, answering) = (Arc::clone(&list), Arc::clone(&answered));
        let sign_out = thread::spawn(move || {
            signing_out.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
            answering.store(true, Ordering::Release);
        });
        let tailing = Arc::clone(&list);
        let upkeep = thread::spawn(move || {
            tailing.become_current(0, None, now);
            tailing.prune(LATER);
        });
        let was_answered = answered.load(Ordering::Acquire);
        let verdict = laptop(&list, now);
        assert!(!was_answered || verdict == Verdict::SessionEnded, "answered, and {verdict:?} all the same");
        sign_out.join().expect("a sign-out");
        upkeep.join().expect("upkeep");
        assert_eq!(laptop(&list, now), Verdict::SessionEnded);
        verdict
    });
    assert!(answers.contains(&Verdict::Passes) && answers.contains(&Verdict::SessionEnded), "{answers:?}");
    assert!(orders >= 100, "only {orders} orders");
}

/// A sign-out is committed and then put into the list, while the log is looked at: whatever the poll has shown, it is
/// in order, and the next one has nothing left to poll for.
#[test]
fn a_commit_of_its_own_is_never_missed_in_the_log_that_it_was_made_to() {
    let now = Instant::now();
    let (answers, _) = every_order(move || {
        let list = loaded(now);
        let committed = Arc::new(sync::AtomicBool::new(false));
        let log = |committed: &sync::AtomicBool| {
            if committed.load(Ordering::Acquire) {
                tail(1, vec![row(1, ADA, RevokedSubject::Session(LAPTOP))])
            } else {
                tail(0, Vec::new())
            }
        };
        let (signing_out, committing) = (Arc::clone(&list), Arc::clone(&committed));
        let sign_out = thread::spawn(move || {
            committing.store(true, Ordering::Release);
            signing_out.add(&[row(1, ADA, RevokedSubject::Session(LAPTOP))]);
        });
        let poll = list.begin_poll(now);
        assert_eq!(list.apply(&log(&committed), poll), Applied::Current);
        let verdict = laptop(&list, now);
        sign_out.join().expect("a sign-out");
        let poll = list.begin_poll(now);
        assert_eq!(list.apply(&log(&committed), poll), Applied::Current);
        assert_eq!((laptop(&list, now), list.begin_poll(now).from), (Verdict::SessionEnded, 1));
        verdict
    });
    assert!(answers.contains(&Verdict::Passes) && answers.contains(&Verdict::SessionEnded), "{answers:?}");
}

/// An entry's time is up and it is prolonged, while entries are pruned: whichever comes first, it stays.
#[test]
fn pruning_never_drops_an_entry_that_is_needed_again() {
    let now = Instant::now();
    let (answers, _) = every_order(move || {
        let list = loaded(now);
        let over = LATER.plus(Duration::from_mins(1));
        let until = |position, session, remember_until| Revocation {
            remember_until,
            ..row(position, ADA, RevokedSubject::Session(session))
        };
        list.add_from_log(&[until(1, LAPTOP, LATER), until(2, PHONE, over)]);
        let (prolonging, prolonged) = (Arc::clone(&list), until(3, LAPTOP, over.plus(LONG)));
        let prolong = thread::spawn(move || prolonging.add_from_log(&[prolonged]));
        let pruning = Arc::clone(&list);
        let prune = thread::spawn(move || pruning.prune(over));
        assert_eq!(list.check(PHONE, ADA, 0, now), Verdict::SessionEnded);
        let verdict = laptop(&list, now);
        prolong.join().expect("prolonging");
        prune.join().expect("pruning");
        assert_eq!(laptop(&list, now), Verdict::SessionEnded);
        verdict
    });
    // In between it may be gone: no token could be alive then.
    assert!(answers.contains(&Verdict::Passes) && answers.contains(&Verdict::SessionEnded), "{answers:?}");
}

/// The list in little: one entry, and whether the list is current. It does its two steps in the order it is told.
#[derive(Default)]
struct Sketch {
    ended: sync::RwLock<bool>,
    current: loom::sync::atomic::AtomicBool,
}

#[derive(Clone, Copy)]
enum First {
    /// The entries: put in, or looked at.
    Entries,
    /// Whether the list is current: said, or asked.
    Currency,
}

impl Sketch {
    fn apply(&self, first: First) {
        let put_in = || *self.ended.write().unwrap_or_else(PoisonError::into_inner) = true;
        let become_current = || self.current.store(true, Ordering::Release);
        match first {
            First::Entries => {
                put_in();
                become_current();
            }
            First::Currency => {
                become_current();
                put_in();
            }
        }
    }

    fn passes(&self, first: First) -> bool {
        let ended = || *self.ended.read().unwrap_or_else(PoisonError::into_inner);
        let current = || self.current.load(Ordering::Acquire);
        #[expect(clippy::match_same_arms, reason = "which is asked first is what is tried")]
        match first {
            First::Entries => !ended() && current(),
            First::Currency => current() && !ended(),
        }
    }
}

fn poll_and_check(poll: First, check: First) {
    loom::model(move || {
        let list = Arc::new(Sketch::default());
        let polling = Arc::clone(&list);
        let polled = thread::spawn(move || polling.apply(poll));
        assert!(!list.passes(check), "the list was current for a session whose end was on its way");
        polled.join().expect("a poll");
    });
}

#[test]
fn entries_are_added_before_the_list_is_current_and_read_after_its_currency_is_checked() {
    poll_and_check(First::Entries, First::Currency);
}

#[test]
#[should_panic(expected = "the list was current for a session whose end was on its way")]
fn being_current_before_the_entries_are_added_is_detected() {
    poll_and_check(First::Currency, First::Currency);
}

#[test]
#[should_panic(expected = "the list was current for a session whose end was on its way")]
fn reading_the_entries_before_checking_currency_is_detected() {
    poll_and_check(First::Entries, First::Entries);
}
