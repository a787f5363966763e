//! What all areas bring, put together: permissions, families of tokens, jobs, metrics, routes. They are listed in
//! `lib.rs`.

use std::sync::OnceLock;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::area::Parts;
use crate::auth::permissions::Permissions;
use crate::config::Config;
use crate::context::Context;
use crate::events::EventMetrics;
use crate::http::authenticate::Authenticators;
use crate::http::browser::give_to_pages;
use crate::http::routes::{Route, Routes};
use crate::http::state::ApiState;
use crate::http::{exposition, openapi};
use crate::jobs::{JobKind, JobMetrics};
use crate::metrics::{Declaration, HttpMetrics, ProcessMetrics, Routes as RouteNames};
use crate::store::StoreMetrics;
use crate::traces::TraceMetrics;
use crate::{AREAS, pages};

/// The metrics of the parts that all areas stand on.
const OF_THE_HOUSE: &[Declaration] = &[
    Declaration::of::<ProcessMetrics>(),
    Declaration::of::<HttpMetrics>(),
    Declaration::of::<EventMetrics>(),
    Declaration::of::<StoreMetrics>(),
    Declaration::of::<JobMetrics>(),
    Declaration::of::<TraceMetrics>(),
];

/// The metrics of the house and of all areas, in the order in which they are shown and documented.
pub fn metrics() -> Vec<Declaration> {
    OF_THE_HOUSE.iter().chain(AREAS.iter().flat_map(|area| area.metrics)).copied().collect()
}

/// The permissions of all areas.
pub fn permissions() -> Permissions {
    Permissions::new(AREAS.iter().flat_map(|area| area.permissions).copied())
}

/// The families of tokens of all areas, in the order of the areas: our own tokens, those of `sessions`, come first.
pub fn authenticators(context: &Context, parts: &Parts) -> Authenticators {
    Authenticators::new(AREAS.iter().flat_map(|area| (area.authenticators)(context, parts)).collect())
}

/// The kinds of jobs of all areas.
pub fn job_kinds(state: &ApiState) -> Vec<JobKind> {
    AREAS.iter().flat_map(|area| (area.jobs)(state)).collect()
}

/// The calls of all areas, and the table of them.
pub fn api(state: &ApiState, names: &mut RouteNames) -> (Router, Vec<Route>) {
    routes(names).finish(state.clone())
}

fn routes(names: &mut RouteNames) -> Routes<'_> {
    AREAS.iter().fold(Routes::new(names), |routes, area| (area.routes)(routes.of(area.name)))
}

/// The document of all calls (OpenAPI): the same for every server, so it is made once.
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| openapi::document(routes(&mut RouteNames::default()).table()).unwrap_or_default())
}

/// Everything this server answers: the calls, the pages and their files. The routes are named in `names`.
pub fn router(state: &ApiState, config: &Config, names: &mut RouteNames) -> Router {
    let pages = pages::Pages::of(config);
    let site = pages::site(&pages, names).layer(from_fn_with_state(state.clone(), give_to_pages));
    let forms = pages::forms(state, pages, config.server.public_url.origin(), names);
    let (api, _) = api(state, names);
    let router = api.merge(site.clone()).merge(forms);
    match &config.observe.metrics_token {
        Some(token) => router.merge(exposition::beside(state, token, site, names)),
        None => router,
    }
}
