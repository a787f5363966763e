//! Other web apps' scripts: which origins may call the API and read its answers.
//!
//! Such apps use bearer tokens, so credentials are never allowed: no cookie travels with their calls.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::http::headers::single;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, latchkey-client");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("retry-after, session-expires-in, www-authenticate, x-request-id");
const TEN_MINUTES: HeaderValue = HeaderValue::from_static("600");

/// Which origins may call the API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<HeaderValue>,
}

impl Cors {
    /// Exactly these origins, spelled as browsers spell them.
    pub fn new(origins: &[String]) -> Self {
        Self { origins: origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect() }
    }

    /// Whether a browser asks if it may send the real request.
    pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The origin of a request, if its scripts may read the answer. Compared byte by byte: no pattern, no case, no
    /// default port; and of two origins neither.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        if self.origins.is_empty() {
            return None;
        }
        let origin = single(headers, ORIGIN).ok().flatten()?;
        self.origins.iter().find(|allowed| *allowed == origin)
    }

    /// Says to an origin that was [`Self::allowed`] that it may read the answer, and to caches that this depends on who
    /// asks.
    pub fn allow(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Says what the real request may look like.
    pub fn allow_request(headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, TEN_MINUTES);
    }
}
