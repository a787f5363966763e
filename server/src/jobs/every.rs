//! What runs every so often, and the pauses in between.

use std::error::Error;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// When a task runs that runs every so often.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    name: &'static str,
    period: Duration,
    at_once: bool,
    at_stop: bool,
    hint: Option<&'a Notify>,
}

impl<'a> Schedule<'a> {
    /// Runs `period` from now for the first time, and again whenever `period` has passed since it was done. `name` is
    /// for the log.
    pub const fn every(name: &'static str, period: Duration) -> Self {
        Self { name, period, at_once: false, at_stop: false, hint: None }
    }

    /// Runs for the first time at once.
    #[must_use]
    pub const fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }

    /// Runs once more when the server stops: what has been gathered until then must not be lost.
    #[must_use]
    pub const fn at_stop(self) -> Self {
        Self { at_stop: true, ..self }
    }

    /// Runs early when it is notified. A hint that comes during a run is not lost: the next run follows at once.
    #[must_use]
    pub const fn woken_by(self, hint: &'a Notify) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Waits until the next run is due, unless told to stop. Says whether to go on.
    async fn until_due(&self, stop: &CancellationToken) -> bool {
        let Some(hint) = self.hint else { return pause(stop, self.period).await };
        tokio::select! {
            goes_on = pause(stop, self.period) => goes_on,
            () = hint.notified() => true,
        }
    }
}

/// Runs `task` by its schedule until `stop`. The pause begins when a run is done, so that no two of them overlap. A
/// failure is logged and counted; the next run is another try.
pub async fn every<E, Run>(schedule: Schedule<'_>, stop: &CancellationToken, mut task: impl FnMut() -> Run)
where
    E: Error + 'static,
    Run: Future<Output = Result<(), E>>,
{
    let mut failures = Failures { task: schedule.name, in_a_row: 0 };
    let mut goes_on = schedule.at_once || schedule.until_due(stop).await;
    loop {
        if goes_on || schedule.at_stop {
            failures.note(task().await);
        }
        if !goes_on {
            return;
        }
        goes_on = schedule.until_due(stop).await;
    }
}

/// How often a task has failed since it last succeeded.
struct Failures {
    task: &'static str,
    in_a_row: u32,
}

impl Failures {
    /// A task that fails every few seconds is not worth a warning each time.
    fn note<E: Error + 'static>(&mut self, ran: Result<(), E>) {
        let Err(error) = ran else {
            self.in_a_row = 0;
            return;
        };
        self.in_a_row = self.in_a_row.saturating_add(1);
        let (task, failures, error) = (self.task, self.in_a_row, &error as &dyn Error);
        if failures.is_power_of_two() {
            tracing::warn!(task, failures, error, "periodic task failed");
        } else {
            tracing::debug!(task, failures, error, "periodic task failed");
        }
    }
}

/// Waits, unless told to stop. Says whether to go on.
pub async fn pause(stop: &CancellationToken, duration: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(duration) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::{AtomicU32, Ordering};

    const NEVER: Duration = Duration::from_hours(24);
    const SOON: Duration = Duration::from_millis(1);
    const WITHIN: Duration = Duration::from_secs(5);

    /// Runs a task that stops itself once it has run `most` times, and gives how often it did.
    async fn runs(schedule: Schedule<'_>, most: u32, result: fn(u32) -> io::Result<()>) -> u32 {
        let (stop, count) = (CancellationToken::new(), AtomicU32::new(0));
        every(schedule, &stop, || async {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            if number == most {
                stop.cancel();
            }
            result(number)
        })
        .await;
        count.into_inner()
    }

    #[tokio::test]
    async fn after_a_failure_it_runs_again() {
        let fails = |_: u32| -> io::Result<()> { Err(io::Error::other("on purpose")) };
        assert_eq!(runs(Schedule::every("test", SOON), 3, fails).await, 3);
    }

    #[tokio::test]
    async fn it_runs_at_once_where_it_should_and_once_more_when_it_is_stopped() {
        assert_eq!(runs(Schedule::every("test", NEVER).at_once(), 1, |_| Ok(())).await, 1);
        assert_eq!(runs(Schedule::every("test", NEVER).at_once().at_stop(), 1, |_| Ok(())).await, 2);
    }

    #[tokio::test]
    async fn what_is_stopped_before_its_first_time_runs_only_where_it_must() {
        let stop = CancellationToken::new();
        stop.cancel();
        for (schedule, expected) in [(Schedule::every("test", NEVER), 0), (Schedule::every("test", NEVER).at_stop(), 1)]
        {
            let count = AtomicU32::new(0);
            every(schedule, &stop, || async {
                count.fetch_add(1, Ordering::Relaxed);
                io::Result::Ok(())
            })
            .await;
            assert_eq!(count.into_inner(), expected);
        }
    }

    #[tokio::test]
    async fn a_hint_wakes_it_early_also_one_that_came_while_it_ran() {
        let (hint, stop, count) = (Notify::new(), CancellationToken::new(), AtomicU32::new(0));
        // Nobody waits for it yet.
        hint.notify_one();
        let running = every(Schedule::every("test", NEVER).woken_by(&hint), &stop, || async {
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                hint.notify_one();
            } else {
                stop.cancel();
            }
            io::Result::Ok(())
        });
        tokio::time::timeout(WITHIN, running).await.expect("woken in time");
        assert_eq!(count.into_inner(), 2);
    }

    #[tokio::test]
    async fn what_can_be_woken_runs_without_a_hint_too_and_stops_at_once() {
        let hint = Notify::new();
        assert_eq!(runs(Schedule::every("test", SOON).woken_by(&hint), 3, |_| Ok(())).await, 3);
        let waits = runs(Schedule::every("test", NEVER).woken_by(&hint).at_once(), 1, |_| Ok(()));
        assert_eq!(tokio::time::timeout(WITHIN, waits).await.expect("stopped in time"), 1);
    }

    #[test]
    fn failures_are_counted_until_it_succeeds() {
        let mut failures = Failures { task: "test", in_a_row: 0 };
        let counts = [false, false, true, false].map(|succeeds| {
            failures.note(if succeeds { Ok(()) } else { Err(io::Error::other("on purpose")) });
            failures.in_a_row
        });
        assert_eq!(counts, [1, 2, 0, 1]);
    }
}
