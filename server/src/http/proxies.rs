//! Which address a request comes from, where proxies that we trust stand before us.
//!
//! `X-Forwarded-For` and `Forwarded` are believed only as far as trusted proxies wrote them: from the right, up to the
//! first address that is not one of theirs (ASVS 4.1.3, 15.3.4). A proxy that writes one of them may pass on the other
//! from anybody, and which of the two it writes, nobody has told us: where both are there, they are believed only if
//! they lead to the same client.

use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::forwarded;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What proxies write of whom they ask for. A request without any of it was sent by a client itself, or by a proxy that
/// says nothing.
const WRITTEN_BY_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Whether a proxy has handed a request on, whether we trust it or not.
pub fn is_handed_on(headers: &HeaderMap) -> bool {
    WRITTEN_BY_PROXIES.iter().any(|name| headers.contains_key(*name))
}

/// The connection comes from this machine: from a client on it, or from a proxy.
#[derive(Clone, Copy, Debug)]
pub struct LoopbackPeer;

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
        let peer = peer.to_canonical();
        if self.0.is_empty() || !self.trusts(peer) {
            return ClientAddress(peer);
        }
        let clients = [
            self.led_to(peer, headers, &X_FORWARDED_FOR, forwarded::x_forwarded_for),
            self.led_to(peer, headers, &FORWARDED, forwarded::forwarded),
        ];
        ClientAddress(match clients {
            [Some(client), None] | [None, Some(client)] => client,
            [Some(one), Some(other)] if one == other => one,
            [Some(_), Some(_)] | [None, None] => peer,
        })
    }

    /// Whom the fields of one name lead to from `peer`; `None` where there is no such field. One that is empty leads to
    /// `peer`.
    fn led_to(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
        name: &HeaderName,
        addresses: fn(&[u8]) -> Vec<Option<IpAddr>>,
    ) -> Option<IpAddr> {
        if !headers.contains_key(name) {
            return None;
        }
        let hops: Vec<_> = headers.get_all(name).iter().flat_map(|field| addresses(field.as_bytes())).collect();
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            // A hop that is no address ends what can be believed: it was the last one known who said so.
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;
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
    #[case::two_that_differ("10.0.0.1", &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "203.0.113.7")], "10.0.0.1")]
    #[case::two_that_agree("10.0.0.1", &[("forwarded", "for=\"203.0.113.7:80\""), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7")]
    #[case::two_that_agree_by_other_ways("10.0.0.1", &[("forwarded", "for=203.0.113.7"), ("x-forwarded-for", "1.2.3.4, 203.0.113.7, 10.0.0.2")], "203.0.113.7")]
    #[case::two_of_which_one_cannot_be_read("10.0.0.1", &[("forwarded", "for=_hidden"), ("x-forwarded-for", "203.0.113.7")], "10.0.0.1")]
    #[case::a_host_that_looks_like_another_hop("10.0.0.1", &[("forwarded", "for=192.0.2.43;host=\"evil,for=8.8.8.8\"")], "192.0.2.43")]
    #[case::no_member_behind("10.0.0.1", &[("x-forwarded-for", "203.0.113.7, ,")], "203.0.113.7")]
    #[case::in_quotes("10.0.0.1", &[("x-forwarded-for", "\"203.0.113.7\"")], "203.0.113.7")]
    #[case::four_with_port("10.0.0.1", &[("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7")]
    #[case::zone("10.0.0.1", &[("x-forwarded-for", "fe80::7%eth0")], "fe80::7")]
    #[case::an_empty_list("10.0.0.1", &[("x-forwarded-for", ""), ("forwarded", "for=1.2.3.4")], "10.0.0.1")]
    #[case::a_quote_left_open("10.0.0.1", &[("forwarded", "for=1.2.3.4;host=\"x, for=203.0.113.7")], "10.0.0.1")]
    #[case::a_quote_left_open_in_another_field("10.0.0.1", &[("forwarded", "for=1.2.3.4;host=\"x"), ("forwarded", "for=203.0.113.7")], "203.0.113.7")]
    #[case::hidden_behind_a_second_proxy("10.0.0.1", &[("forwarded", "for=_x, for=10.0.0.2")], "10.0.0.2")]
    #[case::unknown("10.0.0.1", &[("forwarded", "for=1.2.3.4, for=unknown")], "10.0.0.1")]
    #[case::twice_for("10.0.0.1", &[("forwarded", "for=203.0.113.7;for=8.8.8.8")], "10.0.0.1")]
    fn the_client_is_whom_a_trusted_proxy_names(
        #[case] peer: IpAddr,
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: IpAddr,
    ) {
        assert_eq!(client_behind(peer, headers), expected);
    }

    #[rstest]
    #[case::by_nobody(&[("host", "localhost:3000"), ("x-request-id", "12345678")], false)]
    #[case::by_one_of_ours(&[("x-forwarded-for", "203.0.113.7")], true)]
    #[case::by_one_that_says_it_otherwise(&[("forwarded", "for=_hidden")], true)]
    #[case::by_one_that_names_nobody(&[("via", "1.1 proxy")], true)]
    #[case::by_one_with_an_empty_list(&[("x-forwarded-for", "")], true)]
    fn a_request_that_a_proxy_has_handed_on_is_known_by_what_proxies_write(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: bool,
    ) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(is_handed_on(&headers), expected);
    }

    fn client_behind(peer: IpAddr, headers: &[(&'static str, &str)]) -> IpAddr {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        trusted.client(peer, &map).0
    }

    proptest! {
        #[test]
        fn whichever_field_a_proxy_writes_a_client_that_sends_the_other_chooses_no_address(
            seen in any::<[u8; 4]>(), chosen in any::<[u8; 4]>(), began in "[ -~]{0,40}",
        ) {
            let (seen, chosen, peer) = (IpAddr::from(seen), IpAddr::from(chosen), IpAddr::from([10, 0, 0, 1]));
            prop_assume!(seen != chosen && [seen, chosen].iter().all(|one| !one.to_string().starts_with("10.")));
            let (x, rfc) = (seen.to_string(), format!("for={seen}"));
            for sent in [chosen.to_string(), format!("for={chosen}"), format!("{began}, {chosen}"), began] {
                for headers in [[("x-forwarded-for", x.as_str()), ("forwarded", sent.as_str())], [("x-forwarded-for", &sent), ("forwarded", &rfc)]] {
                    let client = client_behind(peer, &headers);
                    prop_assert!(client == peer || client == seen, "{client} by {headers:?}");
                }
            }
        }
    }
}
