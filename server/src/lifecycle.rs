//! Tasks with names (stand-in until the supervisor lands).

use std::future::Future;

use tokio_util::task::TaskTracker;

/// Named tasks.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task.
    pub fn spawn(&self, _name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits for all of them.
    pub async fn finish(&self) {
        self.0.close();
        self.0.wait().await;
    }
}
