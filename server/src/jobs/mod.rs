//! The queue for work that must happen; and how often, and after which pauses, anything runs again. Knows no area:
//! kinds of jobs and what runs every so often are theirs.

mod backoff;
mod every;
mod kind;
mod metrics;
mod worker;

pub use backoff::{Backoff, Pauses};
pub use every::{Schedule, every, pause};
pub use kind::{Concurrency, EMPTY_PAYLOAD, JobError, JobKind, Rest, RunJob};
pub use metrics::{JobMetrics, JobOutcome, JobState};
pub use worker::Worker;
