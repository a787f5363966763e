//! What happens to every request and every answer, whatever it is about.
//!
//! One plain function instead of a tower of layers: each layer of axum boxes its future, and a session check that reads
//! no database would spend more time in layers than in the check.

mod cors;
mod request;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use tower::ServiceExt as _;
use types::api::Problem;
use types::api::paths::EXPIRES_IN_HEADER;

use cors::Cors;

use super::body::BodyLimit;
use super::headers::{SecurityHeaders, single};
use super::hosts::Hosts;
use super::problem::{ApiError, Cause};
use super::proxies::{LoopbackPeer, TrustedProxies};
use super::response_changes::ResponseChange;
use super::serve::RequestHandler;
use crate::clock::Clock;
use crate::config::Config;
use crate::current_request::{self, CurrentRequest};
use crate::metrics::{HttpMetrics, Requests};
use crate::random::Random;
use crate::traces::{RequestSpan, Traces};

/// Answers that took longer are worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);
const EXPIRES_IN: HeaderName = HeaderName::from_static(EXPIRES_IN_HEADER);

/// The outermost part of the application.
pub struct Edge {
    router: Router,
    hosts: Hosts,
    proxies: TrustedProxies,
    cors: Cors,
    headers: SecurityHeaders,
    body_limit: BodyLimit,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    instruments: Instruments,
}

/// What is told of requests.
pub struct Instruments {
    /// Counts what is counted of all requests together.
    pub metrics: Arc<HttpMetrics>,
    /// Counts requests by route.
    pub requests: Arc<Requests>,
    /// Makes a span of each, where a collector is set.
    pub traces: Option<Arc<Traces>>,
}

impl Edge {
    /// Puts everything around `router`.
    pub fn new(
        router: Router,
        config: &Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        instruments: Instruments,
    ) -> Self {
        Self {
            router,
            hosts: Hosts::new(&config.server),
            proxies: TrustedProxies::new(config.server.trusted_proxies.clone()),
            cors: Cors::new(&config.server.cors_origins),
            headers: SecurityHeaders::new(config.server.public_url.is_https()),
            body_limit: BodyLimit(config.limits.max_body_bytes),
            clock,
            random,
            instruments,
        }
    }

    fn begin_span(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<Box<RequestSpan>> {
        let traces = self.instruments.traces.as_ref()?;
        let is_believed = self.proxies.trusts(peer.ip()) && single(headers, "traceparent").is_ok();
        Some(Box::new(traces.request(is_believed.then_some(headers))))
    }

    async fn route(&self, mut request: Request, peer: SocketAddr) -> Response {
        let checked = self.hosts.check(&request).err().or_else(|| request::refusal(&request));
        if let Some(refusal) = checked {
            return refusal.into_response();
        }
        let client = self.proxies.client(peer.ip(), request.headers());
        request.extensions_mut().insert(client);
        if peer.ip().to_canonical().is_loopback() {
            request.extensions_mut().insert(LoopbackPeer);
        }
        if !request.method().is_safe() {
            request.extensions_mut().insert(self.body_limit);
        }
        // A handler that panics leaves nothing unusable: locks that handlers share are taken whether poisoned or
        // not.
        match AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => ApiError::silent_failure().into_response(),
        }
    }
}

impl RequestHandler for Edge {
    async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let id = request::request_id(request.headers(), peer.ip(), &self.proxies, &*self.random);
        let span = self.begin_span(peer, request.headers());
        CurrentRequest::new(id.clone(), span).answer(self.answer_under(id, request, peer)).await
    }
}

