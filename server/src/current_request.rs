//! The request that the current task answers: what is known of it from anywhere below, for the log, the metrics and the
//! trace.
//!
//! One task-local value, set once a request. Outside a request there is none, and everything here does nothing.

use std::cell::Cell;

use http::HeaderValue;

use crate::metrics::RouteId;
use crate::traces::{ChildSpan, RequestSpan};

/// What is known of a request beyond the request itself.
pub struct CurrentRequest {
    id: HeaderValue,
    /// Boxed, because all of this moves in and out of its place whenever the request's future is polled.
    span: Option<Box<RequestSpan>>,
    route: Cell<RouteId>,
    session_expires_in: Cell<Option<u64>>,
}

tokio::task_local! {
    static CURRENT: CurrentRequest;
}

impl CurrentRequest {
    /// A request under this id; with a span where it is traced.
    pub const fn new(id: HeaderValue, span: Option<Box<RequestSpan>>) -> Self {
        Self { id, span, route: Cell::new(RouteId::NONE), session_expires_in: Cell::new(None) }
    }

    /// Answers it: until then it is the current one.
    pub async fn answer<T>(self, answer: impl Future<Output = T>) -> T {
        CURRENT.scope(self, answer).await
    }
}

/// Looks at the id of the request, and at that of its trace where it is traced.
pub fn with_ids<T>(look: impl FnOnce(&str, Option<String>) -> T) -> Option<T> {
    let ids = |current: &CurrentRequest| {
        let trace_id = current.span.as_ref().map(|span| span.trace_id());
        current.id.to_str().ok().map(|id| look(id, trace_id))
    };
    CURRENT.try_with(ids).ok().flatten()
}

/// Notes which route the request took.
pub fn take_route(route: RouteId) {
    let _ = CURRENT.try_with(|current| current.route.set(route));
}

/// Which route the request took.
pub fn route() -> RouteId {
    CURRENT.try_with(|current| current.route.get()).unwrap_or(RouteId::NONE)
}

/// The principal's session ends in so many seconds, which the answer shows.
pub fn set_session_expires_in(seconds: u64) {
    let _ = CURRENT.try_with(|current| current.session_expires_in.set(Some(seconds)));
}

/// Whole seconds until the principal's session ends, where that is soon enough to be shown.
pub fn session_expires_in() -> Option<u64> {
    CURRENT.try_with(|current| current.session_expires_in.get()).ok().flatten()
}

/// A span within that of the request, until it is dropped; `None` where the request is not traced.
pub fn span(name: &'static str) -> Option<ChildSpan> {
    CURRENT.try_with(|current| current.span.as_ref().map(|span| span.child(name))).ok().flatten()
}

/// Looks at the span of the request.
pub fn with_span(look: impl FnOnce(&RequestSpan)) {
    let _ = CURRENT.try_with(|current| current.span.as_deref().map(look));
}
