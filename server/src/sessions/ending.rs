//! Ending sessions: wishes that arrive together are committed together, take effect here at once, and survive a database
//! that is away.
//!
//! One task does it for the whole server. It takes what has queued up, ends it in one transaction, puts the result on this
//! server's own list, tells the open streams, and only then answers. Where the database cannot be reached it refuses the sessions here
//! by itself, answers [`Ending::Pending`], and keeps trying until the commit succeeds. However often the same is wished for meanwhile, it
//! waits once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use app::domain::{SessionId, Timestamp, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::promises::{Promise, Promises};
use super::revocations::RevocationList;
use crate::clock::Clock;
use crate::events::Hub;
use crate::metrics::Metrics;
use crate::random::{Random, uuid_v7};
use crate::store::{EndCommand, EndOutcome, RevokedSubject, Selection, Store, StoreError};

/// The most wishes in one transaction.
const TOGETHER: usize = 64;
/// How many wishes may queue before callers wait.
const QUEUE: usize = 1024;
/// How many different wishes may wait for a database that is away: some tens of megabytes.
const MOST_WAITING: usize = 65_536;
/// By how much two servers may differ in what they take for the database's time, generously. Where it is not clear whether a
/// session began before somebody wanted all of them ended, it ends.
const CLOCKS_APART: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What a wish to end sessions came to.
#[derive(Debug)]
pub enum Ending {
    /// Committed, in force here, and on its way to every other server.
    Done {
        /// What was ended.
        outcome: EndOutcome,
        /// The sessions whose open streams were told here.
        told: Vec<SessionId>,
    },
    /// The database is away. This server refuses what it can name, and the commit is being retried.
    Pending,
}

/// Why a wish was not taken on.
#[derive(Debug, thiserror::Error)]
pub enum EndingError {
    /// The database is away, and the wish cannot be kept for later: more hangs on it than that sessions end, or too many others
    /// wait.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

struct Wish {
    command: EndCommand,
    /// Epoch of the token that asked; a whole person is refused here below the next one while the database is away.
    epoch: Option<i64>,
    /// How long after its commit it must be remembered.
    remembered_for: Duration,
    reply: Option<oneshot::Sender<Result<Ending, EndingError>>>,
}

impl Wish {
    /// A session whose end waits to be committed may have been renewed elsewhere meanwhile: what must be remembered counts from now.
    fn remember_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.remembered_for).max(self.command.remember_until)
    }

    fn promise(&self) -> Promise {
        let EndCommand { selection, tried_for, at, .. } = self.command;
        Promise { selection, began_by: tried_for.unwrap_or(at) }
    }

    /// Whether it can be kept for later: whoever changes a password must know whether it was changed.
    const fn can_wait(&self) -> bool {
        self.command.alongside.is_none()
    }
}

/// Wishes that were answered and wait for the database, first come first.
#[derive(Default)]
struct Waiting {
    wishes: Vec<Wish>,
    places: HashMap<Selection, usize>,
}

impl Waiting {
    /// Keeps a wish, in place of an earlier one for the same sessions: both would be carried out in one transaction, and one of
    /// them would find nothing left to end. False where there is no room.
    fn keep(&mut self, mut wish: Wish) -> bool {
        wish.command.tried_for = Some(wish.command.at.plus(CLOCKS_APART));
        if let Some(&place) = self.places.get(&wish.command.selection) {
            let earlier = &mut self.wishes[place];
            wish.epoch = wish.epoch.max(earlier.epoch);
            *earlier = wish;
            return true;
        }
        let has_room = self.wishes.len() < MOST_WAITING;
        if has_room {
            self.places.insert(wish.command.selection, self.wishes.len());
            self.wishes.push(wish);
        }
        has_room
    }
}

/// The way in, for everyone who ends sessions.
#[derive(Clone)]
pub struct Ender {
    wishes: mpsc::Sender<Wish>,
    promises: Arc<Promises>,
}

/// The task behind an [`Ender`].
pub struct EndingTask {
    wishes: mpsc::Receiver<Wish>,
    promises: Arc<Promises>,
    store: Store,
    list: Arc<RevocationList>,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    told: mpsc::UnboundedSender<Vec<SessionId>>,
    metrics: Arc<Metrics>,
}

/// What [`EndingTask`] works with.
pub struct EndingParts {
    /// Where it commits.
    pub store: Store,
    /// This server's list.
    pub list: Arc<RevocationList>,
    /// This server's streams.
    pub hub: Arc<Hub>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub random: Arc<dyn Random>,
    /// Takes the sessions whose streams were told, to be stored for receipts.
    pub told: mpsc::UnboundedSender<Vec<SessionId>>,
    /// Counts what was ended.
    pub metrics: Arc<Metrics>,
}

/// Makes the pair.
pub fn ending(parts: EndingParts) -> (Ender, EndingTask) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let promises = Arc::new(Promises::default());
    let EndingParts { store, list, hub, clock, random, told, metrics } = parts;
    let wishes = receiver;
    let task = EndingTask { wishes, promises: Arc::clone(&promises), store, list, hub, clock, random, told, metrics };
    (Ender { wishes: sender, promises }, task)
}

