//! Threads for passwords: they step back for everything else, so that a storm of sign-ins does not slow down whoever is
//! signed in.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use tokio::sync::oneshot;

/// How much these threads step back: the scheduler gives them a tenth of what it gives others, and all that others
/// leave.
const STEP_BACK: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// Some threads. They end when nobody can give them work any more.
#[derive(Clone)]
pub struct HashThreads(mpsc::Sender<Job>);

impl HashThreads {
    /// Starts so many.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn start(count: usize) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(receiver));
        for number in 0..count {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("passwords {number}")).spawn(move || work(&jobs))?;
        }
        Ok(Self(sender))
    }

    /// Does something on one of them. `None` where it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may have hung up.
        let job: Job = Box::new(move || drop(reply.send(work())));
        self.0.send(job).ok()?;
        answer.await.ok()
    }
}

fn work(jobs: &Mutex<mpsc::Receiver<Job>>) {
    // On Linux this is about the thread alone. Where it is refused, passwords are no worse off than anything else.
    let _ = rustix::process::nice(STEP_BACK);
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // The answer's channel goes with the job, which tells whoever waits; the thread is good for the next one.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_on_a_thread_that_steps_back_and_outlives_a_panic() {
        let threads = HashThreads::start(1).unwrap();
        assert_eq!(threads.run(|| -> u8 { panic!("on purpose") }).await, None);
        assert_eq!(threads.run(|| thread::current().name().map(str::to_owned)).await.flatten().unwrap(), "passwords 0");
        let there = threads.run(|| rustix::process::nice(0).unwrap()).await.unwrap();
        assert!(there > rustix::process::nice(0).unwrap());
    }
}
