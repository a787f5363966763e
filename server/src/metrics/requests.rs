//! Requests by route: the only metrics on the way of every request, so they are counted without a lock, a look-up of a name or
//! a cell that two processors fight for.
//!
//! Each thread counts in one of a few shards; a scrape adds the shards up. A route is a number, given to it when the router is put
//! together.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};

use super::counters::{BUCKETS, bounds_in_seconds, bucket, nanos, seconds};
use super::table::{HTTP_DURATION, HTTP_REQUESTS};
use super::text::{Buckets, Exposition};

/// The methods that are told apart.
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// The classes of status codes.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The most shards, however many processors there are.
const MOST_SHARDS: usize = 16;

/// Cells of a route: requests by method and class, then durations by bucket, then the sum of durations in nanoseconds.
const DURATIONS: usize = METHODS.len() * CLASSES.len();
const SUM: usize = DURATIONS + BUCKETS;
const CELLS: usize = SUM + 1;

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
pub struct Routes(Vec<String>);

impl Default for Routes {
    fn default() -> Self {
        Self(vec!["none".to_owned(), "file".to_owned()])
    }
}

impl Routes {
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
    pub fn new(routes: Routes) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let routes = routes.0;
        let shard = || Shard((0..routes.len() * CELLS).map(|_| AtomicU64::new(0)).collect());
        let shards = (0..processors.next_power_of_two().min(MOST_SHARDS)).map(|_| shard()).collect();
        Self { routes, shards }
    }

    /// Counts a request that was answered.
    pub fn count(&self, route: RouteId, method: &Method, status: StatusCode, took: Duration) {
        let Shard(cells) = &self.shards[shard_of_this_thread() & (self.shards.len() - 1)];
        let nanos = nanos(took);
        let cells = &cells[usize::from(route.0) * CELLS..][..CELLS];
        cells[method_index(method) * CLASSES.len() + class_index(status)].fetch_add(1, Ordering::Relaxed);
        cells[DURATIONS + bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        cells[SUM].fetch_add(nanos, Ordering::Relaxed);
    }

    /// The pattern of a route.
    pub fn name(&self, route: RouteId) -> &str {
        self.routes.get(usize::from(route.0)).map_or("none", String::as_str)
    }

    /// Writes those that there were: most routes have one or two methods.
    pub fn write(&self, text: &mut Exposition) {
        let totals: Vec<u64> = (0..self.routes.len() * CELLS)
            .map(|cell| self.shards.iter().map(|Shard(cells)| cells[cell].load(Ordering::Relaxed)).sum())
            .collect();
        let routes = || self.routes.iter().zip(totals.chunks(CELLS));
        for (route, cells) in routes() {
            for (cell, count) in cells[..DURATIONS].iter().enumerate().filter(|(_, count)| **count > 0) {
                let (method, class) = (METHODS[cell / CLASSES.len()], CLASSES[cell % CLASSES.len()]);
                text.sample(&HTTP_REQUESTS, &[("route", route), ("method", method), ("status_class", class)], count);
            }
        }
        let bounds = bounds_in_seconds();
        for (route, cells) in routes().filter(|(_, cells)| cells[DURATIONS..SUM].iter().any(|count| *count > 0)) {
            let buckets = Buckets { bounds: &bounds, counts: &cells[DURATIONS..SUM], sum: seconds(cells[SUM]) };
            text.histogram(&HTTP_DURATION, &[("route", route)], &buckets);
        }
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

    fn written(requests: &Requests) -> Vec<String> {
        let mut text = Exposition::default();
        requests.write(&mut text);
        let text = text.finish();
        text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket")).map(str::to_owned).collect()
    }

    #[test]
    fn threads_count_apart_and_are_added_up() {
        let mut routes = Routes::default();
        let route = routes.id("/things/{id}");
        let requests = Requests::new(routes);
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
            written(&requests),
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
        let mut routes = Routes::default();
        let (first, second) = (routes.id("/a"), routes.id("/b"));
        assert_eq!((routes.id("/a"), routes.id("none")), (first, RouteId::NONE));
        assert!(first != second && first != RouteId::FILE);
    }
}