impl Ender {
    /// Ends sessions. `epoch` is that of the token that asks, where one does.
    pub async fn end(&self, command: EndCommand, epoch: Option<i64>) -> Result<Ending, EndingError> {
        let (reply, answer) = oneshot::channel();
        let remembered_for = command.remember_until.since(command.at);
        let wish = Wish { command, epoch, remembered_for, reply: Some(reply) };
        self.wishes.send(wish).await.map_err(|_| EndingError::Stopping)?;
        answer.await.map_err(|_| EndingError::Stopping)?
    }

    /// How many wishes wait to be taken up.
    pub fn queued(&self) -> usize {
        self.wishes.max_capacity() - self.wishes.capacity()
    }

    /// How many wishes were answered without having been committed yet.
    pub fn pending(&self) -> usize {
        self.promises.count()
    }

    /// Whether somebody was told that this session is over although that is not committed yet.
    pub fn has_promised(&self, user_id: UserId, session_id: SessionId, began_at: Timestamp) -> bool {
        self.promises.cover(user_id, session_id, began_at)
    }
}

impl EndingTask {
    /// Works until `stop`, and then until nothing waits any more.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut retry: Vec<Wish> = Vec::new();
        let mut pause = FIRST_RETRY;
        let mut fresh = Vec::new();
        loop {
            let received = tokio::select! {
                biased;
                received = self.wishes.recv_many(&mut fresh, TOGETHER) => received,
                () = tokio::time::sleep(pause), if !retry.is_empty() => 0,
                () = stop.cancelled(), if retry.is_empty() && self.wishes.is_empty() => break,
            };
            if received == 0 && retry.is_empty() {
                break;
            }
            let mut wishes = std::mem::take(&mut retry);
            wishes.append(&mut fresh);
            match self.commit(&mut wishes).await {
                Ok(()) => {
                    pause = FIRST_RETRY;
                    // Committed, and on the list: no promise is needed any more.
                    if self.promises.count() > 0 {
                        self.promises.keep(std::iter::empty());
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        waiting = wishes.len(),
                        "ending sessions is not committed yet"
                    );
                    retry = self.put_off(wishes, &Arc::new(error));
                    pause = (pause * 2).min(LONGEST_RETRY);
                }
            }
        }
    }

    async fn commit(&self, wishes: &mut Vec<Wish>) -> Result<(), StoreError> {
        for wish in wishes.iter_mut() {
            wish.command.remember_until = wish.remember_until(self.clock.now());
        }
        let commands: Vec<EndCommand> = wishes.iter().map(|wish| wish.command.clone()).collect();
        let mut new_id = || uuid_v7(&*self.clock, &*self.random);
        let outcomes = self.store.end_sessions(&commands, &mut new_id).await?;
        if outcomes.iter().any(|outcome| !outcome.revocations.is_empty()) {
            self.hub.hint();
        }
        for (wish, outcome) in wishes.drain(..).zip(outcomes) {
            let told = self.take_effect(&outcome);
            self.metrics.sessions_ended(wish.command.reason, outcome.ended.len());
            if let Some(reply) = wish.reply {
                // Whoever asked may have hung up; what was done stays done.
                let _ = reply.send(Ok(Ending::Done { outcome, told }));
            }
        }
        Ok(())
    }

    fn take_effect(&self, outcome: &EndOutcome) -> Vec<SessionId> {
        self.list.add(&outcome.revocations);
        let told: Vec<SessionId> =
            outcome.revocations.iter().flat_map(|revocation| self.hub.revoke(revocation)).collect();
        if !told.is_empty() {
            // The receiver only goes when the server stops; receipts then stay at what was stored.
            let _ = self.told.send(told.clone());
        }
        told
    }

    /// Refuses here what the wishes name, answers them, and gives back those that must still be committed.
    fn put_off(&self, wishes: Vec<Wish>, error: &Arc<StoreError>) -> Vec<Wish> {
        let mut waiting = Waiting::default();
        let mut answers = Vec::new();
        for mut wish in wishes {
            let reply = wish.reply.take();
            let mut is_kept = wish.can_wait();
            if is_kept {
                self.refuse_here(&wish);
                is_kept = waiting.keep(wish);
            }
            let answer = if is_kept { Ok(Ending::Pending) } else { Err(EndingError::Store(Arc::clone(error))) };
            answers.extend(reply.map(|reply| (reply, answer)));
        }
        // Whoever is told that a wish waits finds it kept.
        self.promises.keep(waiting.wishes.iter().map(Wish::promise));
        for (reply, answer) in answers {
            // Whoever asked may have hung up; what is kept stays kept.
            let _ = reply.send(answer);
        }
        waiting.wishes
    }

    fn refuse_here(&self, wish: &Wish) {
        let until = wish.remember_until(self.clock.now());
        match wish.command.selection {
            Selection::One { user_id, session_id } => {
                self.list.refuse(user_id, RevokedSubject::Session(session_id), until);
            }
            Selection::All { user_id } => {
                if let Some(epoch) = wish.epoch {
                    self.list.refuse(user_id, RevokedSubject::Epoch(epoch + 1), until);
                }
            }
            // Which sessions these are only the database knows; the promise has the rule.
            Selection::Others { .. } => {}
        }
    }
}
