//! Pending ends: requests that were answered before they were committed, and are retried until they are.
//!
//! They are tried in small batches, so that one that fails (because another transaction holds a row) does not delay the
//! others, and so that any number of them gets through over a slow line.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use types::domain::SessionId;

use super::end_queue::QueuedEnd;
use super::pending_ends::{Force, PendingEnd, PendingEnds};
use crate::store::Selection;

/// How many different requests may wait for a database that is away: some tens of megabytes.
const MOST: usize = 65_536;
/// By how much the clocks of two servers may differ, generously. A session that may have begun before the request to
/// end all of them ends.
const CLOCKS_APART: Duration = Duration::from_secs(1);

/// The pending requests, first in, first out.
pub(super) struct RetryQueue {
    line: Mutex<Line>,
    /// The ends in force, for authentication.
    pub pending_ends: Arc<PendingEnds>,
    /// Notified when one is added.
    pub added: Notify,
}

#[derive(Default)]
struct Line {
    queued_ends: HashMap<Key, Numbered>,
    order: VecDeque<Key>,
    number: u64,
}

/// The key under which repeats are joined: selection and requester. The same selection of another requester is a
/// request of its own, because one of the two may turn out to have ended before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    selection: Selection,
    requester: Option<SessionId>,
}

impl Numbered {
    fn alone(number: u64, queued: QueuedEnd) -> Self {
        Self { number, queued, first: None, written: Vec::new() }
    }

    /// Joins two requests of the same key. The later of them does what the earlier would, unless the requester has
    /// ended in between.
    fn joined(self, number: u64, queued: QueuedEnd) -> Self {
        let (latest, other) =
            if self.queued.command.at > queued.command.at { (self.queued, queued) } else { (queued, self.queued) };
        let first = match self.first {
            Some(first) if first.command.at <= other.command.at => Some(first),
            _ => other.command.asks_for_others().is_some().then_some(other),
        };
        Self { number, queued: latest, first, written: self.written }
    }
}

impl Key {
    const fn of(queued: &QueuedEnd) -> Self {
        Self { selection: queued.command.selection, requester: queued.command.ended_by }
    }
}

/// A pending request, with a number of its own.
struct Numbered {
    number: u64,
    queued: QueuedEnd,
    /// The first of the requests that it replaced, if the requester must have been alive to make it. The requester may
    /// have ended since.
    first: Option<QueuedEnd>,
    /// The numbers of this request, and of those that it replaced, in the pending log.
    written: Vec<u64>,
}

/// A request that is being tried. It stays in the queue until it is [done](RetryQueue::done).
pub(super) struct Tried {
    number: u64,
    key: Key,
}

impl RetryQueue {
    /// An empty queue. What is queued is enforced by `pending_ends`.
    pub fn new(pending_ends: Arc<PendingEnds>) -> Self {
        Self { line: Mutex::default(), pending_ends, added: Notify::new() }
    }

    /// Whether a queued request that is in the pending log already does all that this one would.
    pub fn covers(&self, queued: &QueuedEnd) -> bool {
        let line = self.lock();
        line.queued_ends.get(&Key::of(queued)).is_some_and(|waiting| {
            let reaches = waiting.queued.command.tried_for.is_some_and(|began_by| began_by >= queued.command.at);
            let is_one = matches!(queued.command.selection, Selection::One { .. });
            let is_as_strong = waiting.queued.force == Force::Full || waiting.queued.force == queued.force;
            !waiting.written.is_empty() && is_as_strong && (is_one || reaches)
        })
    }

    /// Adds a request, and joins it with an earlier one for the same sessions. False where there is no room. `written`
    /// is its number in the pending log, if it has one.
    pub fn add(&self, queued: QueuedEnd, written: Option<u64>) -> bool {
        self.add_up_to(MOST, queued, written)
    }

    /// Adds a request that an earlier process had acknowledged, without a limit. They come in no order.
    pub fn adopt(&self, queued: QueuedEnd, written: Option<u64>) {
        self.add_up_to(usize::MAX, queued, written);
    }

    fn add_up_to(&self, most: usize, mut queued: QueuedEnd, written: Option<u64>) -> bool {
        let key = Key::of(&queued);
        let began_by = queued.command.at.plus(CLOCKS_APART);
        queued.command.tried_for = Some(began_by);
        let mut line = self.lock();
        line.number += 1;
        let number = line.number;
        let earlier = line.queued_ends.remove(&key);
        if earlier.is_none() {
            if line.order.len() >= most {
                return false;
            }
            line.order.push_back(key);
        }
        self.pending_ends.add(PendingEnd {
            selection: key.selection,
            requester: key.requester,
            began_by,
            force: queued.force,
        });
        let mut numbered = match earlier {
            Some(earlier) => earlier.joined(number, queued),
            None => Numbered::alone(number, queued),
        };
        numbered.written.extend(written);
        line.queued_ends.insert(key, numbered);
        drop(line);
        self.added.notify_one();
        true
    }

    pub fn len(&self) -> usize {
        self.lock().order.len()
    }

    /// The next requests in the queue. They stay in it.
    pub fn next(&self, count: usize) -> (Vec<Tried>, Vec<QueuedEnd>) {
        let line = self.lock();
        let next = line.order.iter().take(count).filter_map(|key| line.queued_ends.get(key));
        next.map(|Numbered { number, queued, .. }| (Tried { number: *number, key: Key::of(queued) }, queued.again()))
            .unzip()
    }

    /// Removes committed requests. Those that were made again meanwhile stay. Returns the numbers of the removed ones
    /// in the pending log.
    pub fn done(&self, tried: &[Tried]) -> Vec<u64> {
        let mut line = self.lock();
        let mut written = Vec::new();
        for Tried { number, key } in tried {
            if line.queued_ends.get(key).is_some_and(|waiting| waiting.number == *number) {
                written.extend(line.queued_ends.remove(key).into_iter().flat_map(|done| done.written));
                self.pending_ends.remove(key.selection, key.requester);
            }
        }
        let Line { queued_ends, order, .. } = &mut *line;
        order.retain(|key| queued_ends.contains_key(key));
        written
    }

    /// The requester had ended before this request. An earlier request of the same key, from when it may have been
    /// alive, takes its place; without one the request is removed. Returns the removed numbers in the pending log.
    pub fn was_not_alive(&self, tried: &Tried) -> Vec<u64> {
        let Tried { number, key } = tried;
        let mut line = self.lock();
        if let Some(waiting) = line.queued_ends.get_mut(key).filter(|waiting| waiting.number == *number)
            && let Some(first) = waiting.first.take()
        {
            let began_by = first.command.at.plus(CLOCKS_APART);
            self.pending_ends.remove(key.selection, key.requester);
            self.pending_ends.add(PendingEnd {
                selection: key.selection,
                requester: key.requester,
                began_by,
                force: first.force,
            });
            waiting.queued = first;
            return Vec::new();
        }
        drop(line);
        self.done(std::slice::from_ref(tried))
    }

    /// Moves this request to the end of the queue.
    pub fn stand_back(&self, tried: &Tried) {
        let mut line = self.lock();
        if let Some(place) = line.order.iter().position(|waiting| *waiting == tried.key) {
            line.order.remove(place);
            line.order.push_back(tried.key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
