//! Requests by route: the only metrics on the way of every request, so they are counted without a lock, a look-up of a
//! name or a counter that two processors fight for.
//!
//! Each thread counts in one of a few shards; a scrape adds the shards up. A route is a number, given to it when the
//! router is put together.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Method, StatusCode};

use super::counters::{BUCKETS, bounds_in_seconds, bucket, nanos, seconds};
use super::table::{Family, Kind, LabelNames};
use super::text::{Buckets, Exposition};
use super::{Counter, Instrument, metrics};

/// The methods that are told apart.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// The classes of status codes.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The most shards, however many processors there are.
const MOST_SHARDS: usize = 16;

/// Counters of a route: requests by method and class, then durations by bucket, then the sum of durations in
/// nanoseconds.
const DURATIONS: usize = METHODS.len() * CLASSES.len();
const SUM: usize = DURATIONS + BUCKETS;
const COUNTERS: usize = SUM + 1;

metrics! {
    /// What is counted of requests.
    pub struct HttpMetrics {
        /// Requests that were answered.
        answered: AnsweredRequests = "latchkey_http_requests_total",
        /// From the head of a request to the head of its answer.
        durations: RequestDurations = "latchkey_http_request_duration_seconds",
        /// Answers with status 503: something below could not be reached or was overloaded.
        unavailable: Counter = "latchkey_http_unavailable_total",
    }
}

impl HttpMetrics {
    /// Takes the routes, once the router has been put together, and gives what counts their requests.
    pub fn count_requests_of(&self, routes: RouteNames) -> Arc<Requests> {
        let requests = self.answered.0.get_or_init(|| Arc::new(Requests::new(routes)));
        Arc::clone(self.durations.0.get_or_init(|| Arc::clone(requests)))
    }
}

/// How many of the [`Requests`] there were; none before there are routes.
#[derive(Default)]
pub struct AnsweredRequests(OnceLock<Arc<Requests>>);

impl Instrument for AnsweredRequests {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [LabelNames] = &[
        LabelNames { name: "route", values: &[] },
        LabelNames { name: "method", values: &METHODS },
        LabelNames { name: "status_class", values: &CLASSES },
    ];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        if let Some(requests) = self.0.get() {
            requests.write_counts(family, text);
        }
    }
}

/// How long the [`Requests`] took.
#[derive(Default)]
pub struct RequestDurations(OnceLock<Arc<Requests>>);

impl Instrument for RequestDurations {
    const KIND: Kind = Kind::Histogram;
    const LABELS: &'static [LabelNames] = &[LabelNames { name: "route", values: &[] }];

    fn write(&self, family: &'static Family, text: &mut Exposition) {
        if let Some(requests) = self.0.get() {
            requests.write_durations(family, text);
        }
    }
}

/// A route, by its place among the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteId(u16);

impl RouteId {
    /// No route at all: refused before routing, a method that the route does not have, or nothing there.
    pub const NONE: Self = Self(0);
    /// One of the app's files.
    pub const FILE: Self = Self(1);
}

/// The names of routes, collected while the router is put together.
pub struct RouteNames(Vec<String>);

impl Default for RouteNames {
    fn default() -> Self {
        Self(vec!["none".to_owned(), "file".to_owned()])
    }
}

impl RouteNames {
    /// The number of the route with this pattern (`/things/{id}`, never a path).
    pub fn id(&mut self, pattern: &str) -> RouteId {
        let known = self.0.iter().position(|name| name == pattern);
        let place = known.unwrap_or_else(|| {
            self.0.push(pattern.to_owned());
            self.0.len() - 1
        });
        RouteId(u16::try_from(place).unwrap_or(0))
    }
}

/// The counted requests of one server.
pub struct Requests {
    routes: Vec<String>,
    shards: Vec<Shard>,
}

/// Far enough from the next one that two processors never share a cache line.
#[repr(align(128))]
struct Shard(Box<[AtomicU64]>);

