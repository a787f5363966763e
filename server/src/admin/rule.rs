//! Which sessions a rule is about. Pure: what a database can find by an index is in ranges, the rest is compared here.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use ipnet::IpNet;
use types::api::EndRule;
use types::domain::{Timestamp, UserId};

use crate::store::SessionTraits;

/// What sessions have in common. Without anything it is about all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionRule {
    pub user: Option<UserId>,
    pub signed_in_before: Option<Timestamp>,
    /// Last seen from an address of this network.
    pub network: Option<IpNet>,
    /// Of clients in whose browser, system, platform, kind or version these words stand, in letters of any size.
    pub client: Option<String>,
    /// Last seen at a place in whose name these words stand, in letters of any size.
    pub place: Option<String>,
}

impl SessionRule {
    /// The rule as it travels. `None` where its network is none: a part that cannot be read must not make it wider.
    pub fn of(rule: &EndRule) -> Option<Self> {
        let network = match &rule.network {
            Some(text) => Some(parse_network(text)?),
            None => None,
        };
        let (client, place) = (rule.client.clone(), rule.place.clone());
        Some(Self { user: rule.user, signed_in_before: rule.signed_in_before, network, client, place })
    }

    /// Whether an index finds those that it is about and no others.
    pub const fn is_exact(&self) -> bool {
        let is_alone = self.user.is_none() && self.signed_in_before.is_none();
        let is_found = match self.network {
            None => true,
            Some(IpNet::V4(_)) => is_alone,
            Some(IpNet::V6(_)) => false,
        };
        is_found && self.client.is_none() && self.place.is_none()
    }

    /// Signed in longer ago than this as well.
    #[must_use]
    pub fn older_than(self, age: Duration, now: Timestamp) -> Self {
        let before = now.minus(age);
        let signed_in_before = Some(self.signed_in_before.map_or(before, |earlier| earlier.min(before)));
        Self { signed_in_before, ..self }
    }

    /// Whether a session is meant.
    pub fn matches(&self, session: &SessionTraits) -> bool {
        self.user.is_none_or(|user| session.user_id == user)
            && self.signed_in_before.is_none_or(|before| session.created_at < before)
            && self.network.is_none_or(|network| is_in(network, &session.ip))
            && self.client.as_ref().is_none_or(|words| is_client(session, words))
            && self.place.as_ref().is_none_or(|words| is_at(session, words))
    }
}

/// A network, or an address that is one by itself.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(|address| address.to_canonical().into()))
}

fn is_at(session: &SessionTraits, words: &str) -> bool {
    session.place.as_ref().is_some_and(|place| place.to_lowercase().contains(&words.to_lowercase()))
}

fn is_in(network: IpNet, address: &str) -> bool {
    address.parse::<IpAddr>().is_ok_and(|address| network.contains(&address.to_canonical()))
}

fn is_client(session: &SessionTraits, words: &str) -> bool {
    let words = words.to_lowercase();
    let device = &session.device;
    let parts = [
        device.browser.as_deref(),
        device.os.as_deref(),
        Some(device.platform.as_str()),
        Some(device.kind.as_str()),
        device.app_version.as_deref(),
    ];
    parts.into_iter().flatten().any(|part| part.to_lowercase().contains(&words))
}

/// Between which texts the addresses of a network stand, in the order of texts. Of IPv4 these and no others; of IPv6
/// all of them, and as little beside them as can be said so.
pub fn ranges_of(network: IpNet) -> Vec<Range<String>> {
    match network {
        IpNet::V4(network) => {
            let octets = network.network().octets();
            let whole = usize::from(network.prefix_len() / 8);
            let prefix = octets[..whole].iter().map(|octet| format!("{octet}.")).collect::<Vec<_>>().concat();
            let Some(first) = octets.get(whole).copied() else {
                return vec![one_text(network.network().to_string())];
            };
            if network.prefix_len().is_multiple_of(8) {
                return vec![beginning_with(prefix)];
            }
            // At most 128 values of the octet that is said in part.
            let last = first | (u8::MAX >> (network.prefix_len() % 8));
            let texts = (first..=last).map(|octet| format!("{prefix}{octet}"));
            let range = |text| if whole == 3 { one_text(text) } else { beginning_with(text + ".") };
            let mut ranges: Vec<Range<String>> = texts.map(range).collect();
            ranges.sort_by(|one, other| one.start.cmp(&other.start));
            ranges
        }
        IpNet::V6(network) if network.prefix_len() == 128 => vec![one_text(network.network().to_string())],
        IpNet::V6(network) => {
            let whole = usize::from(network.prefix_len() / 16);
            let groups = network.network().segments();
            // A zero may be left out of the text, and so may what follows it.
            let said = groups[..whole.min(7)].iter().take_while(|group| **group != 0);
            vec![beginning_with(said.map(|group| format!("{group:x}:")).collect::<Vec<_>>().concat())]
        }
    }
}