impl Edge {
    async fn answer_under(&self, id: HeaderValue, request: Request, peer: SocketAddr) -> Response {
        let started = self.clock.monotonic();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let origin = self.cors.allowed(request.headers()).cloned();
        let cookies = cookies_of(&request);
        let mut response = if Cors::is_preflight(&method, request.headers()) {
            let mut response = StatusCode::NO_CONTENT.into_response();
            if origin.is_some() {
                Cors::allow_request(response.headers_mut());
            }
            response
        } else {
            self.route(request, peer).await
        };
        finish_problem(&mut response, &id, &method);
        ResponseChange::carry_out(&cookies, &mut response).await;
        let headers = response.headers_mut();
        self.headers.apply(headers);
        self.cors.allow(origin, headers);
        if let Some(seconds) = current_request::session_expires_in() {
            headers.insert(EXPIRES_IN, HeaderValue::from(seconds));
        }
        let took = self.clock.monotonic().saturating_duration_since(started);
        let cause = response.extensions_mut().remove::<Cause>();
        log(&method, &uri, response.status(), took, cause.as_ref());
        self.record(&method, response.status(), &id, took);
        response.headers_mut().insert(request::REQUEST_ID, id);
        response
    }

    /// Records in metrics and trace how a request went.
    fn record(&self, method: &Method, status: StatusCode, id: &HeaderValue, took: Duration) {
        let route = current_request::route();
        self.instruments.requests.count(route, method, status, took);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            self.instruments.metrics.unavailable.increment();
        }
        current_request::with_span(|span| {
            span.end(method, self.instruments.requests.name(route), status, id.to_str().unwrap_or_default());
        });
    }
}

/// The cookies of a request that may change something; no other answer removes any.
fn cookies_of(request: &Request) -> HeaderMap {
    if request.method().is_safe() {
        return HeaderMap::new();
    }
    request.headers().get_all(COOKIE).iter().map(|field| (COOKIE, field.clone())).collect()
}

/// Gives problems the id of their request, and makes problems of the plain errors that axum answers by itself.
fn finish_problem(response: &mut Response, id: &HeaderValue, method: &Method) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    if is_bare(response) {
        let plain = std::mem::replace(response, bare_problem(status).into_response());
        for (name, value) in plain.headers() {
            if name != CONTENT_TYPE && name != CONTENT_LENGTH {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    request::name_allowed_methods(status, response.headers_mut());
    let Some(mut problem) = response.extensions_mut().remove::<Box<Problem>>() else { return };
    problem.request_id = id.to_str().ok().map(str::to_owned);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // An answer to HEAD tells the length of what it leaves out.
    *response.body_mut() = if method == Method::HEAD { Body::empty() } else { Body::from(body) };
}

/// Whether an error says nothing that a client could read: axum's own refusals are empty or plain text.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

fn bare_problem(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => ApiError::method_not_allowed(),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_large(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::unsupported_media_type(),
        status if status.is_server_error() => ApiError::silent_failure(),
        status => ApiError::malformed_request(status),
    }
}

/// One line a request: always where it failed or was slow, else for those who look closely. While something below is
/// away that is all that a request writes, and no alarm: whoever looks after what is away has told of it once.
fn log(method: &Method, uri: &Uri, status: StatusCode, took: Duration, cause: Option<&Cause>) {
    let line = || (request::loggable(uri.path()), status.as_u16(), took.as_millis());
    let error = cause.map(|cause| cause.error.as_str());
    let may_pass = status == StatusCode::SERVICE_UNAVAILABLE && !cause.is_some_and(|cause| cause.is_alarming);
    if may_pass {
        let (path, status, took_ms) = line();
        tracing::warn!(%method, path, status, took_ms, error, "request unavailable");
    } else if status.is_server_error() {
        let (path, status, took_ms) = line();
        tracing::error!(%method, path, status, took_ms, error, "request failed");
    } else if took >= SLOW {
        let (path, status, took_ms) = line();
        tracing::warn!(%method, path, status, took_ms, "request slow");
    } else if tracing::enabled!(tracing::Level::DEBUG) {
        let (path, status, took_ms) = line();
        tracing::debug!(%method, path, status, took_ms, "request");
    }
}
