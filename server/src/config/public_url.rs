//! The address users use: an origin, spelled as browsers spell it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::Uri;

/// Scheme, host and port of the address users use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    /// Reads `http` or `https`, host and port. A slash at the end is dropped; a path is refused, since cookies with the
    /// `__Host-` prefix belong to a whole host.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || "must be an address such as https://id.example.com, without a path".to_owned();
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("must begin with https:// or http://".to_owned()),
        };
        let authority = uri.authority().ok_or_else(malformed)?;
        if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() || authority.host().is_empty()
        {
            return Err(malformed());
        }
        let host = authority.host().to_ascii_lowercase();
        // Browsers leave a scheme's own port out of `Origin`; comparing needs the same spelling.
        let default_port = if https { 443 } else { 80 };
        let port = authority.port_u16().filter(|port| *port != default_port);
        Ok(Self::new(https, host, port))
    }

    /// The plain-HTTP address under which a server that listens there is reached from its own machine.
    pub fn of_listener(listen: SocketAddr) -> Self {
        let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
        let host = match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self::new(false, host, Some(listen.port()).filter(|port| *port != 80))
    }

    fn new(https: bool, host: String, port: Option<u16>) -> Self {
        let scheme = if https { "https" } else { "http" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Self { origin: format!("{scheme}://{host}{port}"), host, https }
    }

    /// Scheme, host and port as a browser sends them in `Origin`; no slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The origin of its sockets, as a content security policy can name it. `None` where the host is an IPv6 address,
    /// which no policy can name (CSP 3, section 2.3.1).
    pub fn socket_origin(&self) -> Option<String> {
        (!self.host.starts_with('[')).then(|| self.origin.replacen("http", "ws", 1))
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether only this machine can reach it (what browsers call potentially trustworthy without TLS).
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(&self.host)
    }

    /// A full address: `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// Whether a host, without a port and in lower case, is this machine under any of its names. Those below `localhost`
/// never lead elsewhere (RFC 6761, 6.3).
pub fn is_loopback_host(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spelled_as_browsers_spell_origins() {
        for (text, origin) in [
            ("https://id.example.com", "https://id.example.com"),
            ("https://ID.Example.com:443/", "https://id.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().origin(), origin);
        }
    }

    #[test]
    fn sockets_are_of_the_same_host_and_port() {
        for (text, origin) in [
            ("https://id.example.com", Some("wss://id.example.com")),
            ("https://http.example.com:8443", Some("wss://http.example.com:8443")),
            ("http://127.0.0.1:3000", Some("ws://127.0.0.1:3000")),
            ("https://[::1]:8443", None),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().socket_origin().as_deref(), origin, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["", "id.example.com", "ftp://x", "https://", "https://a/b", "https://a?b", "https://user@a", "/x"]
        {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_known_under_all_its_names() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://x.localhost", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:3000", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
