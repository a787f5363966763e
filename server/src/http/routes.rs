//! The table of routes: each with its method, what it needs, and the handler behind that.
//!
//! Areas add theirs. A handler that is called notes which route it is, so that the request can be counted
//! when its answer is out: a layer would do the same for a boxed future a request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::middleware::map_request;
use axum::routing::{MethodFilter, on};
use http::Method;

use super::authenticate::Authenticated;
use super::needs::Needs;
use super::operation::Operation;
use super::state::ApiState;
use crate::current;
use crate::metrics::{RouteId, Routes as RouteNames};

/// One route as documentation and tests see it.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name of the area that it is of.
    pub area: &'static str,
    /// The method. `GET` answers `HEAD` too.
    pub method: Method,
    /// The pattern, such as `/things/{id}`.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// What it is for.
    pub operation: &'static Operation,
}

/// Routes that are being put together.
pub struct Routes<'n> {
    router: Router<ApiState>,
    table: Vec<Route>,
    area: &'static str,
    names: &'n mut RouteNames,
}

/// A route that does not say yet what it needs.
#[must_use = "a route that does not say what it needs is not added"]
pub struct UndeclaredRoute<'n, H> {
    routes: Routes<'n>,
    method: (Method, MethodFilter),
    path: &'static str,
    handler: H,
}

/// A route that does not say yet what it is for.
#[must_use = "a route that does not say what it is for is not in the table"]
pub struct UndescribedRoute<'n> {
    routes: Routes<'n>,
    method: Method,
    path: &'static str,
    needs: Needs,
}

impl<'n> Routes<'n> {
    /// None yet; they are named in `names`.
    pub fn new(names: &'n mut RouteNames) -> Self {
        Self { router: Router::new(), table: Vec::new(), area: "", names }
    }

    /// The next ones are of this area.
    #[must_use]
    pub fn of(self, area: &'static str) -> Self {
        Self { area, ..self }
    }

    /// Answers `GET`, and with it `HEAD`.
    pub fn get<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        self.on((Method::GET, MethodFilter::GET), path, handler)
    }

    pub fn post<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        self.on((Method::POST, MethodFilter::POST), path, handler)
    }

    pub fn put<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        self.on((Method::PUT, MethodFilter::PUT), path, handler)
    }

    pub fn patch<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        self.on((Method::PATCH, MethodFilter::PATCH), path, handler)
    }

    pub fn delete<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        self.on((Method::DELETE, MethodFilter::DELETE), path, handler)
    }

    /// The router, and the table of what is in it.
    pub fn finish(self, state: ApiState) -> (Router, Vec<Route>) {
        (self.router.with_state(state), self.table)
    }

    /// The table of what is in it so far.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    fn on<H>(self, method: (Method, MethodFilter), path: &'static str, handler: H) -> UndeclaredRoute<'n, H> {
        UndeclaredRoute { routes: self, method, path, handler }
    }
}

impl<'n, H> UndeclaredRoute<'n, H> {
    /// Adds the route, behind what it needs.
    pub fn needs<T: 'static>(self, needs: Needs) -> UndescribedRoute<'n>
    where
        H: Handler<T, ApiState>,
    {
        let Self { mut routes, method: (method, filter), path, handler } = self;
        let handler = Authenticated { route: routes.names.id(path), needs, handler };
        routes.router = routes.router.route(path, on(filter, handler));
        UndescribedRoute { routes, method, path, needs }
    }
}

impl<'n> UndescribedRoute<'n> {
    /// Adds it to the table, with what it is for.
    #[must_use]
    pub fn described(self, operation: &'static Operation) -> Routes<'n> {
        let Self { mut routes, method, path, needs } = self;
        routes.table.push(Route { area: routes.area, method, path, needs, operation });
        routes
    }
}

/// Counts the requests of a router that somebody else put together. By a layer: for pages, which cost more anyway.
pub fn registered<'p>(router: Router, patterns: impl Iterator<Item = &'p str>, names: &mut RouteNames) -> Router {
    let ids: HashMap<String, RouteId> = patterns.map(|pattern| (pattern.to_owned(), names.id(pattern))).collect();
    let ids = Arc::new(ids);
    router.route_layer(map_request(move |request: Request| {
        let id = request.extensions().get::<MatchedPath>().and_then(|path| ids.get(path.as_str()));
        if let Some(id) = id {
            current::take_route(*id);
        }
        std::future::ready(request)
    }))
}
