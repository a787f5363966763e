//! `GET /metrics`, for Prometheus: on a listener of its own, or beside the API for whoever has the token.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Method};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tower::ServiceExt as _;
use types::api::paths;

use super::principal::bearer;
use super::problem::ApiError;
use super::state::ApiState;
use crate::auth::secrets::sha256;
use crate::current;
use crate::metrics::{CONTENT_TYPE as PROMETHEUS, RouteId, Routes};
use crate::store::Digest;

/// What the listener of its own answers: the metrics, and that there is nothing else.
pub fn alone(state: &ApiState) -> Router {
    Router::new()
        .route(paths::METRICS, get(show))
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(state.clone())
}

/// The metrics beside the API. Whoever does not have the token finds what `otherwise` has at this address, which is
/// what there would be if there were no metrics.
pub fn beside(state: &ApiState, token: &SecretString, otherwise: Router, routes: &mut Routes) -> Router {
    let door = Door { token: digest(token.expose_secret()), route: routes.id(paths::METRICS) };
    let state = state.clone();
    Router::new().route(
        paths::METRICS,
        any(move |request: Request| async move {
            if door.opens(request.method(), request.headers()) {
                current::take_route(door.route);
                return show(State(state)).await;
            }
            match otherwise.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }),
    )
}

#[derive(Clone, Copy)]
struct Door {
    token: Digest,
    route: RouteId,
}

impl Door {
    fn opens(&self, method: &Method, headers: &HeaderMap) -> bool {
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
