//! Under which host names a server of development answers.
//!
//! It listens on loopback only, but a page from elsewhere whose name is made to lead to 127.0.0.1 (DNS rebinding) is of
//! the same origin as what it then asks, and reads the answers: codes in the mailbox, and everything the demo user
//! sees. Such a page cannot choose the `Host` that its browser sends. In production it has nothing to gain: no answer
//! depends on being asked from this machine.

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

use super::headers::single;
use super::problem::ApiError;
use crate::config::{PublicUrl, ServerConfig, is_loopback_host};

/// Which names are answered.
pub struct Hosts {
    /// The public address, where only its name and those of this machine are.
    restricted_to: Option<PublicUrl>,
}

impl Hosts {
    pub fn new(config: &ServerConfig) -> Self {
        Self { restricted_to: config.is_development().then(|| config.public_url.clone()) }
    }

    /// Refuses requests for other names. Asking for health tells nobody anything, and monitors use names of their own.
    pub fn check(&self, request: &Request) -> Result<(), ApiError> {
        let Some(public_url) = &self.restricted_to else { return Ok(()) };
        if request.uri().path().starts_with("/health") {
            return Ok(());
        }
        if is_named(request.headers(), request.uri(), public_url) {
            return Ok(());
        }
        Err(ApiError::misdirected(public_url))
    }
}

/// Whether a request names this machine or the public address.
fn is_named(headers: &HeaderMap, uri: &Uri, public_url: &PublicUrl) -> bool {
    names(headers, uri, |host| host == public_url.host() || is_loopback_host(host))
}

/// Whether a request names the public address.
pub fn names_public(headers: &HeaderMap, uri: &Uri, public_url: &PublicUrl) -> bool {
    names(headers, uri, |host| host == public_url.host())
}

/// Whether a request names this machine, which anybody can write from anywhere.
pub fn names_loopback(headers: &HeaderMap, uri: &Uri) -> bool {
    names(headers, uri, is_loopback_host)
}

/// Whether a request names such a host, on whichever port.
fn names(headers: &HeaderMap, uri: &Uri, is_meant: impl Fn(&str) -> bool) -> bool {
    let fits = |authority: &Authority| {
        let host = authority.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        !authority.as_str().contains('@') && is_meant(host)
    };
    // What a request line names wins over `Host` for some (RFC 9112, 3.2.2): both must fit.
    host_of(headers).as_ref().is_some_and(fits) && uri.authority().is_none_or(fits)
}

/// The origin that a request names, where that is this machine and no TLS is in between.
pub fn loopback_origin(headers: &HeaderMap) -> Option<String> {
    let authority = host_of(headers)?;
    let authority = authority.as_str().to_ascii_lowercase();
    let is_loopback = PublicUrl::parse(&format!("http://{authority}")).is_ok_and(|origin| origin.is_loopback());
    is_loopback.then(|| format!("http://{authority}"))
}

fn host_of(headers: &HeaderMap) -> Option<Authority> {
    let host = single(headers, HOST).ok().flatten();
    host.and_then(|host| Authority::try_from(host.as_bytes()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::HeaderValue;
    use rstest::rstest;

    fn hosts(settings: &[(&str, &str)]) -> Hosts {
        let folder = tempfile::tempdir().unwrap();
        Hosts::new(&crate::config::Config::for_tests(folder.path(), settings).unwrap().server)
    }

    fn answered(hosts: &Hosts, uri: &str, given: &[&'static str]) -> bool {
        let mut request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        for host in given {
            request.headers_mut().append(HOST, HeaderValue::from_static(host));
        }
        hosts.check(&request).is_ok()
    }

    #[rstest]
    #[case::localhost("localhost", true)]
    #[case::with_a_port("localhost:3000", true)]
    #[case::in_capitals("LOCALHOST:3000", true)]
    #[case::with_a_dot("localhost.:3000", true)]
    #[case::below_it("latchkey.localhost:3000", true)]
    #[case::four("127.0.0.1:3000", true)]
    #[case::four_of_the_same_network("127.8.9.10", true)]
    #[case::six("[::1]:3000", true)]
    #[case::the_public_one("id.example.com", true)]
    #[case::the_public_one_with_a_port("ID.example.com:8443", true)]
    #[case::rebound("evil.example:3000", false)]
    #[case::below_the_public_one("x.id.example.com", false)]
    #[case::that_begins_like_it("id.example.com.evil.example", false)]
    #[case::that_begins_like_this_machine("localhost.evil.example", false)]
    #[case::that_begins_like_an_address("127.0.0.1.nip.io", false)]
    #[case::that_ends_like_it("evil-localhost", false)]
    #[case::the_address_of_another("192.168.1.2:3000", false)]
    #[case::any_address("0.0.0.0:3000", false)]
    #[case::with_a_name_before_it("localhost@evil.example", false)]
    #[case::with_another_name_before_it("evil.example@localhost", false)]
    #[case::empty("", false)]
    #[case::rubbish("local host", false)]
    fn only_names_of_this_machine_and_the_public_one_are_answered_in_development(
        #[case] host: &'static str,
        #[case] expected: bool,
    ) {
        let hosts = hosts(&[("PUBLIC_URL", "https://id.example.com")]);
        assert_eq!(answered(&hosts, "/dev/mailbox", &[host]), expected);
        assert_eq!(answered(&hosts, "/api/auth/login", &[host]), expected);
        assert!(answered(&hosts, "/health/live", &[host]));
    }

    #[rstest]
    #[case("127.0.0.1:3000", Some("http://127.0.0.1:3000"))]
    #[case("LOCALHOST", Some("http://localhost"))]
    #[case("[::1]:3000", Some("http://[::1]:3000"))]
    #[case("id.example.com", None)]
    #[case("localhost@evil.example", None)]
    #[case("localhost.evil.example", None)]
    fn an_origin_of_this_machine_is_known_by_its_host(#[case] host: &str, #[case] origin: Option<&str>) {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
        assert_eq!(loopback_origin(&headers).as_deref(), origin);
    }

    #[test]
    fn a_request_that_names_two_hosts_must_name_ours_twice() {
        let hosts = hosts(&[]);
        assert!(answered(&hosts, "http://localhost:3000/dev/mailbox", &["localhost:3000"]));
        assert!(!answered(&hosts, "http://evil.example/dev/mailbox", &["localhost:3000"]));
        assert!(!answered(&hosts, "http://localhost:3000/dev/mailbox", &["evil.example"]));
        assert!(!answered(&hosts, "/dev/mailbox", &["localhost:3000", "evil.example"]));
        assert!(!answered(&hosts, "/dev/mailbox", &[]));
    }
}
