//! Metrics for Prometheus: what this server has done and how it is.
//!
//! A part of the server declares its metrics in one list, with `metrics!`, where it counts them; here is only what all
//! need, and what belongs to no part: requests and the process. `areas.rs` has the list of lists. Metrics belong
//! to one server rather than to the process, so that tests can run several. What can be read when Prometheus asks is
//! read then; only what would be forgotten otherwise is counted.

mod counters;
mod declare;
mod gauges;
mod labels;
mod process;
mod requests;
mod table;
mod text;

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::domain::Timestamp;

pub use counters::{Counter, Counters, Histogram};
pub(crate) use declare::metrics;
pub use declare::{Declaration, Group, Instrument};
pub use gauges::{Gauge, SecondsCounter, SecondsGauge, StateGauge};
pub use labels::Label;
pub(crate) use labels::labels;
pub use process::{BuildInfo, ProcessMetrics};
pub use requests::{AnsweredRequests, HttpMetrics, RequestDurations, Requests, RouteId, RouteNames};
pub use table::{Family, Kind, LabelNames, markdown};
pub use text::{Buckets, CONTENT_TYPE, Exposition};

use crate::clock::Clock;

/// The metrics of one server: the groups of its parts.
pub struct Metrics {
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    groups: Mutex<Vec<Shown>>,
    readers: Mutex<Vec<Reader>>,
}

/// A group that is shown, and how it is written.
struct Shown {
    group: Arc<dyn Any + Send + Sync>,
    write: fn(&(dyn Any + Send + Sync), &mut Exposition),
}

/// Sets gauges.
type Reader = Box<dyn Fn() + Send + Sync>;

impl Metrics {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { started_at: clock.now(), clock, groups: Mutex::default(), readers: Mutex::default() }
    }

    /// Shows these groups in this order, and whatever other ones are asked for after them.
    pub fn declare(&self, declarations: &[Declaration]) {
        for declaration in declarations {
            (declaration.register)(self);
        }
    }

    /// The metrics of one part of the server: the same for everybody who asks. For when the server is put together;
    /// whoever counts keeps them.
    pub fn group<G: Group>(&self) -> Arc<G> {
        let mut groups = lock(&self.groups);
        let known = groups.iter().find_map(|shown| Arc::clone(&shown.group).downcast::<G>().ok());
        known.unwrap_or_else(|| {
            let group = Arc::new(G::default());
            groups.push(Shown { group: Arc::clone(&group) as _, write: write::<G> });
            group
        })
    }

    /// Has `read` called each time before metrics are shown, to set those that are known only then. It must not hold
    /// what holds these metrics: neither would ever be let go of.
    pub fn on_scrape(&self, read: impl Fn() + Send + Sync + 'static) {
        lock(&self.readers).push(Box::new(read));
    }

    /// Everything as Prometheus reads it.
    pub fn exposition(&self) -> String {
        self.group::<ProcessMetrics>().read(&*self.clock, self.started_at);
        for read in lock(&self.readers).iter() {
            read();
        }
        let mut text = Exposition::default();
        for shown in lock(&self.groups).iter() {
            (shown.write)(&*shown.group, &mut text);
        }
        text.finish()
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write<G: Group>(group: &(dyn Any + Send + Sync), text: &mut Exposition) {
    if let Some(group) = group.downcast_ref::<G>() {
        group.write(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn metrics() -> Metrics {
        Metrics::new(Arc::new(ManualClock::default()))
    }

    fn names(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
    }

    #[test]
    fn a_group_is_the_same_for_everybody_and_shown_once_in_the_declared_order() {
        let metrics = metrics();
        metrics.declare(&[Declaration::of::<HttpMetrics>(), Declaration::of::<ProcessMetrics>()]);
        metrics.group::<HttpMetrics>().unavailable.increment();
        metrics.group::<HttpMetrics>().unavailable.increment();
        let text = metrics.exposition();
        assert!(text.contains("\nlatchkey_http_unavailable_total 2\n"), "{text}");
        let shown = names(&text);
        assert_eq!(shown[..2], ["latchkey_http_unavailable_total", "latchkey_clock_offset_seconds"]);
        assert_eq!(shown.iter().filter(|name| **name == "latchkey_http_unavailable_total").count(), 1);
    }

    #[test]
    fn what_is_known_only_when_somebody_asks_is_read_then() {
        let metrics = metrics();
        let (http, count) = (metrics.group::<HttpMetrics>(), Arc::new(Mutex::new(0)));
        let read = Arc::clone(&count);
        metrics.on_scrape(move || http.unavailable.set(*read.lock().unwrap()));
        for expected in [3, 5] {
            *count.lock().unwrap() = expected;
            let text = metrics.exposition();
            assert!(text.contains(&format!("latchkey_http_unavailable_total {expected}\n")), "{text}");
        }
    }

    #[test]
    fn the_process_says_what_it_is_and_since_when() {
        let metrics = metrics();
        metrics.group::<ProcessMetrics>().build.set("sqlite", "redis");
        let text = metrics.exposition();
        let build = format!(
            "latchkey_build_info{{version=\"{}\",database=\"sqlite\",bus=\"redis\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        for line in [build.as_str(), "latchkey_clock_offset_seconds 0", "process_start_time_seconds 1767225600"] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
    }
}
