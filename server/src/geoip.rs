//! Approximate places of addresses, in words for users: from a MaxMind database file (`GEOIP_DATABASE`), where there
//! is one.
//!
//! Nothing is decided by a place, and nothing is downloaded: the operator brings the file. It is read once, at start.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, PathElement, Reader};

use crate::telemetry::chain;

/// Kinds of database that know where an address is, as they call themselves: `GeoLite2-City`, `DBIP-Country-Lite`.
const KINDS: [&str; 3] = ["City", "Country", "Enterprise"];
const CITY: [PathElement<'static>; 3] = [PathElement::Key("city"), PathElement::Key("names"), PathElement::Key("en")];
const COUNTRY: [PathElement<'static>; 3] =
    [PathElement::Key("country"), PathElement::Key("names"), PathElement::Key("en")];

/// Why a database file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoIpError {
    /// It is missing, damaged, or something else.
    #[error("{} cannot be read as a MaxMind database", .0.display())]
    Unreadable(PathBuf, #[source] MaxMindDbError),
    /// It knows other things of addresses than where they are.
    #[error("{} is of the kind {kind}, and not a database of cities or countries", .path.display())]
    OtherKind {
        path: PathBuf,
        /// What it calls itself.
        kind: String,
    },
}

/// Where addresses are, as far as is known.
#[derive(Debug, Default)]
pub struct Places(Option<Reader<Vec<u8>>>);

impl Places {
    /// Knows what this file knows; nothing where there is none. The whole file is held in memory.
    pub fn open(path: Option<&Path>) -> Result<Self, GeoIpError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let reader = Reader::open_readfile(path).map_err(|error| GeoIpError::Unreadable(path.to_owned(), error))?;
        let kind = &reader.metadata().database_type;
        if !KINDS.iter().any(|known| kind.contains(known)) {
            return Err(GeoIpError::OtherKind { path: path.to_owned(), kind: kind.clone() });
        }
        Ok(Self(Some(reader)))
    }

    /// The place of an address, such as `Kyiv, Ukraine`, or only the country. `None` for addresses that are nowhere:
    /// unknown, private, or no addresses.
    pub fn of(&self, ip: &str) -> Option<String> {
        let reader = self.0.as_ref()?;
        let address = ip.parse().ok().filter(is_public)?;
        look_up(reader, address).unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "GeoIP lookup failed");
            None
        })
    }
}

fn look_up(reader: &Reader<Vec<u8>>, address: IpAddr) -> Result<Option<String>, MaxMindDbError> {
    if address.is_ipv6() && reader.metadata().ip_version == 4 {
        return Ok(None);
    }
    let found = reader.lookup(address)?;
    Ok(words(found.decode_path(&CITY)?, found.decode_path(&COUNTRY)?))
}

fn words(city: Option<&str>, country: Option<&str>) -> Option<String> {
    match (city, country) {
        // Some cities are countries.
        (Some(city), Some(country)) if city != country => Some(format!("{city}, {country}")),
        (Some(place), _) | (None, Some(place)) => Some(place.to_owned()),
        (None, None) => None,
    }
}

/// Whether an address can be anywhere: those of local networks are everywhere.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by the customers of a provider (RFC 6598).
            let shared = matches!(address.octets(), [100, 64..=127, ..]);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || shared)
        }
        IpAddr::V6(address) => {
            !(address.is_unique_local()
                || address.is_loopback()
                || address.is_unicast_link_local()
                || address.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("Kyiv"), Some("Ukraine"), Some("Kyiv, Ukraine"))]
    #[case(None, Some("Ukraine"), Some("Ukraine"))]
    #[case(Some("Kyiv"), None, Some("Kyiv"))]
    #[case(Some("Singapore"), Some("Singapore"), Some("Singapore"))]
    #[case(None, None, None)]
    fn a_place_is_shown_as_far_as_it_is_known(
        #[case] city: Option<&str>,
        #[case] country: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(words(city, country).as_deref(), expected);
    }

    #[test]
    fn addresses_of_local_networks_are_nowhere() {
        for local in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.7",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(!is_public(&local.parse().unwrap()), "{local}");
        }
        for public in ["203.0.113.7", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(is_public(&public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn without_a_file_no_place_is_known() {
        assert_eq!(Places::open(None).unwrap().of("203.0.113.7"), None);
    }
}