impl Requests {
    /// None yet, for these routes.
    pub fn new(routes: RouteNames) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let routes = routes.0;
        let shard = || Shard((0..routes.len() * COUNTERS).map(|_| AtomicU64::new(0)).collect());
        let shards = (0..processors.next_power_of_two().min(MOST_SHARDS)).map(|_| shard()).collect();
        Self { routes, shards }
    }

    /// Counts a request that was answered.
    pub fn count(&self, route: RouteId, method: &Method, status: StatusCode, took: Duration) {
        let Shard(counters) = &self.shards[shard_of_this_thread() & (self.shards.len() - 1)];
        let nanos = nanos(took);
        let counters = &counters[usize::from(route.0) * COUNTERS..][..COUNTERS];
        counters[method_index(method) * CLASSES.len() + class_index(status)].fetch_add(1, Ordering::Relaxed);
        counters[DURATIONS + bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        counters[SUM].fetch_add(nanos, Ordering::Relaxed);
    }

    /// The pattern of a route.
    pub fn name(&self, route: RouteId) -> &str {
        self.routes.get(usize::from(route.0)).map_or("none", String::as_str)
    }

    /// Writes those that there were: most routes have one or two methods.
    fn write_counts(&self, family: &'static Family, text: &mut Exposition) {
        for (route, counts) in self.totals(0..DURATIONS) {
            for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (method, class) = (METHODS[index / CLASSES.len()], CLASSES[index % CLASSES.len()]);
                text.sample(family, &[("route", route), ("method", method), ("status_class", class)], count);
            }
        }
    }

    /// Writes how long those took that there were.
    fn write_durations(&self, family: &'static Family, text: &mut Exposition) {
        let bounds = bounds_in_seconds();
        for (route, counters) in self.totals(DURATIONS..COUNTERS) {
            let (counts, sum) = (&counters[..BUCKETS], counters[BUCKETS]);
            if counts.iter().any(|count| *count > 0) {
                text.histogram(family, &[("route", route)], &Buckets { bounds: &bounds, counts, sum: seconds(sum) });
            }
        }
    }

    /// Each route, with these counters of it over all shards.
    fn totals(&self, counters: Range<usize>) -> impl Iterator<Item = (&str, Vec<u64>)> {
        self.routes.iter().enumerate().map(move |(route, name)| {
            (name.as_str(), counters.clone().map(|counter| self.total(route * COUNTERS + counter)).collect())
        })
    }

    fn total(&self, counter: usize) -> u64 {
        self.shards.iter().map(|Shard(counters)| counters[counter].load(Ordering::Relaxed)).sum()
    }
}

/// Threads are numbered as they come; a power of two of shards is shared by them in turn.
fn shard_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        mine.get()
    })
}

fn method_index(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

fn class_index(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Group as _;

    fn written(metrics: &HttpMetrics) -> Vec<String> {
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.finish();
        let of_requests = |line: &&str| line.starts_with("latchkey_http_request") && !line.contains("_bucket");
        text.lines().filter(of_requests).map(str::to_owned).collect()
    }

    #[test]
    fn threads_count_apart_and_are_added_up() {
        let mut routes = RouteNames::default();
        let route = routes.id("/things/{id}");
        let metrics = HttpMetrics::default();
        let requests = metrics.count_requests_of(routes);
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        requests.count(route, &Method::GET, StatusCode::OK, Duration::from_millis(1));
                    }
                });
            }
        });
        requests.count(RouteId::NONE, &Method::TRACE, StatusCode::METHOD_NOT_ALLOWED, Duration::ZERO);
        assert_eq!(
            written(&metrics),
            [
                r#"latchkey_http_requests_total{route="none",method="other",status_class="4xx"} 1"#,
                r#"latchkey_http_requests_total{route="/things/{id}",method="GET",status_class="2xx"} 500"#,
                r#"latchkey_http_request_duration_seconds_sum{route="none"} 0"#,
                r#"latchkey_http_request_duration_seconds_count{route="none"} 1"#,
                r#"latchkey_http_request_duration_seconds_sum{route="/things/{id}"} 0.5"#,
                r#"latchkey_http_request_duration_seconds_count{route="/things/{id}"} 500"#,
            ]
        );
    }

    #[test]
    fn a_route_has_one_number_however_often_it_is_named() {
        let mut routes = RouteNames::default();
        let (first, second) = (routes.id("/a"), routes.id("/b"));
        assert_eq!((routes.id("/a"), routes.id("none")), (first, RouteId::NONE));
        assert!(first != second && first != RouteId::FILE);
    }
}
