//! How long a verb may take, whatever the network does.
//!
//! PostgreSQL limits its own statements, but a server that cannot be reached any more limits nothing. Once the database
//! was unreachable, further verbs wait only shortly, so that users learn at once to come back later. A verb that
//! succeeds ends that.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::StoreError;

/// More than a statement may take by PostgreSQL's own limit, so that it can say so itself.
const USUALLY: Duration = Duration::from_secs(3);
/// While the database is away.
const WHILE_AWAY: Duration = Duration::from_millis(500);

/// How often connections are given up at the most because one of them led to a database that only reads.
const DISTRUST_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the database is reachable, and how long a verb waits for it accordingly.
#[derive(Debug, Default)]
pub struct AcquireTimeout {
    away: AtomicBool,
    distrust: Mutex<Distrust>,
}

/// Connections that may lead to a database that only reads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Distrust {
    /// Connections from before this moment are not used again.
    before: Option<Instant>,
    /// When one was last found only to read.
    last_found: Option<Instant>,
}

impl Distrust {
    /// Gives up all connections from before the last one that was found only to read, those too that were opened since
    /// the others were given up. Not more often than the interval says: with a database that does only read, every call
    /// would otherwise open a connection of its own.
    fn update(&mut self, now: Instant) {
        let is_due = self.before.is_none_or(|before| now.saturating_duration_since(before) >= DISTRUST_INTERVAL);
        if is_due && self.last_found > self.before {
            self.before = self.last_found;
        }
    }
}

impl AcquireTimeout {
    /// Waits for a verb, but not for too long.
    pub async fn wait<T>(&self, verb: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let limit = if self.is_away() { WHILE_AWAY } else { USUALLY };
        self.wait_for(limit, verb).await
    }

    /// Waits for a verb for so long at the most.
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        verb: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // Dropped only after `away` and `distrust` are up to date: giving its connection back depends on them.
        let mut verb = pin!(verb);
        let result = match tokio::time::timeout(limit, &mut verb).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Unavailable(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                "the database did not answer in time",
            )))),
        };
        self.away.store(result.as_ref().is_err_and(StoreError::is_unreachable), Ordering::Relaxed);
        if result.as_ref().is_err_and(StoreError::only_reads) {
            self.distrust(Instant::now());
        }
        result
    }

    /// Only this connection may lead to a database that only reads: the name may resolve to another one by now, and a
    /// default may have been corrected. An open connection does not notice either.
    fn distrust(&self, now: Instant) {
        let mut distrust = self.distrust.lock().unwrap_or_else(PoisonError::into_inner);
        distrust.last_found = Some(now);
        distrust.update(now);
    }

    /// Whether a connection that is so old may be used.
    pub fn trusts(&self, age: Duration) -> bool {
        self.trusts_at(age, Instant::now())
    }

    fn trusts_at(&self, age: Duration, now: Instant) -> bool {
        let mut distrust = self.distrust.lock().unwrap_or_else(PoisonError::into_inner);
        distrust.update(now);
        distrust.before.is_none_or(|before| age < now.saturating_duration_since(before))
    }

    /// Whether the database was unreachable the last time.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_database_is_given_up_and_remembered_until_the_database_answers() {
        let acquire_timeout = AcquireTimeout::default();
        let silence = std::future::pending::<Result<(), StoreError>>();
        let waited = acquire_timeout.wait_for(Duration::from_millis(1), silence).await;
        assert!(matches!(waited, Err(StoreError::Unavailable(_))) && acquire_timeout.is_away());
        assert!(acquire_timeout.wait(std::future::ready(Ok(()))).await.is_ok() && !acquire_timeout.is_away());
    }

    #[tokio::test]
    async fn connections_from_before_a_database_was_found_only_to_read_are_given_up() {
        let acquire_timeout = AcquireTimeout::default();
        assert!(acquire_timeout.trusts(Duration::from_hours(1)));
        let only_reads = std::future::ready(Err::<(), _>(StoreError::replica()));
        assert!(acquire_timeout.wait(only_reads).await.is_err());
        std::thread::sleep(Duration::from_millis(2));
        assert!(!acquire_timeout.trusts(Duration::from_hours(1)));
        assert!(acquire_timeout.trusts(Duration::ZERO));
    }

    #[test]
    fn a_connection_that_was_opened_since_is_given_up_when_one_is_found_again_but_not_with_every_one() {
        let (acquire_timeout, first) = (AcquireTimeout::default(), Instant::now());
        let after = |milliseconds| first + Duration::from_millis(milliseconds);
        acquire_timeout.distrust(first);
        let opened = after(100);
        let trusts = |now: Instant| acquire_timeout.trusts_at(now - opened, now);
        assert!(trusts(after(150)));
        acquire_timeout.distrust(after(200));
        assert!(trusts(after(999)), "moments later not all are opened anew");
        assert!(!trusts(after(1000)), "nobody has to find it out once more");
        assert!(acquire_timeout.trusts_at(Duration::from_millis(799), after(1000)), "opened after the last was found");
    }

    #[tokio::test]
    async fn a_database_that_refuses_is_reachable() {
        let acquire_timeout = AcquireTimeout::default();
        let refused = acquire_timeout.wait(std::future::ready(Err::<(), _>(StoreError::Unreadable("thing")))).await;
        assert!(refused.is_err() && !acquire_timeout.is_away());
    }
}
