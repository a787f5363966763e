//! Beginning and ending: tasks that have names and are waited for, and the signals that stop the server.
//!
//! Nothing else may start a task; `clippy.toml` says so.

use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long requests under way may take once the server has been told to stop.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How long everything else may take after that.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Tasks with names. Cheap to clone; all clones supervise the same tasks.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    broken: CancellationToken,
}

impl Tasks {
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task that the server can do without: should it panic, the log says so and the server goes on.
    ///
    /// Without an `async` block around it: that would keep the task twice, as it was given and as it runs.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(AssertUnwindSafe(task).catch_unwind().map(move |ended| {
            if ended.is_err() {
                tracing::error!(task = name, "task panicked");
            }
        }));
    }

    /// Runs something to its end, also where whoever waits for it goes away, such as a client that hangs up. `None`
    /// where it panicked.
    pub async fn complete<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, done) = oneshot::channel();
        self.spawn(name, async move {
            // Whoever waited may be gone.
            let _ = sender.send(work.await);
        });
        done.await.ok()
    }

    /// Runs a task that the server cannot keep its guarantees without, such as the tail of the revocation log. Should
    /// it panic, its state cannot be trusted any more: [`Self::broken`] is set, the server stops, and whoever started
    /// it starts a new one.
    pub fn spawn_essential(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone();
        self.tracker.spawn(AssertUnwindSafe(task).catch_unwind().map(move |ended| {
            if ended.is_err() {
                tracing::error!(task = name, "essential task panicked, stopping");
                broken.cancel();
            }
        }));
    }

    /// Set once an essential task has panicked.
    pub const fn broken(&self) -> &CancellationToken {
        &self.broken
    }

    /// Waits for all of them; they have been told to stop by their own tokens.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// When to stop: softly at the first signal; hard at the second, or when stopping softly takes too long.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Take nothing new, finish what is under way.
    pub soft: CancellationToken,
    /// Let go of everything.
    pub hard: CancellationToken,
}

impl Stop {
    /// Listens for `SIGTERM`, `SIGINT` and `SIGHUP`. Settings are read at start only, so that a hang-up is one more way
    /// to be told to stop; left alone, it would end the process in the middle of what it does.
    ///
    /// # Errors
    /// Where the operating system does not let us listen.
    pub fn on_signals(tasks: &Tasks) -> io::Result<Self> {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let [terminate, interrupt, hangup] = kinds.map(signal);
        let signals = [terminate?, interrupt?, hangup?];
        let stop = Self { soft: CancellationToken::new(), hard: CancellationToken::new() };
        tasks.spawn("signals", follow(signals, stop.clone()));
        Ok(stop)
    }
}

async fn follow([mut terminate, mut interrupt, mut hangup]: [Signal; 3], stop: Stop) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
        // Stopped for another reason: still never wait for ever.
        () = stop.soft.cancelled() => {}
        () = stop.hard.cancelled() => return,
    }
    tracing::info!("shutdown started: requests under way may finish, a second signal stops at once");
    stop.soft.cancel();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
        () = tokio::time::sleep(DRAIN + LAST_WRITES) => {}
        () = stop.hard.cancelled() => return,
    }
    tracing::warn!("shutdown forced");
    stop.hard.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_takes_nobody_with_it() {
        let tasks = Tasks::new();
        tasks.spawn("clumsy", async { panic!("on purpose") });
        tasks.finish().await;
        assert!(!tasks.broken().is_cancelled());
    }

    #[tokio::test]
    async fn what_must_not_stop_half_way_is_finished_although_nobody_waits_any_more() {
        let tasks = Tasks::new();
        let (go_on, gate) = oneshot::channel::<()>();
        let (tell, finished) = oneshot::channel();
        let work = async move {
            gate.await.expect("the gate");
            tell.send(()).expect("a listener");
        };
        // Whoever waits looks once, and goes.
        assert!(tasks.complete("work", work).now_or_never().is_none());
        go_on.send(()).expect("the work");
        finished.await.expect("it went on");
    }

    #[tokio::test]
    async fn whoever_waits_for_work_gets_what_came_of_it_or_nothing_where_it_panicked() {
        let tasks = Tasks::new();
        assert_eq!(tasks.complete("work", async { 7 }).await, Some(7));
        let clumsy: Option<()> = tasks.complete("clumsy", async { panic!("on purpose") }).await;
        assert_eq!(clumsy, None);
    }

    #[tokio::test]
    async fn an_essential_task_that_panics_stops_the_server() {
        let tasks = Tasks::new();
        tasks.spawn_essential("clumsy", async { panic!("on purpose") });
        tasks.broken().cancelled().await;
        tasks.finish().await;
    }

    #[tokio::test]
    async fn an_essential_task_may_end_quietly() {
        let tasks = Tasks::new();
        tasks.spawn_essential("brief", async {});
        tasks.finish().await;
        assert!(!tasks.broken().is_cancelled());
    }
}
