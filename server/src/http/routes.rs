//! The table of routes: each with its method, what it needs, and the handler behind that. Nothing else in the server
//! puts a route into a router, which a test holds (`tests/it/architecture.rs`).
//!
//! Areas add theirs, and so do the pages. A handler that is called notes which route it is, so that the request can be
//! counted when its answer is out: a layer would do the same for a boxed future a request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::middleware::map_request;
use axum::routing::{MethodFilter, any, on};
use http::Method;

use super::authenticate::Authenticated;
use super::needs::{NOTHING, Needs};
use super::operation::Operation;
use super::state::ApiState;
use crate::current_request;
use crate::metrics::{RouteId, RouteNames};

/// One route as documentation and tests see it.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name of the area that it is of; `pages` for pages and their forms.
    pub area: &'static str,
    /// The method. `GET` answers `HEAD` too.
    pub method: Method,
    /// The pattern, such as `/things/{id}`.
    pub path: String,
    pub needs: Needs,
    /// What it is for, in the document of the API; `None` where it is no call of the API.
    pub operation: Option<&'static Operation>,
}

/// Routes that are being put together. `S` is what their handlers share.
pub struct Routes<'n, S = ApiState> {
    router: Router<S>,
    table: Vec<Route>,
    area: &'static str,
    names: &'n mut RouteNames,
}

/// A route that does not say yet what it needs.
#[must_use = "a route that does not say what it needs is not added"]
pub struct UndeclaredRoute<'n, S, H> {
    routes: Routes<'n, S>,
    method: Method,
    /// The methods that it answers; `None` for all.
    filter: Option<MethodFilter>,
    path: &'static str,
    handler: H,
}

/// A route that does not say yet what it is for.
#[must_use = "a route that does not say what it is for is not in the table"]
pub struct UndescribedRoute<'n, S> {
    routes: Routes<'n, S>,
    method: Method,
    path: &'static str,
    needs: Needs,
}

impl<'n, S: Clone + Send + Sync + 'static> Routes<'n, S> {
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
    pub fn get<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::GET, Some(MethodFilter::GET), path, handler)
    }

    pub fn post<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::POST, Some(MethodFilter::POST), path, handler)
    }

    pub fn put<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::PUT, Some(MethodFilter::PUT), path, handler)
    }

    pub fn patch<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::PATCH, Some(MethodFilter::PATCH), path, handler)
    }

    pub fn delete<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::DELETE, Some(MethodFilter::DELETE), path, handler)
    }

    /// Answers every method, and hands on what is not for it. In the table it is a `GET`.
    pub fn any<H>(self, path: &'static str, handler: H) -> UndeclaredRoute<'n, S, H> {
        self.on(Method::GET, None, path, handler)
    }

    /// The router, and the table of what is in it.
    pub fn finish(self, state: S) -> (Router, Vec<Route>) {
        (self.router.with_state(state), self.table)
    }

    /// The table of what is in it so far.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    fn on<H>(
        self,
        method: Method,
        filter: Option<MethodFilter>,
        path: &'static str,
        handler: H,
    ) -> UndeclaredRoute<'n, S, H> {
        UndeclaredRoute { routes: self, method, filter, path, handler }
    }
}

impl<'n, S, H> UndeclaredRoute<'n, S, H>
where
    S: AsRef<ApiState> + Clone + Send + Sync + 'static,
{
    /// Adds the route, behind what it needs.
    pub fn needs<T: 'static>(self, needs: Needs) -> UndescribedRoute<'n, S>
    where
        H: Handler<T, S>,
    {
        let Self { mut routes, method, filter, path, handler } = self;
        let handler = Authenticated { route: routes.names.id(path), needs, handler };
        let answers = match filter {
            Some(filter) => on(filter, handler),
            None => any(handler),
        };
        routes.router = routes.router.route(path, answers);
        UndescribedRoute { routes, method, path, needs }
    }
}

impl<'n, S> UndescribedRoute<'n, S> {
    /// Adds it to the table, with what it is for.
    #[must_use]
    pub fn described(self, operation: &'static Operation) -> Routes<'n, S> {
        self.listed(Some(operation))
    }

    /// Adds it to the table as one that is no call of the API, and so not in the document of it.
    #[must_use]
    pub fn outside_the_api(self) -> Routes<'n, S> {
        self.listed(None)
    }

    fn listed(self, operation: Option<&'static Operation>) -> Routes<'n, S> {
        let Self { mut routes, method, path, needs } = self;
        routes.table.push(Route { area: routes.area, method, path: path.to_owned(), needs, operation });
        routes
    }
}

/// The table of a router that somebody else has put together: of pages at these paths, which anybody may `GET`. Counts
/// their requests by a layer: pages cost more anyway.
pub fn registered(
    router: Router,
    area: &'static str,
    paths: &[String],
    names: &mut RouteNames,
) -> (Router, Vec<Route>) {
    let ids: HashMap<String, RouteId> = paths.iter().map(|path| (path.clone(), names.id(path))).collect();
    let ids = Arc::new(ids);
    let router = router.route_layer(map_request(move |request: Request| {
        let id = request.extensions().get::<MatchedPath>().and_then(|path| ids.get(path.as_str()));
        if let Some(id) = id {
            current_request::take_route(*id);
        }
        std::future::ready(request)
    }));
    let page = |path: &String| Route { area, method: Method::GET, path: path.clone(), needs: NOTHING, operation: None };
    (router, paths.iter().map(page).collect())
}
