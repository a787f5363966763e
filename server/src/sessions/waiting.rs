//! Wishes that were answered although the database could not carry them out, until it has.
//!
//! They are tried in small groups, so that one that cannot be carried out now (a row that somebody holds) keeps up nobody else, and so
//! that any number of them gets through over a slow line.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::ending::Wish;
use super::promises::{Promise, Promises};
use crate::store::Selection;

/// How many different wishes may wait for a database that is away: some tens of megabytes.
const MOST: usize = 65_536;
/// By how much two servers may differ in what they take for the database's time, generously. Where it is not clear whether a
/// session began before somebody wanted all of them ended, it ends.
const CLOCKS_APART: Duration = Duration::from_secs(1);

/// The wishes that wait, first come first.
#[derive(Default)]
pub(super) struct Waiting {
    line: Mutex<Line>,
    /// What they promise, for everybody who asks.
    pub promises: Arc<Promises>,
    /// Told when one is added.
    pub added: Notify,
}

#[derive(Default)]
struct Line {
    wishes: HashMap<Selection, Numbered>,
    order: VecDeque<Selection>,
    number: u64,
}

/// A wish, and a number that no other one had.
struct Numbered {
    number: u64,
    wish: Wish,
    /// Where it and those that it took the place of stand in the journal.
    written: Vec<u64>,
}

/// The place in line of a wish that is being tried; it waits until it is [done](Waiting::done).
pub(super) struct Tried {
    number: u64,
    selection: Selection,
}

impl Waiting {
    /// Whether what waits already does all that this wish asks for, and is written down.
    pub fn covers(&self, wish: &Wish) -> bool {
        let line = self.lock();
        line.wishes.get(&wish.command.selection).is_some_and(|waiting| {
            let reaches = waiting.wish.command.tried_for.is_some_and(|began_by| began_by >= wish.command.at);
            let is_one = matches!(wish.command.selection, Selection::One { .. });
            !waiting.written.is_empty() && (is_one || reaches)
        })
    }

    /// Keeps a wish, in place of an earlier one for the same sessions: one of them would find nothing left to end. False where
    /// there is no room. `written` is where it stands in the journal, if it does.
    pub fn keep(&self, wish: Wish, written: Option<u64>) -> bool {
        self.keep_among(MOST, wish, written)
    }

    /// Keeps what an earlier process had promised, however much there is. They come in no order.
    pub fn adopt(&self, wish: Wish, written: Option<u64>) {
        self.keep_among(usize::MAX, wish, written);
    }

    fn keep_among(&self, most: usize, mut wish: Wish, written: Option<u64>) -> bool {
        let selection = wish.command.selection;
        let began_by = wish.command.at.plus(CLOCKS_APART);
        wish.command.tried_for = Some(began_by);
        let mut line = self.lock();
        line.number += 1;
        let number = line.number;
        let earlier = line.wishes.remove(&selection);
        if earlier.is_none() {
            if line.order.len() >= most {
                return false;
            }
            line.order.push_back(selection);
        }
        let (wish, numbers) = match earlier {
            Some(earlier) if earlier.wish.command.tried_for > wish.command.tried_for => (earlier.wish, earlier.written),
            Some(earlier) => (wish, earlier.written),
            None => (wish, Vec::new()),
        };
        let written = numbers.into_iter().chain(written).collect();
        line.wishes.insert(selection, Numbered { number, wish, written });
        self.promises.make(Promise { selection, began_by });
        drop(line);
        self.added.notify_one();
        true
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.lock().order.len()
    }

    /// The next ones in line, without taking them out of it.
    pub fn next(&self, count: usize) -> (Vec<Tried>, Vec<Wish>) {
        let line = self.lock();
        let next = line.order.iter().take(count).filter_map(|selection| line.wishes.get(selection));
        next.map(|Numbered { number, wish, .. }| {
            (Tried { number: *number, selection: wish.command.selection }, wish.again())
        })
        .unzip()
    }

    /// These were carried out. Those that were wished for once more meanwhile go on waiting. Gives where the others stand in the
    /// journal.
    pub fn done(&self, tried: &[Tried]) -> Vec<u64> {
        let mut line = self.lock();
        let mut written = Vec::new();
        for Tried { number, selection } in tried {
            if line.wishes.get(selection).is_some_and(|waiting| waiting.number == *number) {
                written.extend(line.wishes.remove(selection).into_iter().flat_map(|done| done.written));
                self.promises.keep(*selection);
            }
        }
        let Line { wishes, order, .. } = &mut *line;
        order.retain(|selection| wishes.contains_key(selection));
        written
    }

    /// This one must wait longer: the others go first.
    pub fn stand_back(&self, tried: &Tried) {
        let mut line = self.lock();
        if let Some(place) = line.order.iter().position(|waiting| *waiting == tried.selection) {
            line.order.remove(place);
            line.order.push_back(tried.selection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
