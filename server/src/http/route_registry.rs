//! Routes that know their names: a handler that is called notes which route it is, so that the request can be counted when its
//! answer is out.
//!
//! A layer would do the same for a boxed future a request; this costs a store.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::middleware::map_request;
use axum::routing::{MethodFilter, on};

use super::state::ApiState;
use crate::current;
use crate::metrics::{RouteId, Routes};

/// A handler, and the route it is for.
#[derive(Clone)]
struct OnRoute<H> {
    route: RouteId,
    handler: H,
}

impl<T: 'static, S, H: Handler<T, S>> Handler<T, S> for OnRoute<H> {
    type Future = H::Future;

    fn call(self, request: Request, state: S) -> H::Future {
        current::take_route(self.route);
        self.handler.call(request, state)
    }
}

/// A router that is being put together.
pub struct RegisteredRouter<'r> {
    router: Router<ApiState>,
    registry: &'r mut Routes,
}

impl<'r> RegisteredRouter<'r> {
    /// Nothing yet; routes are named in `registry`.
    pub fn new(registry: &'r mut Routes) -> Self {
        Self { router: Router::new(), registry }
    }

    /// Answers `GET`, and with it `HEAD`.
    pub fn get<T: 'static>(self, pattern: &'static str, handler: impl Handler<T, ApiState>) -> Self {
        self.on(MethodFilter::GET, pattern, handler)
    }

    /// Answers `POST`.
    pub fn post<T: 'static>(self, pattern: &'static str, handler: impl Handler<T, ApiState>) -> Self {
        self.on(MethodFilter::POST, pattern, handler)
    }

    /// Answers `PATCH`.
    pub fn patch<T: 'static>(self, pattern: &'static str, handler: impl Handler<T, ApiState>) -> Self {
        self.on(MethodFilter::PATCH, pattern, handler)
    }

    /// Answers `DELETE`.
    pub fn delete<T: 'static>(self, pattern: &'static str, handler: impl Handler<T, ApiState>) -> Self {
        self.on(MethodFilter::DELETE, pattern, handler)
    }

    /// The router.
    pub fn with_state(self, state: ApiState) -> Router {
        self.router.with_state(state)
    }

    fn on<T: 'static>(self, methods: MethodFilter, pattern: &'static str, handler: impl Handler<T, ApiState>) -> Self {
        let Self { router, registry } = self;
        let handler = OnRoute { route: registry.id(pattern), handler };
        Self { router: router.route(pattern, on(methods, handler)), registry }
    }
}

/// Counts the requests of a router that somebody else put together. By a layer: for pages, which cost more anyway.
pub fn registered<'p>(router: Router, patterns: impl Iterator<Item = &'p str>, registry: &mut Routes) -> Router {
    let ids: HashMap<String, RouteId> = patterns.map(|pattern| (pattern.to_owned(), registry.id(pattern))).collect();
    let ids = Arc::new(ids);
    router.route_layer(map_request(move |request: Request| {
        let id = request.extensions().get::<MatchedPath>().and_then(|path| ids.get(path.as_str()));
        if let Some(id) = id {
            current::take_route(*id);
        }
        std::future::ready(request)
    }))
}
