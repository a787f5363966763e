//! What all areas bring, put together: permissions, families of tokens, jobs, metrics, data on a user, routes. They
//! are listed in `lib.rs`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::Router;
use axum::middleware::from_fn_with_state;
use serde_json::Value;
use types::domain::UserId;
use types::words::permissions as permission_names;

use crate::area::{AllAreas, Area, HeldByAll, Parts};
use crate::auth::permissions::{Permission, Permissions};
use crate::config::Config;
use crate::context::Context;
use crate::events::EventMetrics;
use crate::http::authenticate::Authenticators;
use crate::http::browser::give_to_pages;
use crate::http::problem::ProblemExample;
use crate::http::routes::{Route, Routes};
use crate::http::state::ApiState;
use crate::http::{access, exposition, openapi};
use crate::jobs::{JobKind, JobMetrics};
use crate::metrics::{Declaration, HttpMetrics, ProcessMetrics, RouteNames};
use crate::store::{Store, StoreError, StoreMetrics};
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

/// The permissions of all areas, in the order in which they are shown: those of the vocabulary as it lists them, then
/// those whose names are an area's own.
pub fn permissions() -> Permissions {
    let mut all: Vec<Permission> = AREAS.iter().flat_map(|area| area.permissions).copied().collect();
    let place = |name: &str| permission_names::ALL.iter().position(|listed| *listed == name);
    all.sort_by_key(|permission| place(permission.name()).unwrap_or(usize::MAX));
    Permissions::new(all)
}

/// The families of tokens of all areas, in the order of the areas: our own tokens, those of `sessions`, come first.
pub fn authenticators(context: &Context, parts: &Parts) -> Authenticators {
    Authenticators::new(AREAS.iter().flat_map(|area| (area.authenticators)(context, parts)).collect())
}

/// What those areas need that show what all of them bring.
pub const ALL: AllAreas = AllAreas { job_kinds, held, document };

/// The kinds of jobs of all areas.
pub fn job_kinds(state: &ApiState) -> Vec<JobKind> {
    AREAS.iter().flat_map(|area| (area.jobs)(state)).collect()
}

/// What the areas hold on a user, by their names: the part of the data export that they bring themselves.
fn held(store: &Store, user: UserId) -> HeldByAll<'_> {
    Box::pin(held_by(AREAS, store, user))
}

async fn held_by(areas: &[Area], store: &Store, user: UserId) -> Result<BTreeMap<String, Value>, StoreError> {
    let mut all = BTreeMap::new();
    for area in areas {
        if let Some(held) = (area.held)(store, user).await? {
            all.insert(area.name.to_owned(), held);
        }
    }
    Ok(all)
}

/// The problems of all areas.
fn problems() -> Vec<ProblemExample> {
    AREAS.iter().flat_map(|area| area.problems).copied().collect()
}

/// The calls of all areas.
fn routes(names: &mut RouteNames) -> Routes<'_> {
    AREAS.iter().fold(Routes::new(names), |routes, area| (area.routes)(routes.of(area.name)))
}

/// The document of all calls (OpenAPI): the same for every server, so it is made once.
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| openapi::document(routes(&mut RouteNames::default()).table(), &problems()).unwrap_or_default())
}

/// All permissions, and who may make which call, as Markdown.
pub fn access_tables() -> String {
    access::markdown(routes(&mut RouteNames::default()).table(), &permissions())
}

/// Everything this server answers, and the table of it: the calls, the metrics, the pages with their forms and files.
/// The routes are named in `names`.
pub fn router(state: &ApiState, config: &Config, names: &mut RouteNames) -> (Router, Vec<Route>) {
    let pages = pages::Pages::of(config);
    let (site, page_table) = pages::site(&pages, names);
    let site = site.layer(from_fn_with_state(state.clone(), give_to_pages));
    let (forms, form_table) = pages::forms(state, pages, config.server.public_url.origin(), names);
    let calls = routes(names);
    let calls = match &config.observe.metrics_token {
        Some(token) => exposition::beside(calls, token, site.clone()),
        None => calls,
    };
    let (calls, call_table) = calls.finish(state.clone());
    (calls.merge(site).merge(forms), [call_table, page_table, form_table].concat())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::area::Held;

    fn two_rooms(_: &Store, _: UserId) -> Held<'_> {
        Box::pin(std::future::ready(Ok(Some(json!(["Attic", "Kitchen"])))))
    }

    #[test]
    fn every_permission_of_the_vocabulary_is_declared_by_an_area_and_shown_in_its_place() {
        let permissions = permissions();
        let names: Vec<_> = permissions.all().iter().map(|permission| permission.name()).collect();
        assert!(names.starts_with(permission_names::ALL), "{names:?}");
    }

    #[tokio::test]
    async fn what_an_area_holds_on_a_user_stands_under_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        let store = Store::connect(&url, 1).await.expect("a database");
        let areas = [Area { name: "rooms", held: two_rooms, ..Area::NONE }, Area { name: "walls", ..Area::NONE }];
        let held = held_by(&areas, &store, UserId(Uuid::nil())).await.expect("an answer");
        assert_eq!(held, BTreeMap::from([("rooms".to_owned(), json!(["Attic", "Kitchen"]))]));
    }
}
