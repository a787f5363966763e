//! Which address a request comes from, where proxies that we trust stand before us.
//!
//! `X-Forwarded-For` and `Forwarded` are believed only as far as trusted proxies wrote them: from the right, up to the first address that
//! is not one of theirs (ASVS 4.1.3, 15.3.4).

use std::net::IpAddr;

use http::HeaderMap;
use http::header::FORWARDED;
use ipnet::IpNet;

/// The client's address, as far as we can believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// `TRUSTED_PROXIES`.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether this peer is a proxy of ours.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind `peer`.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        if self.0.is_empty() || !self.trusts(client) {
            return ClientAddress(client);
        }
        for hop in forwarded(headers).into_iter().rev() {
            // A hop that is no address ends what can be believed.
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        ClientAddress(client)
    }
}

/// The hops that the headers name, nearest last. `X-Forwarded-For` wins where both are there: what a proxy does not write,
/// it may pass on from anybody.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let texts = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default().to_owned());
        values.flat_map(|value| value.split(',').map(|hop| hop.trim().to_owned()).collect::<Vec<_>>()).collect()
    };
    let x_forwarded_for = texts("x-forwarded-for");
    if !x_forwarded_for.is_empty() {
        return x_forwarded_for.iter().map(|hop| address(hop)).collect();
    }
    texts(FORWARDED.as_str()).iter().map(|element| forwarded_for(element)).collect()
}

/// The `for` of one element of `Forwarded` (RFC 7239, 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair = element.split(';').map(str::trim).find(|pair| pair.to_ascii_lowercase().starts_with("for="))?;
    address(pair[4..].trim_matches('"'))
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let bare = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => text.rsplit_once(':')?.0,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    #[rstest]
    #[case::straight("203.0.113.7", &[], "203.0.113.7")]
    #[case::spoofed_without_proxy("203.0.113.7", &[("x-forwarded-for", "1.2.3.4")], "203.0.113.7")]
    #[case::through_a_proxy("10.0.0.1", &[("x-forwarded-for", "203.0.113.7")], "203.0.113.7")]
    #[case::spoofed_before_the_proxy("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, 203.0.113.7")], "203.0.113.7")]
    #[case::two_proxies("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, 203.0.113.7, 10.0.0.2")], "203.0.113.7")]
    #[case::two_headers("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7")]
    #[case::rubbish("10.0.0.1", &[("x-forwarded-for", "203.0.113.7, <script>")], "10.0.0.1")]
    #[case::six_with_port("10.0.0.1", &[("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1")]
    #[case::mapped("::ffff:10.0.0.1", &[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7")]
    #[case::forwarded("10.0.0.1", &[("forwarded", "for=1.2.3.4, for=\"[2001:db8::1]\";proto=https")], "2001:db8::1")]
    #[case::both_headers("10.0.0.1", &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7")]
    fn the_client_is_whom_a_trusted_proxy_names(
        #[case] peer: IpAddr,
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: IpAddr,
    ) {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(trusted.client(peer, &map), ClientAddress(expected));
    }
}
