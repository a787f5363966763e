//! Traces: a span a request and one for each thing it waits for, sent to an OpenTelemetry collector where one is set.
//!
//! Where none is set no span is ever made. Spans say which route and how it went: never an id of a user, an address,
//! a path, a query or a body. The log carries the trace's id on every line of a traced request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use tokio::runtime::Handle;

use crate::config::ObserveConfig;
use crate::metrics::{Counters, Metrics, labels, metrics};

/// How long the collector may take for a batch.
const LONGEST_EXPORT: Duration = Duration::from_secs(10);
/// How long the last batch may delay a stopping server.
const LONGEST_FLUSH: Duration = Duration::from_secs(3);
/// No collector has more to say.
const LARGEST_ANSWER: usize = 64 * 1024;

metrics! {
    /// What is counted of traces.
    pub struct TraceMetrics {
        /// Batches of spans sent to the collector, by what became of them.
        exports: Counters<ExportResult> = "latchkey_trace_exports_total",
    }
}

labels! {
    /// What became of a batch of spans.
    ExportResult = "result" {
        /// The collector took it.
        Ok = "ok",
        /// The collector did not take it.
        Failed = "failed",
    }
}

/// Why there can be no traces.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent with these settings: {0}")]
pub struct TraceError(String);

/// Makes and sends the spans of one server.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    /// `None` where no collector is set. To be called within the runtime that is to send them.
    pub fn start(config: &ObserveConfig, server_id: &str, metrics: &Metrics) -> Result<Option<Self>, TraceError> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(metrics.group()))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(LONGEST_EXPORT)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()
            .map_err(|error| TraceError(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", server_id.to_owned()))
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("latchkey");
        Ok(Some(Self { provider, tracer, propagator: TraceContextPropagator::new() }))
    }

    /// Begins the span of a request. `headers` are those of a peer whose `traceparent` is believed.
    pub fn request(&self, headers: Option<&HeaderMap>) -> RequestSpan {
        let nothing = Context::new();
        let parent = headers.map(|headers| self.propagator.extract_with_context(&nothing, &HeaderExtractor(headers)));
        let builder = self.tracer.span_builder("HTTP").with_kind(SpanKind::Server);
        let span = builder.start_with_context(&self.tracer, &parent.unwrap_or(nothing));
        RequestSpan { tracer: self.tracer.clone(), context: Context::new().with_span(span) }
    }

    /// Sends what has not been sent, and waits for it, but not for ever.
    pub async fn finish(&self) {
        let provider = self.provider.clone();
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LONGEST_FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("trace export failed at shutdown");
        }
    }
}

pub struct RequestSpan {
    tracer: SdkTracer,
    context: Context,
}

/// A span within a request; ends when it is dropped.
pub struct ChildSpan {
    /// Boxed, because it stays in futures that are otherwise small.
    _span: Box<Span>,
}

impl RequestSpan {
    /// Begins a span within this one.
    pub fn child(&self, name: &'static str) -> ChildSpan {
        ChildSpan { _span: Box::new(self.tracer.start_with_context(name, &self.context)) }
    }

    /// The id of the trace, as it is written.
    pub fn trace_id(&self) -> String {
        self.context.span().span_context().trace_id().to_string()
    }

    /// Ends the span with what is known in the end. `route` is the route's pattern.
    pub fn end(&self, method: &Method, route: &str, status: StatusCode, request_id: &str) {
        let span = self.context.span();
        span.update_name(format!("{method} {route}"));
        span.set_attributes([
            KeyValue::new("http.request.method", method.to_string()),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("latchkey.request_id", request_id.to_owned()),
        ]);
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// The collector, as the exporter reaches it: from a thread of its own, over connections that belong to our runtime.
struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    metrics: Arc<TraceMetrics>,
    failing: AtomicBool,
}

impl Collector {
    fn new(metrics: Arc<TraceMetrics>) -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, runtime: Handle::current(), metrics, failing: AtomicBool::new(false) }
    }

    /// Counts what became of a batch, and logs when that changes: a collector may be away for long.
    fn note(&self, problem: Option<String>) {
        let failed = problem.is_some();
        self.metrics.exports.increment(if failed { ExportResult::Failed } else { ExportResult::Ok });
        match (problem, self.failing.swap(failed, Ordering::Relaxed)) {
            (Some(problem), false) => tracing::warn!(problem, "trace export failed"),
            (None, true) => tracing::info!("trace export recovered"),
            _ => {}
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.spawn(send(self.client.clone(), request)).await;
        let answer = answer.map_err(HttpError::from).flatten();
        self.note(match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answered {}", response.status())),
            Err(error) => Some(error.to_string()),
        });
        answer
    }
}

async fn send(
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let whole = async {
        let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    tokio::time::timeout(LONGEST_EXPORT, whole).await?
}
