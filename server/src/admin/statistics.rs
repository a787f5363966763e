//! What the overview shows: counted at most every few seconds, and of the audit log only the hours that are not over.
//! Hours that are over are counted once, and stored.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use types::domain::Timestamp;
use types::words::AuditAction;

use crate::context::Context;
use crate::store::{OpenJobs, StoreError};

/// How long the statistics are good.
const FRESH_FOR: Duration = Duration::from_secs(10);
/// So many times as long as it took to count the live sessions, they are not counted again: a database with many
/// millions has other things to do.
const REST: u32 = 20;
/// So long after its end an hour gets no more entries.
const COMPLETE_AFTER: Duration = Duration::from_mins(10);
const HOUR: i64 = 3_600_000;
const HOURS_A_DAY: i64 = 24;
const DAYS: i64 = 30;

/// The statistics of an installation.
pub struct Statistics {
    context: Context,
    /// Whoever asks meanwhile waits for the same.
    last: Mutex<Last>,
}

/// What was counted last, and until when it is good.
#[derive(Default)]
struct Last {
    counts: Option<(Instant, Counts)>,
    live_sessions: Option<u64>,
    live_sessions_until: Option<Instant>,
}

#[derive(Clone, Debug)]
pub struct Counts {
    pub at: Timestamp,
    /// `None` where they could not be counted in time, as right after millions have ended, and never were before.
    pub live_sessions: Option<u64>,
    /// Of the last 24 hours, oldest first.
    pub hours: Vec<SignIns>,
    /// Of the last 30 days, oldest first.
    pub days: Vec<SignIns>,
    /// In the last 24 hours.
    pub sessions_ended: u64,
    pub jobs: Vec<OpenJobs>,
}

/// How often somebody signed in, and was refused, in an hour or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignIns {
    pub from: Timestamp,
    pub succeeded: u64,
    pub refused: u64,
}

/// Entries of an action by the hours since 1970.
type ByHour = BTreeMap<i64, u64>;

impl Statistics {
    pub fn new(context: Context) -> Self {
        Self { context, last: Mutex::default() }
    }

    /// The statistics, which may be some seconds old. `kinds` are those of the jobs that there are.
    pub async fn counts(&self, kinds: &[&'static str]) -> Result<Counts, StoreError> {
        let mut last = self.last.lock().await;
        let asked = self.context.clock.monotonic();
        if let Some((good_until, counts)) = &last.counts
            && asked < *good_until
        {
            return Ok(counts.clone());
        }
        let counts = self.count(kinds, &mut last).await?;
        last.counts = Some((asked + FRESH_FOR, counts.clone()));
        drop(last);
        Ok(counts)
    }

    /// The live sessions. Where they are not counted in time, as right after millions have ended, there are as many as
    /// before.
    async fn count_live_sessions(&self, last: &mut Last) -> Option<u64> {
        let begun = self.context.clock.monotonic();
        if last.live_sessions_until.is_none_or(|until| begun >= until) {
            match self.context.store.admin().count_live_sessions(self.context.now()).await {
                Ok(counted) => last.live_sessions = Some(counted),
                Err(error) => tracing::warn!(%error, "live sessions not counted for the overview"),
            }
            let now = self.context.clock.monotonic();
            last.live_sessions_until = Some(now + now.saturating_duration_since(begun) * REST);
        }
        last.live_sessions
    }

    async fn count(&self, kinds: &[&'static str], last: &mut Last) -> Result<Counts, StoreError> {
        let (store, now) = (&self.context.store, self.context.now());
        let live_sessions = self.count_live_sessions(last).await;
        let succeeded = self.by_hour(AuditAction::SignIn, now).await?;
        let refused = self.by_hour(AuditAction::SignInFailed, now).await?;
        let ended = self.by_hour(AuditAction::SessionEnded, now).await?;
        let this_hour = hour_of(now);
        Ok(Counts {
            at: now,
            live_sessions,
            hours: sums(&succeeded, &refused, this_hour, 1, HOURS_A_DAY),
            days: sums(&succeeded, &refused, this_hour, HOURS_A_DAY, DAYS),
            sessions_ended: ended.range(this_hour - HOURS_A_DAY + 1..).map(|(_, count)| count).sum(),
            jobs: store.admin().count_open_jobs(kinds).await?,
        })
    }

    /// The entries of an action in the last 30 days.
    async fn by_hour(&self, action: AuditAction, now: Timestamp) -> Result<ByHour, StoreError> {
        let log = self.context.store.audit();
        let first = (hour_of(now).div_euclid(HOURS_A_DAY) - DAYS + 1) * HOURS_A_DAY;
        let complete_until = hour_of(now.minus(COMPLETE_AFTER));
        let mut counts: ByHour = log.stored_counts(action, first).await?.into_iter().collect();
        let mut next = counts.last_key_value().map_or(first, |(hour, _)| hour + 1);
        if next < complete_until {
            let mut over = log.count_entries(action, start_of(next), start_of(complete_until)).await?;
            // So that whoever comes next knows how far this went.
            if over.iter().all(|(hour, _)| *hour != complete_until - 1) {
                over.push((complete_until - 1, 0));
            }
            log.store_counts(action, &over).await?;
            counts.extend(over);
            next = complete_until;
        }
        counts.extend(log.count_entries(action, start_of(next), start_of(hour_of(now) + 1)).await?);
        Ok(counts)
    }
}

const fn hour_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(HOUR)
}

const fn start_of(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour * HOUR)
}

/// The last `count` spans of so many hours, oldest first; the last one runs still.
fn sums(succeeded: &ByHour, refused: &ByHour, this_hour: i64, hours: i64, count: i64) -> Vec<SignIns> {
    let this_span = this_hour.div_euclid(hours);
    let spans = this_span - count + 1..=this_span;
    let sum = |counts: &ByHour, first: i64| counts.range(first..first + hours).map(|(_, count)| count).sum::<u64>();
    spans
        .map(|span| {
            let first = span * hours;
            SignIns { from: start_of(first), succeeded: sum(succeeded, first), refused: sum(refused, first) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_to_days_and_what_nobody_counted_is_nothing() {
        let midnight = 20_000 * HOURS_A_DAY;
        let succeeded = ByHour::from([(midnight - 1, 5), (midnight, 2), (midnight + 3, 4)]);
        let refused = ByHour::from([(midnight + 3, 1)]);
        let days = sums(&succeeded, &refused, midnight + 3, HOURS_A_DAY, 2);
        let day = |from, succeeded, refused| SignIns { from: start_of(from), succeeded, refused };
        assert_eq!(days, [day(midnight - HOURS_A_DAY, 5, 0), day(midnight, 6, 1)]);
        let hours = sums(&succeeded, &refused, midnight + 3, 1, 24);
        assert_eq!(hours.len(), 24);
        assert_eq!(hours[23], day(midnight + 3, 4, 1));
        assert_eq!(hours[22], day(midnight + 2, 0, 0));
    }
}
