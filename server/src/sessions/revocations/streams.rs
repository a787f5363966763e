//! Authenticating open streams. A stream is a request that lasts: it is checked like one before each event, and
//! whenever this server's list grows old. A stream that cannot be confirmed within `REVOCATION_MAX_STALENESS` is
//! closed, with all that ends with its session (`ends_with_session`).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use types::domain::{SessionId, UserId};

use super::Revocations;
use super::authenticate::{END_WAITS, Refusal};
use super::list::Verdict;
use crate::context::Context;
use crate::jobs::{Backoff, Pauses};
use crate::sessions::metrics::AuthenticateCheck;
use crate::sessions::open_streams::{OpenStream, Subscriber, TooManyStreams};
use crate::sessions::terminations::Covered;
use crate::store::StoreError;

/// The pauses before a database that did not answer is asked again, while there is time.
const RETRY: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(1));
/// Streams are not confirmed more often, however soon they must be.
const CONFIRM_AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// How long it may take to answer where no time is left, because this server was paused.
const AT_LEAST: Duration = Duration::from_millis(250);

impl Revocations {
    /// Opens a stream. It must be checked after this, not only before: a revocation in between finds no stream to
    /// close.
    pub fn open_stream(&self, who: Subscriber) -> Result<OpenStream, TooManyStreams> {
        self.streams.open(who)
    }

    /// Whether a stream may get an event now. A token that was only replaced by a newer one does not end a stream.
    pub async fn may_listen(&self, who: &Subscriber) -> Result<(), Refusal> {
        let Subscriber { user_id, session_id, session_created_at, epoch, .. } = *who;
        match self.pending_ends.cover(user_id, session_id, session_created_at) {
            Covered::No => {}
            Covered::Perhaps => return Err(self.cannot_confirm(StoreError::undecided(END_WAITS))),
            Covered::Yes => return Err(Refusal::SessionEnded(None)),
        }
        match self.list.check(session_id, user_id, epoch, self.context.clock.monotonic()) {
            Verdict::Passes => Ok(()),
            Verdict::SessionEnded => Err(Refusal::SessionEnded(None)),
            Verdict::Superseded | Verdict::Stale => {
                // Boxed: there are many streams, and they hardly ever come here.
                let asked = Box::pin(self.ask_if_it_lives(user_id, session_id)).await;
                self.metrics.authenticate_checks.increment(AuthenticateCheck::from(&asked));
                asked
            }
        }
    }

    async fn ask_if_it_lives(&self, user_id: UserId, session_id: SessionId) -> Result<(), Refusal> {
        let living =
            self.context.store.sessions().living(&[session_id]).await.map_err(|error| self.cannot_confirm(error))?;
        if self.lives(&living, user_id, session_id) { Ok(()) } else { Err(Refusal::SessionEnded(None)) }
    }

    /// Whether the session is alive according to the database. It is not where this server remembers an end of all of
    /// the user's sessions that the database has lost.
    fn lives(&self, living: &HashMap<SessionId, i64>, user_id: UserId, session_id: SessionId) -> bool {
        let least = self.list.least_epoch(user_id).unwrap_or_default();
        living.get(&session_id).is_some_and(|epoch| *epoch >= least)
    }
}

/// Closes the streams that cannot be confirmed, until `stop`. When that is due depends on the age of the list, so there
/// is no [schedule](crate::jobs::Schedule): while the log is polled there is nothing to do.
pub(in crate::sessions) async fn confirm_streams(
    context: Context,
    revocations: Arc<Revocations>,
    stop: CancellationToken,
) {
    let confirmed_as_of = revocations.list.as_of();
    let mut checker = StreamChecker { context, revocations, confirmed_as_of, pauses: RETRY.pauses() };
    stop.run_until_cancelled(checker.run()).await;
}

/// As of when all open streams are known to belong to sessions that live.
struct StreamChecker {
    context: Context,
    revocations: Arc<Revocations>,
    confirmed_as_of: Instant,
    pauses: Pauses,
}

impl StreamChecker {
    async fn run(&mut self) {
        loop {
            let sleep = self.left_of((self.revocations.list.max_staleness() / 2).max(CONFIRM_AT_MOST_EVERY));
            if !sleep.is_zero() {
                self.pauses.reset();
                tokio::time::sleep(sleep).await;
            } else if self.revocations.ends_with_session.is_empty() {
                // Streams that open from now on are confirmed when they do.
                self.confirmed_as_of = self.context.clock.monotonic();
            } else {
                self.confirms_or_closes().await;
            }
        }
    }

    /// What is left of a time since the streams were last confirmed, by the list or by the database.
    fn left_of(&mut self, time: Duration) -> Duration {
        self.confirmed_as_of = self.confirmed_as_of.max(self.revocations.list.as_of());
        time.saturating_sub(self.context.clock.monotonic().saturating_duration_since(self.confirmed_as_of))
    }

    /// Asks the database, which may answer although the log cannot be read. There is half the time for it.
    async fn confirms_or_closes(&mut self) {
        let asked = self.context.clock.monotonic();
        let left = self.left_of(self.revocations.list.max_staleness());
        match tokio::time::timeout(left.max(AT_LEAST), self.confirm()).await {
            Ok(Ok(())) => self.confirmed_as_of = asked,
            Ok(Err(_)) if !self.left_of(self.revocations.list.max_staleness()).is_zero() => {
                let left = self.left_of(self.revocations.list.max_staleness());
                tokio::time::sleep(self.pauses.next_pause().min(left)).await;
            }
            // The list may have become current meanwhile.
            _ if self.left_of(self.revocations.list.max_staleness()).is_zero() => {
                let closed = self.revocations.ends_with_session.close_unless(|_, _| false);
                if closed > 0 {
                    tracing::warn!(closed, "event streams closed: sessions cannot be confirmed");
                }
            }
            _ => {}
        }
    }

    /// Closes the streams whose sessions do not live.
    async fn confirm(&self) -> Result<(), StoreError> {
        let Self { context, revocations, .. } = self;
        let asked: HashSet<SessionId> =
            revocations.ends_with_session.sessions().into_iter().map(|(_, session_id)| session_id).collect();
        let ids: Vec<SessionId> = asked.iter().copied().collect();
        let living = context.store.sessions().living(&ids).await?;
        // Streams that have opened since were confirmed when they did.
        revocations.ends_with_session.close_unless(|user_id, session_id| {
            !asked.contains(&session_id) || revocations.lives(&living, user_id, session_id)
        });
        Ok(())
    }
}
