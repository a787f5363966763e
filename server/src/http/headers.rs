//! Headers that every answer carries, whatever it says: what browsers may do with it, and who may keep it. Also how a
//! header of a request is read that may stand there once.

use http::header::{
    AsHeaderName, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// For answers that are data: should a browser be led to show one as a page, nothing in it comes to life (ASVS 3.2.1).
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
/// For pages without scripts, such as the mailbox and plain error pages.
const PLAIN_PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Two years, as preload lists ask for.
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
const NO_DEVICES: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
);
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// Which of the headers apply here.
#[derive(Clone, Copy, Debug)]
pub struct SecurityHeaders {
    https: bool,
}

impl SecurityHeaders {
    /// `https` is whether the public address is; only then may browsers be told to insist on it.
    pub const fn new(https: bool) -> Self {
        Self { https }
    }

    /// Adds the headers. Does not overwrite CSP or Cache-Control.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.reserve(8);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, SAME_ORIGIN);
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), SAME_ORIGIN);
        // Headers that only concern documents are left off data, which is most of what is asked for.
        if is_page(headers) {
            headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            headers.insert(HeaderName::from_static("cross-origin-opener-policy"), SAME_ORIGIN);
            headers.insert(HeaderName::from_static("permissions-policy"), NO_DEVICES);
        }
        if self.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, TWO_YEARS);
        }
        if !headers.contains_key(CONTENT_SECURITY_POLICY) {
            let policy = if is_page(headers) { PLAIN_PAGE_POLICY } else { DATA_POLICY };
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        if !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, NO_STORE);
        }
    }
}

/// The policy of the web app's pages. `nonce` is the one this very answer's scripts carry.
///
/// `wasm-unsafe-eval` is the only exception: browsers compile no WebAssembly without it. `sockets` are the origins of
/// the sockets that the page may open, also our own: in Safari `'self'` may not cover it (`WebKit` bug 201591).
pub fn page_policy(nonce: &str, sockets: &[String]) -> String {
    let connections: Vec<&str> = std::iter::once("'self'").chain(sockets.iter().map(String::as_str)).collect();
    let connections = connections.join(" ");
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; manifest-src 'self'; connect-src {connections}; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

/// A field stands there more than once, and may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice;

/// The only field of this name, if there is one. Of two that may not both be there, nobody knows which was meant, and
/// whoever checked the request before us may have looked at the other one (RFC 9110, 5.3).
///
/// # Errors
/// Where there are two, even if they say the same.
pub fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&HeaderValue>, Twice> {
    let mut fields = headers.get_all(name).iter();
    let first = fields.next();
    if fields.next().is_some() { Err(Twice) } else { Ok(first) }
}

/// Whether the answer is a page.
pub fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(https: bool, given: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers: HeaderMap =
            given.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        SecurityHeaders::new(https).apply(&mut headers);
        headers
    }

    #[test]
    fn data_is_neither_executed_nor_cached() {
        let headers = applied(true, &[(CONTENT_TYPE, "application/json")]);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], DATA_POLICY);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!headers.contains_key(X_FRAME_OPTIONS), "the policy says it already");
    }

    #[test]
    fn a_page_cannot_be_framed_or_opened_into_and_uses_no_devices() {
        let headers = applied(true, &[(CONTENT_TYPE, "text/html; charset=utf-8")]);
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert!(headers.contains_key("permissions-policy"));
    }

    #[test]
    fn what_an_answer_says_of_itself_stays() {
        let headers =
            applied(true, &[(CACHE_CONTROL, "public, max-age=300"), (CONTENT_SECURITY_POLICY, "default-src 'self'")]);
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=300");
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "default-src 'self'");
    }

    #[test]
    fn only_a_server_on_https_insists_on_it() {
        assert_eq!(applied(true, &[])[STRICT_TRANSPORT_SECURITY], TWO_YEARS);
        assert!(!applied(false, &[]).contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn the_policy_of_pages_has_one_exception_and_no_wildcard() {
        let policy = page_policy("abc", &[]);
        assert!(
            policy.contains("'nonce-abc'")
                && policy.contains("object-src 'none'")
                && policy.contains("base-uri 'none'")
        );
        assert_eq!(policy.matches("unsafe").count(), 1);
        assert!(!policy.contains('*') && !policy.contains("https:") && !policy.contains("ws:"));
    }

    #[test]
    fn a_page_opens_the_sockets_of_its_own_server_and_no_others() {
        let policy = page_policy("abc", &["wss://id.example.com".to_owned()]);
        assert!(policy.contains("; connect-src 'self' wss://id.example.com; "), "{policy}");
        assert!(page_policy("abc", &[]).contains("; connect-src 'self'; "));
    }
}
