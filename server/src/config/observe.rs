//! How the server is observed: metrics for Prometheus, traces for OpenTelemetry.

use std::net::SocketAddr;

use secrecy::SecretString;

use super::reader::{Fallback, Reader, Setting};
use super::secret;
use super::server::{ServerConfig, parse_listen};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "METRICS_ADDR",
        Fallback::Text(""),
        "Address and port of a listener of its own that serves `/metrics` to Prometheus and nothing else, such as `127.0.0.1:9464`.",
    ),
    Setting::new(
        "METRICS_TOKEN",
        Fallback::Text(""),
        "Where set, `/metrics` also answers beside the API, to `Authorization: Bearer` with this token: 32 characters or more.",
    ),
    Setting::new(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Fallback::Text(""),
        "An OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; traces go there.",
    ),
    Setting::new("OTEL_SERVICE_NAME", Fallback::Text("latchkey"), "The name of this installation in traces."),
];

/// How the server is observed.
#[derive(Clone, Debug)]
pub struct ObserveConfig {
    /// Where `/metrics` has a listener of its own.
    pub metrics_listen: Option<SocketAddr>,
    /// What opens `/metrics` beside the API.
    pub metrics_token: Option<SecretString>,
    /// The collector of traces, without the path of the signal and without a slash at its end.
    pub otlp_endpoint: Option<String>,
    /// The name of this installation in traces.
    pub service_name: String,
}

impl ObserveConfig {
    pub(super) fn read(reader: &mut Reader, server: &ServerConfig) -> Self {
        let metrics_listen = reader.read_given("METRICS_ADDR", parse_listen);
        if metrics_listen.is_some_and(|address| address.port() != 0 && address == server.listen) {
            reader.refuse("METRICS_ADDR", "must differ from LEPTOS_SITE_ADDR: it is a listener of its own");
        }
        Self {
            metrics_listen,
            metrics_token: reader.read_given("METRICS_TOKEN", |text| secret::parse(text, server.environment)),
            otlp_endpoint: reader.read_given("OTEL_EXPORTER_OTLP_ENDPOINT", parse_endpoint),
            service_name: reader.read("OTEL_SERVICE_NAME", |text| Ok(text.to_owned())).unwrap_or_default(),
        }
    }
}

/// Reads the address of a collector. Credentials are refused here because an address is shown in messages; they belong
/// in `OTEL_EXPORTER_OTLP_HEADERS`, which the exporter reads itself.
fn parse_endpoint(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.parse().map_err(|_| WANTED.to_owned())?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none();
    if !plain {
        return Err(WANTED.to_owned());
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("must not hold a password: put credentials into OTEL_EXPORTER_OTLP_HEADERS".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

const WANTED: &str = "must be the address of a collector, such as http://127.0.0.1:4318";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_a_plain_address() {
        for (text, endpoint) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            ("https://otel.example.com/", "https://otel.example.com"),
            ("http://collector:4318/tenant/7", "http://collector:4318/tenant/7"),
        ] {
            assert_eq!(parse_endpoint(text).unwrap(), endpoint);
        }
        for text in ["collector:4318", "grpc://collector:4317", "http://", "http://a?x=1", "http://u:hunter2@a"] {
            let refusal = parse_endpoint(text).unwrap_err();
            assert!(!refusal.contains("hunter2"), "{text}");
        }
    }
}