/// That text only: what is longer goes on with something after the space.
fn one_text(text: String) -> Range<String> {
    let end = format!("{text} ");
    text..end
}

fn beginning_with(prefix: String) -> Range<String> {
    let end = format!("{prefix}\u{10ffff}");
    prefix..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::api::DeviceDescription;
    use types::domain::SessionId;
    use types::words::DeviceKind;
    use uuid::Uuid;

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn session(ip: &str) -> SessionTraits {
        SessionTraits {
            id: SessionId(Uuid::nil()),
            user_id: UserId(Uuid::nil()),
            created_at: START,
            device: DeviceDescription {
                device_name: "Work".into(),
                platform: "web".into(),
                browser: Some("Chrome 141".into()),
                os: Some("Linux".into()),
                kind: DeviceKind::Laptop,
                app_version: None,
            },
            ip: ip.to_owned(),
            place: Some("Berlin, Germany".to_owned()),
        }
    }

    #[test]
    fn a_rule_is_about_what_all_its_parts_say() {
        let session = session("192.0.2.7");
        let matches = |rule: SessionRule| rule.matches(&session);
        assert!(matches(SessionRule::default()));
        assert!(matches(SessionRule { network: Some("192.0.2.0/24".parse().unwrap()), ..SessionRule::default() }));
        assert!(!matches(SessionRule { network: Some("192.0.3.0/24".parse().unwrap()), ..SessionRule::default() }));
        for (words, expected) in [("chrome 14", true), ("LINUX", true), ("laptop", true), ("firefox", false)] {
            assert_eq!(matches(SessionRule { client: Some(words.to_owned()), ..SessionRule::default() }), expected);
        }
        for (words, expected) in [("berlin", true), ("Germany", true), ("Paris", false)] {
            assert_eq!(matches(SessionRule { place: Some(words.to_owned()), ..SessionRule::default() }), expected);
        }
        let old = |age_ms, now_ms| {
            let now = START.plus(Duration::from_millis(now_ms));
            SessionRule::default().older_than(Duration::from_millis(age_ms), now)
        };
        assert!(matches(old(10, 11)) && !matches(old(10, 10)));
        let earlier = SessionRule { signed_in_before: Some(START), ..SessionRule::default() };
        assert!(!matches(earlier.older_than(Duration::ZERO, START.plus(Duration::from_secs(9)))));
        assert!(!matches(SessionRule { user: Some(UserId(Uuid::max())), ..SessionRule::default() }));
    }

    #[test]
    fn a_rule_with_a_network_that_cannot_be_read_is_none() {
        let rule = |network: &str| EndRule { network: Some(network.to_owned()), ..EndRule::default() };
        let read = SessionRule::of(&rule("192.0.2.7")).unwrap();
        assert_eq!(read.network, Some("192.0.2.7/32".parse().unwrap()));
        assert_eq!(SessionRule::of(&rule("192.0.2")), None);
    }

    #[test]
    fn a_network_is_searched_between_texts_that_are_near_it() {
        for (network, from, ranges) in [
            ("10.0.0.0/8", "10.", 1),
            ("192.0.2.0/24", "192.0.2.", 1),
            ("192.0.2.7/32", "192.0.2.7", 1),
            ("192.0.2.8/30", "192.0.2.10", 4),
            ("172.16.0.0/12", "172.16.", 16),
            ("203.0.128.0/17", "203.0.128.", 128),
            ("0.0.0.0/0", "", 1),
            ("2001:db8::/32", "2001:db8:", 1),
            ("2001:db8::1/128", "2001:db8::1", 1),
            ("::/0", "", 1),
        ] {
            let found = ranges_of(network.parse().unwrap());
            assert_eq!((found[0].start.as_str(), found.len()), (from, ranges), "{network}");
            assert!(found.is_sorted_by(|one, next| one.end <= next.start), "{network}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn every_address_of_a_network_stands_between_its_texts_and_no_other_of_ipv4(
            address: IpAddr,
            other: std::net::Ipv4Addr,
            bits in 0_u8..=128,
        ) {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let network = IpNet::new(address, bits % (longest + 1)).unwrap();
            let stands = |text: &String| ranges_of(network).iter().filter(|range| range.contains(text)).count();
            prop_assert_eq!(stands(&address.to_string()), 1, "{} of {}", address, network);
            if address.is_ipv4() {
                let expected = usize::from(network.contains(&IpAddr::V4(other)));
                prop_assert_eq!(stands(&other.to_string()), expected, "{} of {}", other, network);
            }
        }
    }
}
