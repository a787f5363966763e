//! Requests that were answered although the database could not carry them out, until it has.
//!
//! They are tried in small groups, so that one that cannot be carried out now (a row that somebody holds) keeps up
//! nobody else, and so that any number of them gets through over a slow line.

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
/// By how much two servers may differ in what they take for the database's time, generously. Where it is not clear
/// whether a session began before somebody wanted all of them ended, it ends.
const CLOCKS_APART: Duration = Duration::from_secs(1);

/// The requests that wait, first come first.
pub(super) struct RetryQueue {
    line: Mutex<Line>,
    /// What is pending, for everybody who asks.
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

/// What waits once: what one session wants ended. Another one's request for the same may come to nothing, because it
/// was not alive.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    selection: Selection,
    requester: Option<SessionId>,
}

impl Numbered {
    fn alone(number: u64, queued: QueuedEnd) -> Self {
        Self { number, queued, first: None, written: Vec::new() }
    }

    /// Both for one: the later of the two does what the earlier would, unless the session that asked has ended in
    /// between.
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

/// A request, and a number that no other one had.
struct Numbered {
    number: u64,
    queued: QueuedEnd,
    /// The first one of those that it took the place of, by a session that must have been alive: it may have ended
    /// since.
    first: Option<QueuedEnd>,
    /// Where it and those that it took the place of stand in the pending log.
    written: Vec<u64>,
}

/// The place in line of a request that is being tried; it waits until it is [done](RetryQueue::done).
pub(super) struct Tried {
    number: u64,
    key: Key,
}

impl RetryQueue {
    /// An empty one. What waits is pending in `pending_ends`.
    pub fn new(pending_ends: Arc<PendingEnds>) -> Self {
        Self { line: Mutex::default(), pending_ends, added: Notify::new() }
    }

    /// Whether what waits already does all that this request asks for, and is written down.
    pub fn covers(&self, queued: &QueuedEnd) -> bool {
        let line = self.lock();
        line.queued_ends.get(&Key::of(queued)).is_some_and(|waiting| {
            let reaches = waiting.queued.command.tried_for.is_some_and(|began_by| began_by >= queued.command.at);
            let is_one = matches!(queued.command.selection, Selection::One { .. });
            let is_as_strong = waiting.queued.force == Force::Full || waiting.queued.force == queued.force;
            !waiting.written.is_empty() && is_as_strong && (is_one || reaches)
        })
    }

    /// Adds a request, in place of an earlier one for the same sessions: one of them would find nothing left to end.
    /// False where there is no room. `written` is where it stands in the pending log, if it does.
    pub fn add(&self, queued: QueuedEnd, written: Option<u64>) -> bool {
        self.add_up_to(MOST, queued, written)
    }

    /// Takes what an earlier process had acknowledged, however much there is. They come in no order.
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

    /// The next ones in line, without taking them out of it.
    pub fn next(&self, count: usize) -> (Vec<Tried>, Vec<QueuedEnd>) {
        let line = self.lock();
        let next = line.order.iter().take(count).filter_map(|key| line.queued_ends.get(key));
        next.map(|Numbered { number, queued, .. }| (Tried { number: *number, key: Key::of(queued) }, queued.again()))
            .unzip()
    }

    /// These were carried out. Those that were asked for once more meanwhile go on waiting. Gives where the others
    /// stand in the pending log.
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

    /// The session that asked had ended before it did so. What it asked for earlier, when it may have been alive, goes
    /// on waiting; where there is nothing, this is done. Gives where it stands in the pending log.
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

    /// This one must wait longer: the others go first.
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
