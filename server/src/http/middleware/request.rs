//! What can be said of a request before anybody has looked at what it wants.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use uuid::Uuid;

use crate::http::headers::single;
use crate::http::problem::ApiError;
use crate::http::proxies::TrustedProxies;
use crate::random::Random;

/// The header under which the id of a request travels.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers by which some frameworks let a `POST` pass for something else, past whoever filters methods before us.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The id that a trusted proxy gave, if it is a sane one, else a new one.
pub fn request_id(headers: &HeaderMap, peer: IpAddr, proxies: &TrustedProxies, random: &dyn Random) -> HeaderValue {
    let sane = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (8..=128).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if let Some(given) = single(headers, REQUEST_ID).ok().flatten().filter(sane)
        && proxies.trusts(peer)
    {
        return given.clone();
    }
    new_id(random)
}

/// An id that no other request of any server has: what this process drew when it began, and a count. Ids are for
/// finding things in the log; nothing is protected by one.
fn new_id(random: &dyn Random) -> HeaderValue {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = *PROCESS.get_or_init(|| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    let id = u128::from(process) << 64 | u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    let mut text = [0; uuid::fmt::Simple::LENGTH];
    Uuid::from_u128(id).simple().encode_lower(&mut text);
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Why a request is not even looked at.
pub fn refusal(request: &Request) -> Option<ApiError> {
    let headers = request.headers();
    if matches!(*request.method(), Method::TRACE | Method::CONNECT)
        || (*request.method() == Method::POST && METHOD_OVERRIDES.iter().any(|name| headers.contains_key(*name)))
    {
        return Some(ApiError::method_not_allowed());
    }
    // `OPTIONS *` asks about the server as a whole: there is nothing to say, and no page is rendered for a path like
    // that.
    if !request.uri().path().starts_with('/') || has_dot_segment(request.uri().path()) {
        return Some(ApiError::not_found());
    }
    // Nothing is unpacked here, so nothing can unpack to more than it said; and of two kinds nobody knows which the
    // body is of.
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !is_plain(encoding))
        || [CONTENT_ENCODING, CONTENT_TYPE].into_iter().any(|name| single(headers, name).is_err())
    {
        return Some(ApiError::unsupported_media_type());
    }
    None
}

/// Adds what [`ApiError::method_not_allowed`] alone cannot know (RFC 9110, 15.5.6).
pub fn name_allowed_methods(status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::METHOD_NOT_ALLOWED && !headers.contains_key(ALLOW) {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS"));
    }
}

/// Whether a segment of the path is `.` or `..`, plain or escaped: proxies and servers differ in what they make of
/// those.
fn has_dot_segment(path: &str) -> bool {
    let may_have_one = path.contains("/.") || path.contains('%');
    may_have_one
        && path.split('/').any(|segment| {
            segment.len() <= 6 && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
        })
}

/// The path as the log may show it. Long segments are capabilities, such as the ids of receipts; queries hold tickets.
pub fn loggable(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').map(|segment| if segment.len() > 40 { "…" } else { segment }).collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;
    use rstest::rstest;

    #[rstest]
    #[case("/api/../admin", true)]
    #[case("/./api", true)]
    #[case("/api/%2e%2e/x", true)]
    #[case("/api/.%2E", true)]
    #[case("/.well-known/jwks.json", false)]
    #[case("/pkg/latchkey..js", false)]
    #[case("/...", false)]
    fn dot_segments_are_seen_in_every_spelling(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(has_dot_segment(path), expected);
    }

    #[test]
    fn an_id_is_taken_from_a_trusted_proxy_only_and_only_if_it_is_sane() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let id = |peer: &str, given: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(given));
            request_id(&headers, peer.parse().unwrap(), &proxies, &OsRandom)
        };
        assert_eq!(id("10.0.0.1", "proxy-id-0001"), "proxy-id-0001");
        assert_ne!(id("203.0.113.7", "proxy-id-0001"), "proxy-id-0001");
        for odd in ["short", "has space in it", "<script>alert</script>", "{\"json\":1}"] {
            assert_ne!(id("10.0.0.1", odd), odd);
        }
        let mut twice = HeaderMap::new();
        twice.append(REQUEST_ID, HeaderValue::from_static("clients-id-0001"));
        twice.append(REQUEST_ID, HeaderValue::from_static("proxy-id-0001"));
        let drawn = request_id(&twice, "10.0.0.1".parse().unwrap(), &proxies, &OsRandom);
        assert!(!twice.get_all(REQUEST_ID).iter().any(|given| given == drawn), "nobody knows who wrote which");
    }

    #[test]
    fn the_log_shows_no_capability() {
        let path = format!("/api/auth/receipts/{}", "a".repeat(43));
        assert_eq!(loggable(&path), "/api/auth/receipts/…");
        let session = "/api/auth/sessions/019aa4b2-7c1e-7000-8000-000000000000";
        assert_eq!(loggable(session), session);
    }
}
