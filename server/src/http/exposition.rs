//! `GET /metrics`, for Prometheus: on a listener of its own, or beside the API for whoever has the token.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Method};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tower::ServiceExt as _;
use types::api::paths;

use super::needs::{Credential, NOTHING, Needs};
use super::principal::bearer;
use super::problem::ApiError;
use super::routes::{Route, Routes};
use super::state::ApiState;
use crate::auth::secrets::sha256;
use crate::current_request;
use crate::metrics::{CONTENT_TYPE as PROMETHEUS, RouteId, RouteNames};
use crate::store::Digest;

const METRICS_TOKEN: Needs = Needs::Credentials(&[Credential::MetricsToken]);

/// What the listener of its own answers: the metrics, and that there is nothing else. Its requests are not counted.
pub fn alone(state: &ApiState) -> (Router, Vec<Route>) {
    let (router, table) = Routes::<ApiState>::new(&mut RouteNames::default())
        .of("metrics_listener")
        .get(paths::METRICS, show)
        .needs(NOTHING)
        .outside_the_api()
        .finish(state.clone());
    let router = router
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed());
    (router, table)
}

/// The metrics beside the API. Whoever does not have the token finds what `otherwise` has at this address, which is
/// what there would be if there were no metrics.
pub fn beside<'n>(routes: Routes<'n>, token: &SecretString, otherwise: Router) -> Routes<'n> {
    let access = MetricsAccess { token: digest(token.expose_secret()) };
    let show_or_hide = move |State(state): State<ApiState>, request: Request| async move {
        if access.is_given(request.method(), request.headers()) {
            return show(State(state)).await;
        }
        current_request::take_route(RouteId::NONE);
        match otherwise.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    routes.of("metrics").any(paths::METRICS, show_or_hide).needs(METRICS_TOKEN).outside_the_api()
}

#[derive(Clone, Copy)]
struct MetricsAccess {
    token: Digest,
}

impl MetricsAccess {
    fn is_given(&self, method: &Method, headers: &HeaderMap) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        // Digests are of one length, so that not even the length of the token shows in the time this takes.
        reads && bearer(headers).is_some_and(|presented| bool::from(digest(presented).ct_eq(&self.token)))
    }
}

fn digest(token: &str) -> Digest {
    sha256(token.as_bytes())
}

async fn show(State(state): State<ApiState>) -> Response {
    let headers = [(CONTENT_TYPE, PROMETHEUS), (CACHE_CONTROL, "no-store")];
    (headers, state.context.metrics.exposition()).into_response()
}
