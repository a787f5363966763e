//! Arguments that several commands take, and how they are read.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use types::domain::{ClientReason, Timestamp};

use crate::admin::UserKey;
use crate::config::duration;

/// A user, and why something is done to them.
#[derive(Debug, clap::Args)]
pub struct WhomAndWhy {
    /// Whom, by id or e-mail address
    #[arg(value_name = "ID|EMAIL")]
    pub user: UserKey,
    /// Why; stands in the audit log, where the user reads it as well
    #[arg(long, value_name = "TEXT", value_parser = ClientReason::parse)]
    pub reason: Option<ClientReason>,
}

/// Reads a duration as settings have them.
pub fn age(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "must be a whole number with a unit, such as 15m, 2h or 90d".to_owned())
}

/// Reads a moment.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let moment = Timestamp::parse_rfc3339(text).or_else(day);
    moment.ok_or_else(|| "must be a day or a moment in UTC, such as 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}

/// Reads a network, or an address that is one by itself.
pub fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse::<IpNet>().ok().or_else(address);
    network.ok_or_else(|| "must be a network or an address, such as 192.0.2.0/24 or 2001:db8::1".to_owned())
}

/// Words that something is found by: not nothing, which is found everywhere.
pub fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_moments_and_networks_are_read_as_people_write_them() {
        assert_eq!(age("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(moment("2026-11-01").map(|at| at.to_string()), Ok("2026-11-01T00:00:00.000Z".to_owned()));
        assert_eq!(moment("2026-11-01T12:00:00Z").map(|at| at.to_string()), Ok("2026-11-01T12:00:00.000Z".to_owned()));
        assert_eq!(network("192.0.2.7").map(|network| network.to_string()), Ok("192.0.2.7/32".to_owned()));
        assert_eq!(network("2001:db8::/32").map(|network| network.to_string()), Ok("2001:db8::/32".to_owned()));
        for wrong in ["", "soon", "10"] {
            assert!(age(wrong).is_err() && moment(wrong).is_err() && network(wrong).is_err(), "{wrong}");
        }
    }
}
